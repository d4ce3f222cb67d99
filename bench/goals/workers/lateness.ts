/**
 * How late this thread's timer is, and how much of that was waiting for a core (Linux counts it for each thread): with
 * more busy threads than cores the wait says nothing about the program.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { percentile } from '../goal.ts'

const INTERVAL_MS = 20
/** Ns on a core, ns waiting for one, turns (Documentation/scheduler/sched-stats). */
const STATISTICS = `/proc/self/task/${process.pid}/schedstat`

export interface Lateness {
  /** Ms, 99th percentile of all ticks. */
  readonly all: number
  /** The same without the time in which the thread was ready and had no core. */
  readonly own: number
}

export class LatenessWatch {
  readonly #file = openSync(STATISTICS, 'r')
  readonly #buffer = Buffer.alloc(128)
  readonly #all: number[] = []
  readonly #own: number[] = []
  readonly #timer: NodeJS.Timeout
  #last = performance.now()
  #waited = this.#waitedMs()

  constructor() {
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS).unref()
  }

  end(): Lateness {
    clearInterval(this.#timer)
    closeSync(this.#file)
    return { all: percentile(this.#all, 0.99), own: percentile(this.#own, 0.99) }
  }

  #tick(): void {
    const [now, waited] = [performance.now(), this.#waitedMs()]
    const late = Math.max(0, now - this.#last - INTERVAL_MS)
    this.#all.push(late)
    this.#own.push(Math.max(0, late - (waited - this.#waited)))
    this.#last = now
    this.#waited = waited
  }

  #waitedMs(): number {
    const length = readSync(this.#file, this.#buffer, 0, this.#buffer.length, 0)
    return Number(this.#buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6
  }
}
