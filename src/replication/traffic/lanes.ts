/**
 * What goes first (replication.md 30.3 nr 4): lanes in strict order, each with a budget of bytes on their way. Nothing of
 * a lower lane starts while something of a higher one waits, so the background gives way within one message; and while
 * a higher lane moves bytes, the budgets below it shrink to one message at a time. Pure; monotonic `now`.
 */
import { KiB, MiB } from '../../base/index.ts'

/** Highest first. */
export const LANES = ['control', 'audit', 'get', 'put', 'spread', 'hints', 'scan'] as const
export type Lane = (typeof LANES)[number]

export interface LaneLimits {
  /** Messages that wait; one more is refused. */
  readonly queue: number
  /** Bytes on their way while no higher lane is busy; a single larger message passes alone. */
  readonly bytes: number
  /** Whether traffic of the lane makes the lower ones shrink. */
  readonly presses: boolean
}

export interface LaneOptions {
  readonly lanes: Readonly<Record<Lane, LaneLimits>>
  /** Time in which a budget halves under pressure, and doubles without. */
  readonly halveMs: number
  readonly doubleMs: number
  /** A budget never falls below. */
  readonly leastBytes: number
}

/** First guesses, to be measured: 16 MiB is a third of a second of the 39 MB/s that downloads are to keep. */
export const LANE_DEFAULTS: LaneOptions = Object.freeze({
  lanes: Object.freeze({
    control: { queue: 4096, bytes: Number.POSITIVE_INFINITY, presses: false }, // small, always there: DHT and identity
    audit: { queue: 64, bytes: 16 * MiB, presses: true }, // due in 4.4 s, or 5.0 of trust are lost
    get: { queue: 256, bytes: 16 * MiB, presses: true },
    put: { queue: 256, bytes: 16 * MiB, presses: true },
    spread: { queue: 1024, bytes: 16 * MiB, presses: true }, // offers and fetches
    hints: { queue: 256, bytes: 4 * MiB, presses: false }, // and the audits that we start
    scan: { queue: 64, bytes: 4 * MiB, presses: false },
  }),
  halveMs: 50,
  doubleMs: 200,
  leastBytes: 64 * KiB,
})

export interface Departure<T> {
  readonly lane: Lane
  readonly item: T
  /** The bytes are gone; once. */
  readonly done: (now: number) => void
}

interface State<T> {
  readonly limits: LaneLimits
  readonly waiting: { readonly item: T; readonly bytes: number }[]
  budget: number
  bytes: number
  messages: number
}

export class LaneScheduler<T> {
  readonly #options: LaneOptions
  readonly #lanes: readonly { readonly lane: Lane; readonly state: State<T> }[]
  #at: number

  constructor(options: LaneOptions, now: number) {
    this.#options = options
    this.#at = now
    this.#lanes = LANES.map((lane) => {
      const limits = options.lanes[lane]
      return { lane, state: { limits, waiting: [], budget: limits.bytes, bytes: 0, messages: 0 } }
    })
  }

  waiting(lane: Lane): number {
    return this.#state(lane).waiting.length
  }
  /** Bytes on their way. */
  moving(lane: Lane): number {
    return this.#state(lane).bytes
  }
  /** Bytes that the lane may have on their way now. */
  budget(lane: Lane, now: number): number {
    this.#adjust(now)
    return this.#state(lane).budget
  }

  /** false: the lane's queue is full. */
  offer(lane: Lane, bytes: number, item: T): boolean {
    const { waiting, limits } = this.#state(lane)
    if (waiting.length >= limits.queue) return false
    waiting.push({ item, bytes })
    return true
  }

  /** The next message to start; undefined while the first that waits has no room, whatever waits below it. */
  next(now: number): Departure<T> | undefined {
    this.#adjust(now)
    for (const { lane, state } of this.#lanes) {
      const first = state.waiting[0]
      if (!first) continue
      if (state.messages > 0 && state.bytes + first.bytes > state.budget) return undefined
      state.waiting.shift()
      state.bytes += first.bytes
      state.messages++
      let open = true
      const done = (at: number) => {
        if (!open) return
        open = false
        this.#adjust(at)
        state.bytes -= first.bytes
        state.messages--
      }
      return { lane, item: first.item, done }
    }
    return undefined
  }

  /** Budgets follow the time that passed under the pressure of before. */
  #adjust(now: number): void {
    const elapsed = Math.max(0, now - this.#at)
    this.#at = Math.max(this.#at, now)
    if (elapsed === 0) return
    const { halveMs, doubleMs, leastBytes } = this.#options
    let pressed = false
    for (const { state } of this.#lanes) {
      if (Number.isFinite(state.limits.bytes)) {
        const changed = pressed ? state.budget * 2 ** (-elapsed / halveMs) : state.budget * 2 ** (elapsed / doubleMs)
        state.budget = Math.min(state.limits.bytes, Math.max(leastBytes, changed))
      }
      pressed ||= state.limits.presses && (state.messages > 0 || state.waiting.length > 0)
    }
  }

  #state(lane: Lane): State<T> {
    return (this.#lanes[LANES.indexOf(lane)] as { state: State<T> }).state
  }
}
