/** GET of a chunk: whatever is stored, to anybody (storage.md 11). */
import type { Logger } from '../base/index.ts'
import type { ChunkAddress, GetResult } from '../protocol/index.ts'
import type { ChunkStore } from '../storage/index.ts'
import { storageFailure } from './failures.ts'

export interface GetDeps {
  readonly store: Pick<ChunkStore, 'get'>
  readonly log: Logger
}

export async function handleGet(deps: GetDeps, address: ChunkAddress): Promise<GetResult> {
  try {
    const content = await deps.store.get(address)
    return content ? { kind: 'success', address, content } : { kind: 'notFound', address }
  } catch (error) {
    deps.log.warn('reading a chunk for a peer failed', { address, error })
    return { kind: 'error', error: storageFailure(error, 'the chunk cannot be read') }
  }
}
