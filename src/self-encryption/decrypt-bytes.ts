/** In memory: all chunks are there, in any order. */
import { type Bytes, never } from '../base/index.ts'
import { createInlineCompute } from '../compute/index.ts'
import { backend } from '../crypto/index.ts'
import { chunkAddressOf } from '../protocol/index.ts'
import type { DataMap } from './data-map.ts'
import { readRange } from './decrypt-stream.ts'
import type { SelfEncryptionLimits } from './options.ts'

/** The chunks are borrowed; one that was altered has another address and is then missing (MISSING_CHUNK). */
export async function decryptBytes(
  dataMap: DataMap,
  chunks: Iterable<Uint8Array>,
  limits: Partial<SelfEncryptionLimits> = {},
): Promise<Bytes> {
  const byAddress = new Map<string, Uint8Array>()
  for (const chunk of chunks) byAddress.set(chunkAddressOf(backend().blake3(chunk)), chunk)
  return readRange(dataMap, 0, Number.MAX_SAFE_INTEGER, {
    fetchChunk: async (address) => {
      const chunk = byAddress.get(address)
      if (chunk === undefined) throw new Error('it is not among the given chunks')
      return chunk
    },
    compute: createInlineCompute(),
    signal: never,
    limits: { ...limits, inlineBelowBytes: Number.POSITIVE_INFINITY },
  })
}
