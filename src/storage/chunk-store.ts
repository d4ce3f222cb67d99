/** Chunks on disk, by address. Drivers: files (real), memory (tests, simulation). One contract suite runs on both. */
import type { ChunkAddress } from '../protocol/index.ts'
import type { DiskState } from './disk-state.ts'
import type { HashedContent } from './hash.ts'

export type PutOutcome = 'stored' | 'duplicate' | 'repaired'
export type Capacity = 'writable' | 'full' | 'unknown'

export type ChunkCheck =
  | { readonly kind: 'right'; readonly bytes: number }
  | { readonly kind: 'corrupt'; readonly bytes: number }
  | { readonly kind: 'absent' }

export interface StoreStats {
  readonly chunksStored: number
  readonly chunksRetrieved: number
  readonly bytesStored: number
  readonly bytesRetrieved: number
  readonly duplicates: number
  readonly verificationFailures: number
  readonly currentChunks: number
}

export interface ChunkStore {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Held by a durable name and not known to be unreadable, wrong or away with the disk; nothing is read. */
  has(address: ChunkAddress): boolean
  /** Verified bytes (fresh), undefined when not held; a corrupt chunk is removed and throws STORAGE_CORRUPT. Also STORAGE_IO, STORAGE_GONE. */
  get(address: ChunkAddress): Promise<Uint8Array | undefined>
  /**
   * Durable when it resolves; `repaired` = wrong bytes were replaced. The content, which is hashed here unless it was
   * before, is borrowed. Throws STORAGE_ADDRESS_MISMATCH, STORAGE_CHUNK_TOO_LARGE, STORAGE_FULL, STORAGE_READ_ONLY,
   * STORAGE_FAILING, STORAGE_GONE, STORAGE_IO, STORAGE_BUSY, STORAGE_CLOSED.
   */
  put(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<PutOutcome>
  /**
   * `put` for a chunk that is held, whatever its bytes are: wrong ones are replaced. Writes nothing when it is not
   * held. Throws as `put`.
   */
  repair(address: ChunkAddress, content: Uint8Array | HashedContent): Promise<'absent' | 'duplicate' | 'repaired'>
  /** false when it was not held. */
  delete(address: ChunkAddress): Promise<boolean>
  /** Addresses held, ascending. */
  keys(): IterableIterator<ChunkAddress>
  /** Addresses held, ascending, after `after` (undefined: from the first), at most `limit`. */
  keysAfter(after: ChunkAddress | undefined, limit: number): ChunkAddress[]
  readonly size: number
  /** Whether `bytes` more may be written above the reserve. */
  admits(bytes: number): Promise<boolean>
  capacity(): Promise<Capacity>
  stats(): StoreStats
  readonly disk: DiskState
  /** Told after each change of `disk`, until the result is called. Must return at once and not throw. */
  onDisk(listener: (state: DiskState) => void): () => void
  /** Gets, puts, repairs and deletes that run or wait. */
  readonly operations: number
  /**
   * Reads the chunk and compares it with its address, whatever `verifyOnRead` says; counts as no retrieval. A corrupt
   * one is removed. Throws STORAGE_IO, STORAGE_GONE, STORAGE_CLOSED.
   */
  check(address: ChunkAddress): Promise<ChunkCheck>
}
