/** In memory and on this thread: small contents, and the plain telling of what the stream does in pieces. */
import { type Bytes, resolveOptions } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../protocol/index.ts'
import { type DataMap, type DataMapEntry, sealKeys } from './data-map.ts'
import { type SelfEncryptionLimits, selfEncryptionDefaults } from './options.ts'
import { cut, entriesOf } from './pieces.ts'
import { planChunks } from './plan.ts'
import type { EncryptedChunk } from './seal-pipeline.ts'
import { refuseUntested, shrink } from './shrink.ts'

export interface EncryptBytesOptions {
  readonly allowUntestedSize?: boolean
  readonly limits?: Partial<SelfEncryptionLimits>
}

export interface EncryptedBytes {
  readonly dataMap: DataMap
  readonly rootMap: DataMap
  /** File chunks 0 to n-1, then those of each level of the map. */
  readonly chunks: readonly EncryptedChunk[]
}

/** The bytes are borrowed. Throws TOO_SMALL, UNTESTED_SIZE. */
export async function encryptBytes(bytes: Uint8Array, options: EncryptBytesOptions = {}): Promise<EncryptedBytes> {
  const { maxChunkBytes } = resolveOptions('self-encryption', selfEncryptionDefaults, options.limits)
  refuseUntested(planChunks(bytes.length, maxChunkBytes), maxChunkBytes, options.allowUntestedSize ?? false)
  const chunks: EncryptedChunk[] = []
  const rootMap = { entries: sealAll(bytes, 0, maxChunkBytes, chunks), child: null }
  const dataMap = await shrink(rootMap, async (map, level) => sealAll(map, level, maxChunkBytes, chunks))
  return { dataMap, rootMap, chunks }
}

/** One level: cut, hash, seal. */
export function sealAll(
  bytes: Uint8Array,
  level: number,
  maxChunkBytes: number,
  chunks: EncryptedChunk[],
): DataMapEntry[] {
  const kernels = backend()
  const plan = planChunks(bytes.length, maxChunkBytes)
  const pieces = cut(bytes, plan)
  const sources: Bytes[] = pieces.map((piece) => kernels.blake3(piece))
  const addresses: ChunkAddress[] = []
  for (const [index, piece] of pieces.entries()) {
    const { content, address } = kernels.sealChunk(piece, sealKeys(sources, index, level))
    chunks.push({ address: chunkAddressOf(address), content, index, level })
    addresses.push(chunkAddressOf(address))
  }
  return entriesOf(plan, sources, addresses)
}
