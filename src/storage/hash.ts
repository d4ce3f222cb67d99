/** What a chunk must be before it is stored (pure). */
import type { Bytes } from '../base/index.ts'
import { type ChunkAddress, chunkAddressOf, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { StorageError } from './errors.ts'

/** BLAKE3 of chunk content, 32 bytes; may leave the thread. The content is borrowed until it settles. */
export type Hash = (content: Uint8Array) => Bytes | Promise<Bytes>

/** Bytes with the address that was computed from them, so that one request hashes its content once. */
export class HashedContent {
  readonly bytes: Uint8Array
  readonly address: ChunkAddress

  /** Only `of` makes one. */
  private constructor(bytes: Uint8Array, address: ChunkAddress) {
    this.bytes = bytes
    this.address = address
  }

  /** The bytes are borrowed as long as it is used. */
  static async of(hash: Hash, bytes: Uint8Array): Promise<HashedContent> {
    return new HashedContent(bytes, chunkAddressOf(await hash(bytes)))
  }
}

/**
 * The bytes, proved to be the chunk's. Throws STORAGE_CHUNK_TOO_LARGE or STORAGE_ADDRESS_MISMATCH. Size first: hashing
 * is the costly part.
 */
export async function verifyContent(
  hash: Hash,
  address: ChunkAddress,
  given: Uint8Array | HashedContent,
): Promise<Uint8Array> {
  const content = given instanceof HashedContent ? given.bytes : given
  if (content.length > MAX_CHUNK_BYTES) {
    throw new StorageError(
      'STORAGE_CHUNK_TOO_LARGE',
      `chunk ${address} has ${content.length} bytes, the limit is ${MAX_CHUNK_BYTES}`,
      { data: { size: content.length, limit: MAX_CHUNK_BYTES } },
    )
  }
  const { address: actual } = given instanceof HashedContent ? given : await HashedContent.of(hash, given)
  if (actual !== address) {
    throw new StorageError('STORAGE_ADDRESS_MISMATCH', `the content of chunk ${address} has the address ${actual}`, {
      data: { expected: address, actual },
    })
  }
  return content
}
