/** Keeps the prune timers on disk: read once, written now and then and at the end. */
import {
  type Clock,
  type Logger,
  never,
  resolveOptions,
  type Startable,
  silentLogger,
  TaskGroup,
  withPauses,
} from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { type OutOfRangeOptions, outOfRangeDefaults } from './options.ts'
import { decodeTimers, encodeTimers, OutOfRangeTimers, timersFileBytes } from './out-of-range-timers.ts'
import { StateFile } from './state-file.ts'

export interface OutOfRangeDeps {
  readonly clock: Clock
  readonly log?: Logger
  readonly fileSystem?: FileSystem
}

export const TIMERS_FILE = 'out_of_range.bin'

export class OutOfRangeStore implements Startable {
  readonly timers: OutOfRangeTimers
  readonly #clock: Clock
  readonly #log: Logger
  readonly #options: OutOfRangeOptions
  readonly #file: StateFile
  #tasks: TaskGroup | undefined
  #saved = 0

  constructor(root: string, deps: OutOfRangeDeps, options?: Partial<OutOfRangeOptions>) {
    this.#clock = deps.clock
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#options = resolveOptions('storage', outOfRangeDefaults, options)
    const { maxPerKind } = this.#options
    this.timers = new OutOfRangeTimers(maxPerKind)
    const maxBytes = timersFileBytes(maxPerKind)
    this.#file = new StateFile(deps.fileSystem ?? nodeFileSystem, { folder: root, name: TIMERS_FILE, maxBytes })
  }

  /** A file that is bad or cannot be read is ignored as a whole: the days start again, nothing is pruned too early. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#tasks) return
    signal.throwIfAborted()
    await this.#load()
    this.#tasks = new TaskGroup((error) => this.#log.error('saving prune timers ended', { error }))
    this.#tasks.spawn('save', async (running) => {
      for (;;) {
        await this.#clock.sleep(this.#options.saveIntervalMs, running)
        await this.save()
      }
    })
  }

  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = undefined
    if (!tasks) return
    await tasks.stop()
    await this.save()
  }

  /** Never throws: a disk that fails is logged, the next save may work. */
  async save(): Promise<void> {
    const { timers } = this
    const { changes } = timers
    // Ages grow by themselves: without a timer there is nothing to write, unless the last one was cleared.
    if (timers.size('record') + timers.size('paid') === 0 && changes === this.#saved) return
    try {
      const breathe = () => this.#clock.sleep(0, never)
      const encoding = encodeTimers(timers, this.#now(), (bytes) => backend().blake3(bytes))
      await this.#file.write(await withPauses(encoding, breathe))
      this.#saved = changes
    } catch (error) {
      this.#log.warn('prune timers could not be saved', { file: this.#file.path, error })
    }
  }

  async #load(): Promise<void> {
    const found = await this.#file.read()
    if (found.kind === 'missing') return
    const { path: file } = this.#file
    if (found.kind === 'unreadable') return this.#log.warn('prune timers cannot be read', { file, error: found.reason })
    try {
      const at = { ...this.#now(), maxGapMs: this.#options.maxGapMs }
      decodeTimers(found.bytes, this.timers, at, (bytes) => backend().blake3(bytes))
    } catch (error) {
      this.#log.warn('a bad file of prune timers is ignored', { file, error })
    }
  }

  #now(): { wall: number; monotonic: number } {
    return { wall: this.#clock.now(), monotonic: this.#clock.monotonic() }
  }
}

/** The timers of the node whose root folder is `root`. */
export function createOutOfRangeStore(
  root: string,
  deps: OutOfRangeDeps,
  options?: Partial<OutOfRangeOptions>,
): OutOfRangeStore {
  return new OutOfRangeStore(root, deps, options)
}
