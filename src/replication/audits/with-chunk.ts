import { release } from '../../base/index.ts'
import type { ChunkAddress } from '../../protocol/index.ts'
import type { ChunkStore } from '../../storage/index.ts'

/**
 * Reads a chunk for one piece of work and gives its memory back: an audit reads hundreds of them, which the collector
 * would pile up. What `work` makes must keep no view of the bytes. undefined: not held. Throws as `get` and `work` do.
 */
export async function withChunk<T>(
  store: Pick<ChunkStore, 'get'>,
  key: ChunkAddress,
  work: (bytes: Uint8Array) => T | Promise<T>,
): Promise<T | undefined> {
  const bytes = await store.get(key)
  if (!bytes) return undefined
  try {
    return await work(bytes)
  } finally {
    release(bytes)
  }
}
