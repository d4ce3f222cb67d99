/**
 * The clock of one boot of one host: the world's time, its own idea of the date, and timers that die with the process.
 * After `kill` nothing of that process ever runs again.
 */
import { BaseClock, type Timer } from '../base/index.ts'
import type { SimClock } from './sim-clock.ts'
import { HeapTimer } from './timer-heap.ts'

export class HostClock extends BaseClock {
  readonly #world: SimClock
  readonly #skewMs: number
  readonly #timers = new Set<Timer>()
  #alive = true

  constructor(world: SimClock, skewMs: number) {
    super()
    this.#world = world
    this.#skewMs = skewMs
  }

  override now(): number {
    return this.#world.now() + this.#skewMs
  }
  override nowNanos(): bigint {
    return this.#world.nowNanos() + BigInt(this.#skewMs) * 1_000_000n
  }
  override monotonic(): number {
    return this.#world.monotonic()
  }

  override timer(ms: number, callback: () => void): Timer {
    if (!this.#alive) return { cancel: () => undefined }
    const timer = this.#world.plan(ms, (at, order) => new HostTimer(at, order, this.#world, this.#timers, callback))
    this.#timers.add(timer)
    return timer
  }

  kill(): void {
    this.#alive = false
    for (const timer of [...this.#timers]) timer.cancel()
  }
}

/** One object a timer: a world plans several for every message. */
class HostTimer extends HeapTimer implements Timer {
  readonly #world: SimClock
  readonly #timers: Set<Timer>
  readonly #callback: () => void

  constructor(at: number, order: number, world: SimClock, timers: Set<Timer>, callback: () => void) {
    super(at, order)
    this.#world = world
    this.#timers = timers
    this.#callback = callback
  }

  override fire(): void {
    this.#timers.delete(this)
    this.#callback()
  }
  cancel(): void {
    this.#timers.delete(this)
    this.#world.unplan(this)
  }
}
