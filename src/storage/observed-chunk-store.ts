/** A store that tells what it holds since now and what it holds no more, whoever put or removed it. */
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkCheck, PutOutcome } from './chunk-store.ts'
import { StorageError } from './errors.ts'
import { ForwardingChunkStore } from './forwarding-chunk-store.ts'
import type { HashedContent } from './hash.ts'

export interface HoldingsListener {
  chunkStored(address: ChunkAddress): void
  /** `corrupt`: nobody removed it; its bytes were wrong, or its file was gone. */
  chunkRemoved(address: ChunkAddress, corrupt: boolean): void
}

/** A chunk as it stood when a read began. */
interface Before {
  readonly held: boolean
  readonly deletions: number
}

export class ObservedChunkStore extends ForwardingChunkStore {
  /** Begun so far: what a read misses meanwhile may have been deleted on purpose. */
  #deletions = 0
  /** Set before start. */
  listener: HoldingsListener = { chunkStored: () => undefined, chunkRemoved: () => undefined }

  override async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    const before = this.#before(address)
    try {
      const found = await this.store.get(address)
      if (!found) this.#missed(address, before)
      else this.#found(address, before)
      return found
    } catch (error) {
      this.#failed(address, before, error)
      throw error
    }
  }

  override async put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    const before = this.#before(address)
    const outcome = await this.store.put(address, content)
    if (outcome !== 'duplicate') this.listener.chunkStored(address)
    else this.#found(address, before)
    return outcome
  }

  override async repair(
    address: ChunkAddress,
    content: Uint8Array | HashedContent,
  ): Promise<'absent' | 'duplicate' | 'repaired'> {
    const before = this.#before(address)
    const outcome = await this.store.repair(address, content)
    if (outcome === 'repaired') this.listener.chunkStored(address)
    else if (outcome === 'duplicate') this.#found(address, before)
    return outcome
  }

  override async delete(address: ChunkAddress): Promise<boolean> {
    this.#deletions++
    const deleted = await this.store.delete(address)
    if (deleted) this.listener.chunkRemoved(address, false)
    return deleted
  }

  override async check(address: ChunkAddress): Promise<ChunkCheck> {
    const before = this.#before(address)
    const check = await this.#checked(address, before)
    if (check.kind === 'corrupt') this.listener.chunkRemoved(address, true)
    else if (check.kind === 'absent') this.#missed(address, before)
    return check
  }

  async #checked(address: ChunkAddress, before: Before): Promise<ChunkCheck> {
    try {
      return await this.store.check(address)
    } catch (error) {
      this.#failed(address, before, error)
      throw error
    }
  }

  /** Its bytes were wrong, or cannot be read: a bad sector is repaired like rot. */
  #failed(address: ChunkAddress, before: Before, error: unknown): void {
    if (!(error instanceof StorageError)) return
    if (error.code === 'STORAGE_CORRUPT') this.listener.chunkRemoved(address, true)
    else if (error.code === 'STORAGE_IO' && !this.store.has(address)) this.#missed(address, before)
  }

  #before(address: ChunkAddress): Before {
    return { held: this.store.has(address), deletions: this.#deletions }
  }
  /** It was in doubt, and its bytes are right after all. */
  #found(address: ChunkAddress, { held }: Before): void {
    if (!held && this.store.has(address)) this.listener.chunkStored(address)
  }
  /** Its file was not there, unless the whole disk is away. */
  #missed(address: ChunkAddress, { held, deletions }: Before): void {
    if (held && deletions === this.#deletions && this.store.disk !== 'gone') this.listener.chunkRemoved(address, true)
  }
}
