/**
 * The addresses whose payment this node has verified or learnt (replication.md 11). Drivers: LMDB (real), memory (tests,
 * simulation). One contract suite runs on both.
 */
import type { ChunkAddress } from '../protocol/index.ts'
import type { DiskState } from './disk-state.ts'

/** Addresses that one call of `page` or one transaction takes at most. */
export const PAID_LIST_BATCH = 8192

export interface PaidList {
  /** Throws STORAGE_LAYOUT when what lies there is no list that may be opened, STORAGE_LOCKED, STORAGE_IO. */
  start(signal: AbortSignal): Promise<void>
  /** Lets running changes end. */
  stop(): Promise<void>
  /** Throws STORAGE_CLOSED, STORAGE_IO. */
  has(address: ChunkAddress): boolean
  /** Durable when it resolves; false when it was known. Throws STORAGE_FULL, STORAGE_IO, STORAGE_BUSY, STORAGE_CLOSED. */
  insert(address: ChunkAddress): Promise<boolean>
  /**
   * All or none, durable when it resolves; how many were there. At most PAID_LIST_BATCH; from a list that is full, a few
   * at a time, since a removal needs a page for each page that it changes. Throws as `insert`.
   */
  removeBatch(addresses: readonly ChunkAddress[]): Promise<number>
  /** Ascending, after `after` (undefined: from the first), at most `limit` and PAID_LIST_BATCH. Throws as `has`. */
  page(after: ChunkAddress | undefined, limit: number): ChunkAddress[]
  readonly size: number
  /** `full` or `failing` from a change that failed until one succeeds. */
  readonly state: DiskState
}
