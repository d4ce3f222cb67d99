/**
 * The clock of one boot of one host: the world's time, its own idea of the date, and timers that die with the process.
 * After `kill` nothing of that process ever runs again.
 */
import { BaseClock, type Timer } from '../base/index.ts'
import type { SimClock } from './sim-clock.ts'

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
    const timer = this.#world.timer(ms, () => {
      this.#timers.delete(handle)
      callback()
    })
    const handle: Timer = {
      cancel: () => {
        this.#timers.delete(handle)
        timer.cancel()
      },
    }
    this.#timers.add(handle)
    return handle
  }

  kill(): void {
    this.#alive = false
    for (const timer of [...this.#timers]) timer.cancel()
  }
}
