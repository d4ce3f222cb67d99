/**
 * Since when keys are out of range (replication.md 21, 30.3 nr 7). One for records, one for paid entries: they know
 * nothing of each other. Saved as time that passed, so that a wall clock that jumped while we were off, or a long time
 * off, counts for an hour at most: nothing is deleted on the word of a clock. Pure; `now` is monotonic milliseconds.
 */
import type { ChunkAddress } from '../protocol/index.ts'
import type { ReplicationOptions } from './options.ts'

export type RangeTimerOptions = Pick<ReplicationOptions, 'pruneHysteresisMs' | 'pruneTimers' | 'clockJumpMs'>

export interface SavedTimer {
  readonly key: ChunkAddress
  readonly outOfRangeMs: number
}

export class RangeTimers {
  readonly #options: RangeTimerOptions
  readonly #since = new Map<ChunkAddress, number>()

  constructor(options: RangeTimerOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#since.size
  }
  running(key: ChunkAddress): boolean {
    return this.#since.has(key)
  }

  /** Back in range, or gone: leaving again starts at zero. */
  clear(key: ChunkAddress): void {
    this.#since.delete(key)
  }

  /** Seen out of range: starts or goes on. true when that has lasted 3 days. With too many timers it does not start. */
  outOfRange(key: ChunkAddress, now: number): boolean {
    const since = this.#since.get(key)
    if (since !== undefined) return now - since >= this.#options.pruneHysteresisMs
    if (this.#since.size < this.#options.pruneTimers) this.#since.set(key, now)
    return false
  }

  /** As `outOfRange`, without starting. */
  expired(key: ChunkAddress, now: number): boolean {
    const since = this.#since.get(key)
    return since !== undefined && now - since >= this.#options.pruneHysteresisMs
  }

  *saved(now: number): IterableIterator<SavedTimer> {
    for (const [key, since] of this.#since) yield { key, outOfRangeMs: now - since }
  }

  /** `offMs`: by the wall clock between saving and now. */
  restore(timers: Iterable<SavedTimer>, offMs: number, now: number): void {
    const off = Math.min(Math.max(0, offMs), this.#options.clockJumpMs)
    for (const { key, outOfRangeMs } of timers) {
      if (this.#since.size >= this.#options.pruneTimers) return
      this.#since.set(key, now - Math.max(0, outOfRangeMs) - off)
    }
  }
}
