/** self-encryption: bytes to chunks and a data map, and back. */
export * from './bincode.ts'
export { decryptChunk } from './chunk-work.ts'
export * from './constants.ts'
export {
  checkIndexes,
  type DataMap,
  type DataMapEntry,
  dataMapSize,
  type U64,
} from './data-map.ts'
export * from './data-map-file.ts'
export * from './data-map-json.ts'
export * from './data-map-msgpack.ts'
export * from './decrypt-bytes.ts'
export * from './decrypt-stream.ts'
export { type EncryptBytesOptions, type EncryptedBytes, encryptBytes } from './encrypt-bytes.ts'
export * from './encrypt-stream.ts'
export * from './errors.ts'
export type { DecryptOptions } from './fetch-open.ts'
export * from './metrics.ts'
export * from './options.ts'
export { type ResolveOptions, resolveRootMap } from './resolve.ts'
export type { EncryptedChunk } from './seal-pipeline.ts'
export { type ByteSource, sourceFromBytes, sourceFromStream } from './source.ts'
