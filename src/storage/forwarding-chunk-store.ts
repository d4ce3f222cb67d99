/** A store that is another one; what differs overrides. */
import type { ChunkAddress } from '../protocol/index.ts'
import type { Capacity, ChunkCheck, ChunkStore, PutOutcome, StoreStats } from './chunk-store.ts'
import type { DiskState } from './disk-state.ts'
import type { HashedContent } from './hash.ts'

export abstract class ForwardingChunkStore implements ChunkStore {
  protected readonly store: ChunkStore

  constructor(store: ChunkStore) {
    this.store = store
  }

  start(signal: AbortSignal): Promise<void> {
    return this.store.start(signal)
  }
  stop(): Promise<void> {
    return this.store.stop()
  }
  has(address: ChunkAddress): boolean {
    return this.store.has(address)
  }
  get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    return this.store.get(address)
  }
  put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome> {
    return this.store.put(address, content)
  }
  repair(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<'absent' | 'duplicate' | 'repaired'> {
    return this.store.repair(address, content)
  }
  delete(address: ChunkAddress): Promise<boolean> {
    return this.store.delete(address)
  }
  check(address: ChunkAddress): Promise<ChunkCheck> {
    return this.store.check(address)
  }
  keys(): IterableIterator<ChunkAddress> {
    return this.store.keys()
  }
  keysAfter(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    return this.store.keysAfter(after, limit)
  }
  get size(): number {
    return this.store.size
  }
  admits(bytes: number): Promise<boolean> {
    return this.store.admits(bytes)
  }
  capacity(): Promise<Capacity> {
    return this.store.capacity()
  }
  stats(): StoreStats {
    return this.store.stats()
  }
  get disk(): DiskState {
    return this.store.disk
  }
  onDisk(listener: (state: DiskState) => void): () => void {
    return this.store.onDisk(listener)
  }
  get operations(): number {
    return this.store.operations
  }
}
