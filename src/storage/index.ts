/** storage: bytes on disk; no network words. */
export * from './chunk-store.ts'
export * from './disk-state.ts'
export * from './errors.ts'
export { createFileChunkStore, type FileChunkStoreDeps } from './file-chunk-store.ts'
export type { FileLock } from './file-lock.ts'
export { type DirectoryEntry, type FileSystem, type NewFile, nodeFileSystem, type ReadOutcome } from './file-system.ts'
export { ForwardingChunkStore } from './forwarding-chunk-store.ts'
export { type Hash, HashedContent } from './hash.ts'
export type { KeySet, KeySetClass } from './key-set.ts'
export { shardOf } from './layout.ts'
export { createLmdbPaidList, type LmdbPaidListDeps, PAID_LIST_FOLDER } from './lmdb-paid-list.ts'
export { createMemoryChunkStore, type MemoryChunkStoreDeps } from './memory-chunk-store.ts'
export { createMemoryPaidList } from './memory-paid-list.ts'
export { type HoldingsListener, ObservedChunkStore } from './observed-chunk-store.ts'
export * from './options.ts'
export { createOutOfRangeStore, type OutOfRangeDeps, type OutOfRangeStore, TIMERS_FILE } from './out-of-range-store.ts'
export { OutOfRangeTimers, type TimerKind } from './out-of-range-timers.ts'
export * from './paid-list.ts'
export { createScrubber, type ScrubberDeps } from './scrubber.ts'
export { chargeOf } from './space.ts'
export { StateFile, type StateFileOptions, type StateRead } from './state-file.ts'
export {
  createStoreLanes,
  type StoreLane,
  type StoreLaneOptions,
  type StoreLanesDeps,
  storeLaneDefaults,
} from './store-lanes.ts'
export { type WriteOutcome, writeDurably } from './write-durably.ts'
