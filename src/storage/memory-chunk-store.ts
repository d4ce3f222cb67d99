/** Chunks in memory: for tests, simulation and nodes in one process. Same contract, no durability. */
import { Registry, resolveOptions } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { AddressIndex } from './address-index.ts'
import type { Capacity, ChunkCheck, ChunkStore, PutOutcome, StoreStats } from './chunk-store.ts'
import type { DiskState } from './disk-state.ts'
import { StorageError } from './errors.ts'
import { type Hash, type HashedContent, verifyContent } from './hash.ts'
import { createStorageMetrics, type StorageMetrics, statsOf } from './metrics.ts'
import { type MemoryChunkStoreOptions, memoryChunkStoreDefaults } from './options.ts'
import { chargeOf } from './space.ts'

export interface MemoryChunkStoreDeps {
  readonly registry?: Registry
  readonly hash?: Hash
}

export class MemoryChunkStore implements ChunkStore {
  readonly #hash: Hash
  readonly #options: MemoryChunkStoreOptions
  readonly #metrics: StorageMetrics
  readonly #index = new AddressIndex()
  readonly #chunks = new Map<ChunkAddress, Uint8Array>()
  #charged = 0
  #open = false

  constructor(deps: MemoryChunkStoreDeps = {}, options?: Partial<MemoryChunkStoreOptions>) {
    this.#hash = deps.hash ?? ((content) => backend().blake3(content))
    this.#options = resolveOptions('storage', memoryChunkStoreDefaults, options)
    this.#metrics = createStorageMetrics(deps.registry ?? new Registry(), () => this.size)
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#open = true
  }
  /** The chunks stay: a later start finds them, as on a disk. */
  async stop(): Promise<void> {
    this.#open = false
  }

  get size(): number {
    return this.#index.size
  }
  has(address: ChunkAddress): boolean {
    return this.#index.has(address)
  }
  keys(): IterableIterator<ChunkAddress> {
    return this.#index.keys()
  }
  keysAfter(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    return this.#index.after(after, limit)
  }
  stats(): StoreStats {
    return statsOf(this.#metrics, this.size)
  }

  async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    const bytes = this.#chunks.get(address)
    if (!bytes) return undefined
    this.#metrics.chunksRetrieved.add()
    this.#metrics.bytesRetrieved.add(bytes.length)
    return bytes.slice()
  }

  async put(address: ChunkAddress, given: Uint8Array | HashedContent): Promise<PutOutcome> {
    this.#assertOpen()
    const content = await verifyContent(this.#hash, address, given)
    if (this.#chunks.has(address)) {
      this.#metrics.duplicates.add()
      return 'duplicate'
    }
    if (!this.#fits(content.length)) {
      this.#metrics.refusedFull.add()
      const free = this.#options.maxBytes - this.#charged
      throw new StorageError('STORAGE_FULL', `Insufficient disk space: ${free} bytes free, ${content.length} to write`)
    }
    this.#charged += chargeOf(content.length)
    this.#chunks.set(address, content.slice())
    this.#index.add(address)
    this.#metrics.chunksStored.add()
    this.#metrics.bytesStored.add(content.length)
    return 'stored'
  }

  async repair(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<'absent' | 'duplicate'> {
    this.#assertOpen()
    await verifyContent(this.#hash, address, content)
    if (!this.#chunks.has(address)) return 'absent'
    this.#metrics.duplicates.add()
    return 'duplicate'
  }

  async delete(address: ChunkAddress): Promise<boolean> {
    this.#assertOpen()
    const bytes = this.#chunks.get(address)
    if (!bytes) return false
    this.#charged -= chargeOf(bytes.length)
    this.#chunks.delete(address)
    return this.#index.delete(address)
  }

  get disk(): DiskState {
    return this.#fits(MAX_CHUNK_BYTES) ? 'writable' : 'full'
  }
  /** Room is all that changes here, and nobody waits for it. */
  onDisk(): () => void {
    return () => undefined
  }
  /** Nothing takes time here. */
  readonly operations = 0

  async check(address: ChunkAddress): Promise<ChunkCheck> {
    this.#assertOpen()
    const bytes = this.#chunks.get(address)
    return bytes ? { kind: 'right', bytes: bytes.length } : { kind: 'absent' }
  }

  async admits(bytes: number): Promise<boolean> {
    return this.#fits(bytes)
  }
  async capacity(): Promise<Capacity> {
    return this.#fits(MAX_CHUNK_BYTES) ? 'writable' : 'full'
  }

  #fits(lengthBytes: number): boolean {
    return this.#charged + chargeOf(lengthBytes) <= this.#options.maxBytes
  }
  #assertOpen(): void {
    if (!this.#open) throw new StorageError('STORAGE_CLOSED', 'the chunk store is not open')
  }
}

/** Nothing survives it: for tests and simulated nodes. */
export function createMemoryChunkStore(
  deps: MemoryChunkStoreDeps = {},
  options?: Partial<MemoryChunkStoreOptions>,
): ChunkStore {
  return new MemoryChunkStore(deps, options)
}
