/**
 * Gives JS memory back once a burst is over. V8 collects when something is allocated: a node that falls idle keeps the
 * garbage, the grown young space and the compiled start code of its last busy minute for hours. One collection then
 * takes 20 to 40 ms while nobody waits (7 MiB less after the start, 9 after an upload of 100 MB). What the C library
 * keeps is given back by native/quic/src/trim.rs.
 */
import { type Clock, type Startable, second, type Timer } from '../base/index.ts'

/** A look costs microseconds; memory is to be back within a minute. */
const LOOK_MS = 10 * second
/** Work that leaves something worth collecting. An idle node takes a quarter of an hour for as much. */
const BURST_CPU_MS = 250
/** Less than this between two looks is idle: 2 % of a core. */
const IDLE_CPU_MS = 0.02 * LOOK_MS

/** Decides by the processor time of the process, which every kind of work shows in. */
export class BurstMeter {
  #atCollection = 0
  #before = 0

  /** `cpuMs`: since the process began. True when a burst is over and nothing was collected since. */
  isOver(cpuMs: number): boolean {
    const idle = cpuMs - this.#before < IDLE_CPU_MS
    this.#before = cpuMs
    return idle && cpuMs - this.#atCollection >= BURST_CPU_MS
  }

  /** `cpuMs` after the collection: its own time is no burst. */
  collected(cpuMs: number): void {
    this.#atCollection = cpuMs
    this.#before = cpuMs
  }
}

/** The collector, which V8 shows only to contexts that are made while a flag says so. */
function collector(): () => void {
  const v8 = process.getBuiltinModule('node:v8')
  const vm = process.getBuiltinModule('node:vm')
  v8.setFlagsFromString('--expose-gc')
  try {
    const gc = vm.runInNewContext('gc') as (options: object) => void
    return () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  } finally {
    v8.setFlagsFromString('--no-expose-gc')
  }
}

/** Collects all garbage of this thread and lets V8 shrink its heap. Blocks for 2 ms a MiB that lives. */
export function collectGarbage(): void {
  collect ??= collector()
  collect()
}
let collect: (() => void) | undefined

/** One for all nodes of a process: it watches while at least one of them runs. */
export class IdleMemory {
  readonly #clock: Clock
  readonly #cpuMs: () => number
  readonly #collect: () => void
  readonly #meter = new BurstMeter()
  #users = 0
  #timer: Timer | undefined

  constructor(clock: Clock, cpuMs: () => number, collect: () => void) {
    this.#clock = clock
    this.#cpuMs = cpuMs
    this.#collect = collect
  }

  /** The share of one node. */
  user(): Startable {
    let running = false
    const set = (now: boolean) => {
      if (now === running) return
      running = now
      this.#users += now ? 1 : -1
      if (this.#users > 0) this.#timer ??= this.#next()
      else {
        this.#timer?.cancel()
        this.#timer = undefined
      }
    }
    return { start: async () => set(true), stop: async () => set(false) }
  }

  #next(): Timer {
    return this.#clock.timer(LOOK_MS, () => {
      this.#timer = this.#next()
      if (!this.#meter.isOver(this.#cpuMs())) return
      this.#collect()
      this.#meter.collected(this.#cpuMs())
    })
  }
}

let ofProcess: IdleMemory | undefined

/** For a node over real drivers. */
export function idleMemory(clock: Clock): Startable {
  ofProcess ??= new IdleMemory(clock, processCpuMs, collectGarbage)
  return ofProcess.user()
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
