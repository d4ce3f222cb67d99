/**
 * Virtual time. Nothing here waits: `fireNext` jumps to the next instant and calls everything that is due then.
 * The pump (`event-pump.ts`) lets all promises settle between two instants.
 */
import { assert, BaseClock, type Timer } from '../base/index.ts'
import { HeapTimer, TimerHeap } from './timer-heap.ts'

/** 2026-01-01T00:00:00Z: a wall clock that looks real and never moves with the machine. */
export const SIM_EPOCH_MS = 1_767_225_600_000

export class SimClock extends BaseClock {
  readonly #heap = new TimerHeap()
  readonly #epochMs: number
  #elapsed = 0
  #order = 0
  #nanos = 0n

  constructor(epochMs: number = SIM_EPOCH_MS) {
    super()
    this.#epochMs = epochMs
  }

  override now(): number {
    return this.#epochMs + Math.floor(this.#elapsed)
  }

  /** Grows with every call, as a real clock does between two readings. */
  override nowNanos(): bigint {
    const nanos = BigInt(Math.round((this.#epochMs + this.#elapsed) * 1000)) * 1000n
    this.#nanos = nanos > this.#nanos ? nanos : this.#nanos + 1n
    return this.#nanos
  }

  override monotonic(): number {
    return this.#elapsed
  }

  get pending(): number {
    return this.#heap.size
  }

  /** Virtual milliseconds of the next timer; undefined when nothing is planned. */
  get nextAt(): number | undefined {
    return this.#heap.peek()?.at
  }

  override timer(ms: number, callback: () => void): Timer {
    return this.plan(ms, (at, order) => new ClockTimer(at, order, this, callback))
  }

  /** Plans what `make` makes of its due time and its number. */
  plan<T extends HeapTimer>(ms: number, make: (at: number, order: number) => T): T {
    assert(!Number.isNaN(ms), 'a timer needs a number of milliseconds')
    const timer = make(this.#elapsed + Math.max(0, ms), this.#order++)
    this.#heap.push(timer)
    return timer
  }

  unplan(timer: HeapTimer): void {
    timer.cancelled = true
    this.#heap.remove(timer)
  }

  /** Moves to `elapsedMs` without firing anything; nothing may be due before it. */
  moveTo(elapsedMs: number): void {
    assert(elapsedMs >= this.#elapsed, 'virtual time only grows')
    assert((this.nextAt ?? Infinity) >= elapsedMs, 'a timer is due before that instant')
    this.#elapsed = elapsedMs
  }

  /**
   * Jumps to the next instant and calls the timers that were due then, in their order of creation; timers they create
   * for the same instant wait for the next call, so that promises settle in between. Returns how many were called.
   */
  fireNext(): number {
    const at = this.nextAt
    if (at === undefined) return 0
    this.#elapsed = at
    const due: HeapTimer[] = []
    while (this.nextAt === at) due.push(this.#heap.pop() as HeapTimer)
    let fired = 0
    for (const timer of due) {
      if (timer.cancelled) continue
      timer.fire()
      fired++
    }
    return fired
  }
}

class ClockTimer extends HeapTimer implements Timer {
  readonly #clock: SimClock
  readonly #callback: () => void

  constructor(at: number, order: number, clock: SimClock, callback: () => void) {
    super(at, order)
    this.#clock = clock
    this.#callback = callback
  }

  override fire(): void {
    this.#callback()
  }
  cancel(): void {
    this.#clock.unplan(this)
  }
}
