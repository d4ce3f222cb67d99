/**
 * The state of the disk under a chunk folder: errors of operations put it there, a probe on the clock brings it back.
 * Nothing waits here; the owner asks `blocked` before it writes.
 */
import { Aborted, type Clock, type Logger, type Timer } from '../base/index.ts'
import { type DiskState, sentenceOf, stateOfError, systemCodeOf } from './disk-state.ts'
import type { StorageMetrics } from './metrics.ts'
import type { DiskWatchOptions } from './options.ts'

/** What is under watch. */
export interface WatchedDisk {
  /** Whether the folder is there and ours; undefined when even that cannot be read. */
  present(): Promise<boolean | undefined>
  /** Writes, flushes and removes a little, and makes up for what could not be flushed. Throws what stands in the way. */
  probe(signal: AbortSignal): Promise<void>
  /** Whether a chunk of full size fits above the reserve. */
  hasRoom(): Promise<boolean>
  /** The folder was away and is there again: it may be another one. */
  returned(signal: AbortSignal): Promise<void>
}

export interface DiskWatchDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Pick<StorageMetrics, 'diskState' | 'diskStateChanges'>
  readonly folder: string
  /** Another state than before. */
  changed(state: DiskState): void
}

export class DiskWatch {
  readonly #disk: WatchedDisk
  readonly #deps: DiskWatchDeps
  readonly #options: DiskWatchOptions
  #state: DiskState = 'writable'
  /** No room above the reserve: what is smaller may still fit. */
  #byReserve = false
  #readErrors = 0
  #failures = 0
  #timer: Timer | undefined
  #probing: Promise<void> | undefined
  #running: AbortController | undefined

  constructor(disk: WatchedDisk, deps: DiskWatchDeps, options: DiskWatchOptions) {
    this.#disk = disk
    this.#deps = deps
    this.#options = options
  }

  get state(): DiskState {
    return this.#state
  }
  /** Nothing may be written until the probe says otherwise. */
  get blocked(): boolean {
    return this.#state !== 'writable' && !this.#byReserve
  }

  start(): void {
    this.#running = new AbortController()
    this.#readErrors = 0
    this.#become('writable', false)
  }

  async stop(): Promise<void> {
    this.#running?.abort(new Aborted('the store stops'))
    this.#running = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#probing
  }

  /** A write, flush or removal failed. Looks at the folder where the error leaves open whether it is there. */
  async writeFailed(error: unknown): Promise<void> {
    const state = stateOfError(error)
    const code = systemCodeOf(error)
    if (state) this.#enter(state, error)
    else if (code === 'ENOENT' || code === 'ENOTDIR') await this.missing(error)
  }

  /** One bad sector is no bad disk: it takes some errors in a row. */
  readFailed(error: unknown): void {
    const state = stateOfError(error)
    const many = state === 'failing' && ++this.#readErrors >= this.#options.readErrorsInARow
    if (many || state === 'gone') this.#enter(state, error)
  }
  readSucceeded(): void {
    this.#readErrors = 0
  }

  /** A name is not there: true when that is because the whole folder is not. */
  async missing(error?: unknown): Promise<boolean> {
    if ((await this.#disk.present()) !== false) return false
    this.#enter('gone', error)
    return true
  }

  /** A chunk did not fit above the reserve. */
  noRoom(): void {
    if (this.#state === 'writable') this.#enter('full', undefined, true)
  }

  #enter(state: DiskState, error: unknown, byReserve = false): void {
    if (!this.#running) return
    const { log, folder } = this.#deps
    const changed = state !== this.#state
    this.#become(state, byReserve)
    if (changed) {
      this.#failures = 0
      log[state === 'full' ? 'warn' : 'error'](sentenceOf(state), { state, folder, ...(error ? { error } : {}) })
    }
    this.#plan()
  }

  #become(state: DiskState, byReserve: boolean): void {
    const { metrics } = this.#deps
    metrics.diskState.set(0, { state: this.#state })
    metrics.diskState.set(1, { state })
    const changed = state !== this.#state
    if (changed) metrics.diskStateChanges.add(1, { state })
    this.#state = state
    this.#byReserve = byReserve
    if (changed) this.#deps.changed(state)
  }

  #plan(): void {
    if (this.#timer || this.#probing || !this.#running) return
    const { probeMs, probeMaxMs } = this.#options
    this.#timer = this.#deps.clock.timer(Math.min(probeMaxMs, probeMs * 2 ** Math.min(this.#failures, 20)), () => {
      this.#timer = undefined
      const { signal } = this.#running as AbortController
      this.#probing = this.#probe(signal).finally(() => {
        this.#probing = undefined
        if (this.#state !== 'writable') this.#plan()
      })
    })
  }

  async #probe(signal: AbortSignal): Promise<void> {
    try {
      // First: nothing may be written where the folder is not.
      const present = await this.#disk.present()
      if (present !== true) return this.#stays(present === false ? 'gone' : this.#state)
      if (this.#state === 'gone') await this.#disk.returned(signal)
      await this.#disk.probe(signal)
      if (!(await this.#disk.hasRoom())) return this.#stays('full', undefined, true)
      this.#failures = 0
      this.#readErrors = 0
      this.#become('writable', false)
      this.#deps.log.info('the disk takes chunks again', { folder: this.#deps.folder })
    } catch (error) {
      // A folder that came back but could not be opened is not there yet.
      this.#stays(this.#state === 'gone' ? 'gone' : (stateOfError(error) ?? this.#state), error)
    }
  }

  #stays(state: DiskState, error?: unknown, byReserve = false): void {
    const { log, folder } = this.#deps
    if (state === this.#state) log.debug('the disk was probed in vain', { state, folder, ...(error ? { error } : {}) })
    this.#failures++
    const failures = this.#failures
    this.#enter(state, error, byReserve)
    this.#failures = failures
  }
}
