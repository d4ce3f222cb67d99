/**
 * Stores of liars. The node above is the real one and believes its store, so that it lies on the wire with all it says:
 * what it claims, what it serves, what it proves.
 */
import type { ChunkAddress } from '../../protocol/index.ts'
import {
  type Capacity,
  type ChunkStore,
  type DiskState,
  ForwardingChunkStore,
  type HashedContent,
  type PutOutcome,
  StorageError,
} from '../../storage/index.ts'
import type { Lie } from '../scenario.ts'

/** Has everything that anybody asks for, and nothing at all. */
class ClaimingStore extends ForwardingChunkStore {
  override has(): boolean {
    return true
  }
  override async get(): Promise<undefined> {
    return undefined
  }
  override async put(): Promise<PutOutcome> {
    return 'stored'
  }
  override async repair(): Promise<'duplicate'> {
    return 'duplicate'
  }
}

/** Takes chunks as anybody does and deletes them as soon as it has said so; it goes on claiming them. */
class ForgettingStore extends ForwardingChunkStore {
  readonly #claimed = new Set<ChunkAddress>()

  override has(address: ChunkAddress): boolean {
    return this.#claimed.has(address) || super.has(address)
  }
  override async put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    if (this.#claimed.has(address)) return 'duplicate'
    const outcome = await super.put(address, content)
    this.#claimed.add(address)
    await super.delete(address)
    return outcome
  }
}

/** Serves bytes that are not those of the chunk. */
class CorruptingStore extends ForwardingChunkStore {
  override async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    const bytes = await super.get(address)
    if (bytes && bytes.length > 0) bytes[0] = (bytes[0] as number) ^ 1
    return bytes
  }
}

/** Whoever asks for bytes waits for ever; when the node stops, all are told. */
class MuteStore extends ForwardingChunkStore {
  readonly #waiting = new Set<() => void>()

  override get(): Promise<undefined> {
    return new Promise((resolve) => this.#waiting.add(() => resolve(undefined)))
  }
  override stop(): Promise<void> {
    for (const end of this.#waiting) end()
    this.#waiting.clear()
    return super.stop()
  }
}

export function lyingStore(below: ChunkStore, lie: Lie): ChunkStore {
  switch (lie) {
    case 'claims':
      return new ClaimingStore(below)
    case 'forgets':
      return new ForgettingStore(below)
    case 'corrupts':
      return new CorruptingStore(below)
    case 'mute':
      return new MuteStore(below)
  }
}

/** A store in memory that can be full: the disk of a machine without one. */
export class FillableStore extends ForwardingChunkStore {
  readonly #isFull: () => boolean

  constructor(below: ChunkStore, isFull: () => boolean) {
    super(below)
    this.#isFull = isFull
  }

  override async put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    if (this.#isFull() && !this.has(address)) throw new StorageError('STORAGE_FULL', 'the simulated memory is full')
    return super.put(address, content)
  }
  override async admits(bytes: number): Promise<boolean> {
    return !this.#isFull() && super.admits(bytes)
  }
  override async capacity(): Promise<Capacity> {
    return this.#isFull() ? 'full' : super.capacity()
  }
  override get disk(): DiskState {
    return this.#isFull() ? 'full' : super.disk
  }
}
