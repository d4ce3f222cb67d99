/** The door before a line that lanes share: whoever enters waits for its turn (lanes.ts says when that is). */
import type { Clock, Timer } from './clock.ts'
import { CodedError } from './errors.ts'
import { type Departure, LaneScheduler, type LaneTable } from './lanes.ts'

/** As many wait in the lane as may. */
export class LaneFull extends CodedError<'LANE_FULL'> {}

export interface LaneEntry {
  readonly weight: number
  /** Owners take turns in a lane. */
  readonly owner: string
}

/** Weights of one lane. */
export interface LaneFigures {
  readonly waiting: number
  readonly moving: number
}

export interface LaneGateDeps<Lane extends string> {
  readonly clock: Clock
  /** After every change. */
  readonly changed?: (lane: Lane, figures: LaneFigures) => void
}

type Grant = (leave: () => void) => void

export class LaneGate<Lane extends string> {
  readonly #clock: Clock
  readonly #changed: (lane: Lane, figures: LaneFigures) => void
  readonly #scheduler: LaneScheduler<Lane, Grant>
  readonly #table: LaneTable<Lane>
  #timer: Timer | undefined
  #waiting = 0

  constructor({ clock, changed }: LaneGateDeps<Lane>, table: LaneTable<Lane>) {
    this.#clock = clock
    this.#changed = changed ?? (() => undefined)
    this.#table = table
    this.#scheduler = new LaneScheduler(table)
  }

  figures(lane: Lane): LaneFigures {
    return { waiting: this.#scheduler.waitingWeight(lane), moving: this.#scheduler.moving(lane) }
  }

  /** Resolves with what gives the place back (once). Rejects with LaneFull, or with the signal's reason. */
  enter(lane: Lane, { weight, owner }: LaneEntry, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const grant: Grant = (leave) => {
        signal.removeEventListener('abort', onAbort)
        resolve(leave)
      }
      const entry = this.#scheduler.offer(lane, weight, owner, grant, this.#clock.monotonic())
      const limit = this.#table.lanes[lane].waiting
      if (!entry)
        return reject(new LaneFull('LANE_FULL', `more than ${limit} wait in the lane ${lane}`, { data: { lane } }))
      const onAbort = () => {
        if (!this.#scheduler.withdraw(entry)) return
        this.#waiting--
        this.#pump(lane)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting++
      this.#pump(lane)
    })
  }

  #pump(changed: Lane): void {
    for (;;) {
      const departure = this.#waiting > 0 ? this.#scheduler.next(this.#clock.monotonic()) : undefined
      if (!departure) break
      this.#waiting--
      departure.entry.item(this.#leaving(departure))
      this.#tell(departure.entry.lane)
    }
    this.#tell(changed)
    this.#wakeLater()
  }

  #leaving({ entry: { lane }, slow, done }: Departure<Lane, Grant>): () => void {
    const { holdMs } = this.#table.lanes[lane]
    const timer = Number.isFinite(holdMs)
      ? this.#clock.timer(holdMs, () => {
          slow(this.#clock.monotonic())
          this.#pump(lane)
        })
      : undefined
    let open = true
    return () => {
      if (!open) return
      open = false
      timer?.cancel()
      done(this.#clock.monotonic())
      this.#pump(lane)
    }
  }

  /** For those who wait for the time only. */
  #wakeLater(): void {
    this.#timer?.cancel()
    const now = this.#clock.monotonic()
    const at = this.#waiting > 0 ? this.#scheduler.nextAt(now) : undefined
    this.#timer = at === undefined ? undefined : this.#clock.timer(Math.max(1, at - now), () => this.#wake())
  }

  #wake(): void {
    this.#timer = undefined
    const [first] = this.#scheduler.lanes
    if (first !== undefined) this.#pump(first)
  }

  #tell(lane: Lane): void {
    this.#changed(lane, this.figures(lane))
  }
}
