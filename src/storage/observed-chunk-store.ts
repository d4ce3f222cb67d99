/** A store that tells what it holds since now and what it holds no more, whoever put or removed it. */
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkCheck, PutOutcome } from './chunk-store.ts'
import { StorageError } from './errors.ts'
import { ForwardingChunkStore } from './forwarding-chunk-store.ts'
import type { HashedContent } from './hash.ts'

export interface HoldingsListener {
  chunkStored(address: ChunkAddress): void
  /** `corrupt`: its bytes were wrong. */
  chunkRemoved(address: ChunkAddress, corrupt: boolean): void
}

export class ObservedChunkStore extends ForwardingChunkStore {
  /** Set before start. */
  listener: HoldingsListener = { chunkStored: () => undefined, chunkRemoved: () => undefined }

  override async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    try {
      return await this.store.get(address)
    } catch (error) {
      if (error instanceof StorageError && error.code === 'STORAGE_CORRUPT') this.listener.chunkRemoved(address, true)
      throw error
    }
  }

  override async put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    const outcome = await this.store.put(address, content)
    if (outcome !== 'duplicate') this.listener.chunkStored(address)
    return outcome
  }

  override async repair(
    address: ChunkAddress,
    content: Uint8Array | HashedContent,
  ): Promise<'absent' | 'duplicate' | 'repaired'> {
    const outcome = await this.store.repair(address, content)
    if (outcome === 'repaired') this.listener.chunkStored(address)
    return outcome
  }

  override async delete(address: ChunkAddress): Promise<boolean> {
    const deleted = await this.store.delete(address)
    if (deleted) this.listener.chunkRemoved(address, false)
    return deleted
  }

  override async check(address: ChunkAddress): Promise<ChunkCheck> {
    const check = await this.store.check(address)
    if (check.kind === 'corrupt') this.listener.chunkRemoved(address, true)
    return check
  }
}
