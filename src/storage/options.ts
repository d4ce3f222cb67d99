import { day, hour, MiB, minute, resolveOptions, second } from '../base/index.ts'

export interface DiskWatchOptions {
  /** First wait before a disk that takes no writes is tried again; doubled up to the other. */
  readonly probeMs: number
  readonly probeMaxMs: number
  /** Read errors without a good read between them after which the disk counts as failing. */
  readonly readErrorsInARow: number
}

export interface FileChunkStoreOptions extends DiskWatchOptions {
  /** Hash every chunk that is read. Off only where the reader proves the bytes itself. */
  readonly verifyOnRead: boolean
  /** Free bytes that a write must leave. */
  readonly reserveBytes: number
  /** Age up to which a passing measurement of free space is trusted. */
  readonly freeSpaceMaxAgeMs: number
  /** Operations that may wait for one of the 256 shards. */
  readonly maxWaitingPerShard: number
}

export const fileChunkStoreDefaults: FileChunkStoreOptions = Object.freeze({
  verifyOnRead: true, // as the network's nodes do (storage.md 19)
  reserveBytes: 500 * MiB, // the reference's disk_reserve_mb
  freeSpaceMaxAgeMs: 5 * second, // storage.md 7
  maxWaitingPerShard: 1024, // above all permits of all callers together, so reached by a leak only; not measured
  probeMs: 5 * second, // as often as free space is measured
  probeMaxMs: minute, // a disk that is mounted again is used within a minute
  readErrorsInARow: 3, // chunks lie anywhere on a disk: one bad spot hits one of them
})

export interface MemoryChunkStoreOptions {
  /** Bytes of chunk content that fit; charged as on a disk (storage.md 7). */
  readonly maxBytes: number
}

export const memoryChunkStoreDefaults: MemoryChunkStoreOptions = Object.freeze({
  maxBytes: Number.MAX_SAFE_INTEGER, // simulations bound it themselves
})

export interface PaidListOptions {
  /** Bytes of the map: the largest size of the file. Address space, not memory. */
  readonly mapBytes: number
  /** Inserts that may wait for the disk. */
  readonly maxWaiting: number
}

export const paidListDefaults: PaidListOptions = Object.freeze({
  mapBytes: 256 * MiB, // replication.md 11; about 4 million addresses
  maxWaiting: 4096, // half of what one transaction takes
})

export function resolvePaidListOptions(given: Partial<PaidListOptions> | undefined): PaidListOptions {
  return resolveOptions('storage', paidListDefaults, given)
}

export interface OutOfRangeOptions {
  /** Timers of records, and of paid entries. */
  readonly maxPerKind: number
  readonly saveIntervalMs: number
  /** Time between two runs that counts at most. */
  readonly maxGapMs: number
}

export const outOfRangeDefaults: OutOfRangeOptions = Object.freeze({
  maxPerKind: 131_072, // as many keys as wait for verification (replication.md 2.3); the file has at most 9 MiB
  saveIntervalMs: 10 * minute, // of three days nobody misses ten minutes
  maxGapMs: 1 * hour, // a restart or an update; of a longer pause nobody knows where the key belonged meanwhile
})

export interface ScrubberOptions {
  /** Bytes read in a second, on average. */
  readonly bytesPerSecond: number
  /** A round is not begun sooner than this after the last one. */
  readonly minRoundMs: number
  /** Pause before the store is looked at again while others use it. */
  readonly busyPollMs: number
  /** A store that is in use for so long without a pause is read all the same, one chunk each time. */
  readonly busyPatienceMs: number
  readonly saveIntervalMs: number
}

export const scrubberDefaults: ScrubberOptions = Object.freeze({
  bytesPerSecond: MiB, // 25,000 chunks of 4 MiB in 28 h; a hundredth of what a slow disk reads
  minRoundMs: day, // small stores: rot takes weeks, reading wears
  busyPollMs: second, // a burst of puts lasts longer than that
  busyPatienceMs: 30 * second, // a chunk each time: 25,000 of them in nine days, in weeks rot is found
  saveIntervalMs: 5 * minute, // read twice after a crash: 300 MiB at most
})
