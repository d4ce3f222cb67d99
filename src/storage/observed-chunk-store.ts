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

/** Who uses a chunk just now; forgotten with the last of them. */
interface Use {
  users: number
  /** Deletions that began and that ended meanwhile. */
  begun: number
  ended: number
}

/** A chunk as it stood when a look at it began. */
interface Look {
  readonly held: boolean
  readonly use: Use
  readonly ended: number
}

export class ObservedChunkStore extends ForwardingChunkStore {
  /** What is missed while the same chunk is deleted was deleted on purpose. */
  readonly #uses = new Map<ChunkAddress, Use>()
  /** Set before start. */
  listener: HoldingsListener = { chunkStored: () => undefined, chunkRemoved: () => undefined }

  override async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    return this.#looking(address, async (look) => {
      const found = await this.store.get(address)
      if (!found) this.#missed(address, look)
      else this.#found(address, look.held)
      return found
    })
  }

  override async put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    const held = this.store.has(address)
    const outcome = await this.store.put(address, content)
    if (outcome !== 'duplicate') this.listener.chunkStored(address)
    else this.#found(address, held)
    return outcome
  }

  override async repair(
    address: ChunkAddress,
    content: Uint8Array | HashedContent,
  ): Promise<'absent' | 'duplicate' | 'repaired'> {
    const held = this.store.has(address)
    const outcome = await this.store.repair(address, content)
    if (outcome === 'repaired') this.listener.chunkStored(address)
    else if (outcome === 'duplicate') this.#found(address, held)
    return outcome
  }

  override async delete(address: ChunkAddress): Promise<boolean> {
    return this.#using(address, async (use) => {
      use.begun++
      try {
        const deleted = await this.store.delete(address)
        if (deleted) this.listener.chunkRemoved(address, false)
        return deleted
      } finally {
        use.ended++
      }
    })
  }

  override async check(address: ChunkAddress): Promise<ChunkCheck> {
    return this.#looking(address, async (look) => {
      const check = await this.store.check(address)
      if (check.kind === 'corrupt') this.listener.chunkRemoved(address, true)
      else if (check.kind === 'absent') this.#missed(address, look)
      return check
    })
  }

  #looking<T>(address: ChunkAddress, work: (look: Look) => Promise<T>): Promise<T> {
    return this.#using(address, async (use) => {
      const look = { held: this.store.has(address), use, ended: use.ended }
      try {
        return await work(look)
      } catch (error) {
        this.#failed(address, look, error)
        throw error
      }
    })
  }

  async #using<T>(address: ChunkAddress, work: (use: Use) => Promise<T>): Promise<T> {
    let use = this.#uses.get(address)
    if (!use) this.#uses.set(address, (use = { users: 0, begun: 0, ended: 0 }))
    use.users++
    try {
      return await work(use)
    } finally {
      if (--use.users === 0) this.#uses.delete(address)
    }
  }

  /** Its bytes were wrong, or cannot be read: a bad sector is repaired like rot. */
  #failed(address: ChunkAddress, look: Look, error: unknown): void {
    if (!(error instanceof StorageError)) return
    if (error.code === 'STORAGE_CORRUPT') this.listener.chunkRemoved(address, true)
    else if (error.code === 'STORAGE_IO' && !this.store.has(address)) this.#missed(address, look)
  }

  /** It was in doubt, and its bytes are right after all. */
  #found(address: ChunkAddress, held: boolean): void {
    if (!held && this.store.has(address)) this.listener.chunkStored(address)
  }
  /** Its file was not there, unless the whole disk is away. */
  #missed(address: ChunkAddress, { held, use, ended }: Look): void {
    if (held && use.begun === ended && this.store.disk !== 'gone') this.listener.chunkRemoved(address, true)
  }
}
