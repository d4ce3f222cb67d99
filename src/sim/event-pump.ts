/**
 * The engine of a simulated run: fire everything of one virtual instant, let every promise that follows from it settle,
 * go to the next instant. Settling takes one turn of the real event loop (`setImmediate` runs only when the microtask
 * queue is empty), so code may await as deeply as it likes. Work that leaves the thread must hold the pump.
 */
import { assert } from '../base/index.ts'
import { SimError } from './errors.ts'
import type { SimClock } from './sim-clock.ts'

/** Firings at one virtual instant before the run is called a livelock. */
const MAX_FIRINGS_AT_ONE_INSTANT = 1_000_000

export interface RunOptions {
  /** Virtual milliseconds after which the run fails. Default: one virtual day. */
  readonly limitMs?: number
}

export class EventPump {
  readonly #clock: SimClock
  readonly #seed: number
  #running = false
  #holds = 0
  #released: (() => void) | undefined
  #firingsNow = 0
  #events = 0

  constructor(clock: SimClock, seed: number) {
    this.#clock = clock
    this.#seed = seed
  }

  /** Timers called so far. */
  get events(): number {
    return this.#events
  }

  /** Stops virtual time until the result is called: for drivers that do real input and output. */
  hold(): () => void {
    this.#holds++
    let held = true
    return () => {
      if (!held) return
      held = false
      if (--this.#holds === 0) this.#released?.()
    }
  }

  /** Runs events until `work` settles and gives its outcome; throws SIM_STUCK when nothing is left that could settle it. */
  async run<T>(work: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    const limitAt = this.#clock.monotonic() + (options.limitMs ?? 86_400_000)
    let settled = false
    const promise = work()
    promise.then(
      () => (settled = true),
      () => (settled = true),
    )
    await this.#loop(limitAt, () => settled)
    if (settled) return promise
    if (this.#clock.pending === 0) throw this.#error('SIM_STUCK', 'nothing is planned and the work has not ended')
    throw this.#error('SIM_TIME_LIMIT', `the work has not ended after ${options.limitMs ?? 86_400_000} virtual ms`)
  }

  /** Runs everything that happens in the next `ms` and ends exactly there. */
  async advance(ms: number): Promise<void> {
    const until = this.#clock.monotonic() + ms
    await this.#loop(until, () => false)
    this.#clock.moveTo(until)
  }

  async #loop(limitAt: number, done: () => boolean): Promise<void> {
    assert(!this.#running, 'two runs pump one clock')
    this.#running = true
    try {
      for (;;) {
        await this.#settle()
        const next = this.#clock.nextAt
        if (done() || next === undefined || next > limitAt) return
        this.#firingsNow = next === this.#clock.monotonic() ? this.#firingsNow + 1 : 0
        if (this.#firingsNow > MAX_FIRINGS_AT_ONE_INSTANT) throw this.#error('SIM_TURN_LIMIT', 'time stands still')
        this.#events += this.#clock.fireNext()
      }
    } finally {
      this.#running = false
    }
  }

  async #settle(): Promise<void> {
    await turn()
    while (this.#holds > 0) {
      await new Promise<void>((resolve) => (this.#released = resolve))
      await turn()
    }
  }

  #error(code: 'SIM_STUCK' | 'SIM_TIME_LIMIT' | 'SIM_TURN_LIMIT', what: string): SimError {
    const atMs = this.#clock.monotonic()
    return new SimError(code, `${what} (seed ${this.#seed}, virtual ms ${atMs})`, { data: { seed: this.#seed, atMs } })
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
