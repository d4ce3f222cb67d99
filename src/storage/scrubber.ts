/**
 * Reads every chunk slowly, round after round, so that rot is found while other copies still live. It stands back
 * while somebody uses the store, for a while. What is corrupt is removed by the store and told, so that it can be repaired.
 */
import {
  type Clock,
  type Counter,
  codeOf,
  type Logger,
  Registry,
  resolveOptions,
  type Startable,
  silentLogger,
  TaskGroup,
} from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkStore } from './chunk-store.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { type ScrubberOptions, scrubberDefaults } from './options.ts'
import { CURSOR_FILE, CURSOR_MAX_BYTES, decodeCursor, encodeCursor, type ScrubCursor } from './scrub-cursor.ts'
import { StateFile } from './state-file.ts'

export interface ScrubberDeps {
  readonly store: Pick<ChunkStore, 'keysAfter' | 'check' | 'operations' | 'disk'>
  readonly clock: Clock
  /** The chunk was held, its bytes were wrong, and it is gone now. Must return at once and not throw. */
  readonly corrupt?: (address: ChunkAddress) => void
  readonly log?: Logger
  readonly registry?: Registry
  readonly fileSystem?: FileSystem
}

/** A small chunk costs a seek all the same. */
const LEAST_BYTES = 4096

class Scrubber implements Startable {
  readonly #deps: ScrubberDeps
  readonly #log: Logger
  readonly #options: ScrubberOptions
  readonly #file: StateFile
  readonly #read: Counter
  readonly #bytes: Counter
  #tasks: TaskGroup | undefined
  #cursor: ScrubCursor = { after: undefined, roundStartedAt: 0 }
  #saved: ScrubCursor | undefined

  constructor(root: string, deps: ScrubberDeps, options?: Partial<ScrubberOptions>) {
    this.#deps = deps
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#options = resolveOptions('storage', scrubberDefaults, options)
    const place = { folder: root, name: CURSOR_FILE, maxBytes: CURSOR_MAX_BYTES }
    this.#file = new StateFile(deps.fileSystem ?? nodeFileSystem, place)
    const registry = deps.registry ?? new Registry()
    this.#read = registry.counter('myrmex_storage_scrubbed_total', 'Chunks read by the scrubber, by outcome.')
    this.#bytes = registry.counter('myrmex_storage_scrubbed_bytes_total', 'Bytes read by the scrubber.')
    registry.gauge('myrmex_storage_scrub_share', 'How far the scrubber is in its round, 0 to 1.', () => this.#share())
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#tasks) return
    signal.throwIfAborted()
    this.#cursor = await this.#load()
    this.#tasks = new TaskGroup((error, name) => this.#log.error('the scrubber ended', { name, error }))
    this.#tasks.spawn('scrub', (running) => this.#scrub(running))
    this.#tasks.spawn('save', (running) => this.#saveNowAndThen(running))
  }

  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = undefined
    if (!tasks) return
    await tasks.stop()
    await this.#save()
  }

  async #scrub(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    for (;;) {
      const { roundStartedAt } = this.#cursor
      await this.#round(signal)
      // A wall clock that was set back must not stop the scrubber for longer than one pause.
      const since = Math.max(0, clock.now() - roundStartedAt)
      const pause = Math.max(this.#options.busyPollMs, this.#options.minRoundMs - since)
      this.#log.info('all chunks were read', { durationMs: since, pauseMs: pause })
      await clock.sleep(pause, signal)
      this.#cursor = { after: undefined, roundStartedAt: clock.now() }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps
    // The walk goes on whatever is put or deleted meanwhile.
    for (;;) {
      const [address] = store.keysAfter(this.#cursor.after, 1)
      if (address === undefined) return
      await this.#quiet(signal)
      const bytes = await this.#check(address)
      this.#cursor = { ...this.#cursor, after: address }
      await clock.sleep((1000 * Math.max(bytes, LEAST_BYTES)) / this.#options.bytesPerSecond, signal)
    }
  }

  /** The disk can be read, and nobody uses the store; of one that is always used the lane gives us our share. */
  async #quiet(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps
    signal.throwIfAborted()
    const patientUntil = clock.monotonic() + this.#options.busyPatienceMs
    const busy = () => store.operations > 0 && clock.monotonic() < patientUntil
    while (busy() || store.disk === 'gone' || store.disk === 'failing') {
      await clock.sleep(this.#options.busyPollMs, signal)
    }
  }

  /** Bytes that were read. A chunk that cannot be read is hidden by the store until a read of it succeeds. */
  async #check(address: ChunkAddress): Promise<number> {
    try {
      const found = await this.#deps.store.check(address)
      this.#read.add(1, { outcome: found.kind })
      if (found.kind === 'absent') return 0
      this.#bytes.add(found.bytes)
      if (found.kind === 'corrupt') {
        this.#log.warn('the scrubber found a corrupt chunk', { address })
        this.#deps.corrupt?.(address)
      }
      return found.bytes
    } catch (error) {
      this.#read.add(1, { outcome: codeOf(error) ?? 'error' })
      this.#log.warn('the scrubber could not read a chunk', { address, error })
      return 0
    }
  }

  async #saveNowAndThen(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(this.#options.saveIntervalMs, signal)
      await this.#save()
    }
  }

  /** Never throws: after a crash some chunks are read twice. */
  async #save(): Promise<void> {
    const cursor = this.#cursor
    if (cursor === this.#saved) return
    try {
      await this.#file.write(encodeCursor(cursor))
      this.#saved = cursor
    } catch (error) {
      this.#log.debug('the place of the scrubber could not be saved', { error })
    }
  }

  async #load(): Promise<ScrubCursor> {
    const fresh = { after: undefined, roundStartedAt: this.#deps.clock.now() }
    const found = await this.#file.read()
    if (found.kind === 'missing') return fresh
    try {
      if (found.kind === 'unreadable') throw found.reason
      return decodeCursor(found.bytes)
    } catch (error) {
      this.#log.warn('the place of the scrubber is ignored', { file: this.#file.path, error })
      return fresh
    }
  }

  #share(): number {
    const { after } = this.#cursor
    return after === undefined ? 0 : Number.parseInt(after.slice(0, 8), 16) / 2 ** 32
  }
}

/** Reads the chunks of `store` from `start` to `stop`; its place is kept in the node's root folder `root`. */
export function createScrubber(root: string, deps: ScrubberDeps, options?: Partial<ScrubberOptions>): Startable {
  return new Scrubber(root, deps, options)
}
