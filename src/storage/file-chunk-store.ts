/**
 * Chunks as plain files (storage.md 3 to 7), in the layout of the network's stock node. Reads go without a lock, since
 * files are only ever replaced whole; whoever changes a file is alone on its shard.
 */
import {
  type Clock,
  CodedError,
  Emitter,
  type Logger,
  type Random,
  Registry,
  release,
  resolveOptions,
  silentLogger,
} from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { ChunkFolder } from './chunk-folder.ts'
import { ChunkShelf, type RepairOutcome, wrapped } from './chunk-shelf.ts'
import type { Capacity, ChunkCheck, ChunkStore, PutOutcome, StoreStats } from './chunk-store.ts'
import { type DiskState, stateOfError } from './disk-state.ts'
import { DiskWatch } from './disk-watch.ts'
import { StorageError } from './errors.ts'
import type { FileLock } from './file-lock.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { type Hash, type HashedContent, verifyContent } from './hash.ts'
import { HeldChunks } from './held-chunks.ts'
import { SHARDS } from './layout.ts'
import { createStorageMetrics, type StorageMetrics, statsOf } from './metrics.ts'
import { type FileChunkStoreOptions, fileChunkStoreDefaults } from './options.ts'
import { ShardLocks } from './shard-locks.ts'
import { Space } from './space.ts'

export interface FileChunkStoreDeps {
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly registry?: Registry
  readonly fileSystem?: FileSystem
  /** BLAKE3 of chunk content; default: the backend in force, on this thread. */
  readonly hash?: Hash
}

export class FileChunkStore implements ChunkStore {
  readonly #folder: ChunkFolder
  readonly #hash: Hash
  readonly #log: Logger
  readonly #options: FileChunkStoreOptions
  readonly #metrics: StorageMetrics
  readonly #space: Space
  readonly #locks: ShardLocks
  readonly #held = new HeldChunks()
  readonly #events = new Emitter<{ disk: DiskState }>()
  readonly #watch: DiskWatch
  readonly #shelf: ChunkShelf
  #open = false
  /** Given back and taken anew while the folder comes back. */
  #lock: FileLock | undefined
  #operations = 0

  constructor(root: string, deps: FileChunkStoreDeps, options?: Partial<FileChunkStoreOptions>) {
    const { clock, random, fileSystem = nodeFileSystem } = deps
    this.#hash = deps.hash ?? ((content) => backend().blake3(content))
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#options = resolveOptions('storage', fileChunkStoreDefaults, options)
    const { reserveBytes, freeSpaceMaxAgeMs, maxWaitingPerShard } = this.#options
    this.#folder = new ChunkFolder(root, { fileSystem, random, log: this.#log })
    this.#metrics = createStorageMetrics(deps.registry ?? new Registry(), () => this.size)
    this.#locks = new ShardLocks(SHARDS, maxWaitingPerShard)
    const measure = async () => {
      try {
        return await this.#folder.freeBytes()
      } catch (error) {
        await this.#watch.writeFailed(error)
        throw error
      }
    }
    this.#space = new Space({ clock, measure }, { reserveBytes, maxAgeMs: freeSpaceMaxAgeMs })
    this.#watch = new DiskWatch(
      {
        present: () => this.#folder.present(),
        probe: async (signal) => {
          await this.#folder.probe()
          await this.#shelf.settleNames(signal)
        },
        hasRoom: async () => (await this.#space.admits(MAX_CHUNK_BYTES)) !== 'full',
        returned: async (signal) => {
          // What could not be flushed is tried again by the probe that follows.
          await this.#reopen(signal)
        },
      },
      {
        ...{ clock, log: this.#log, metrics: this.#metrics, folder: this.#folder.path },
        changed: (state) => this.#events.emit('disk', state),
      },
      this.#options,
    )
    this.#shelf = new ChunkShelf(
      {
        ...{ folder: this.#folder, held: this.#held, watch: this.#watch, space: this.#space, locks: this.#locks },
        ...{ hash: this.#hash, log: this.#log, metrics: this.#metrics },
      },
      this.#options,
    )
  }

  /**
   * Throws STORAGE_LOCKED, STORAGE_LAYOUT, STORAGE_READ_ONLY, STORAGE_FULL, STORAGE_IO, or the signal's reason. A disk on
   * which the names that are there cannot be flushed is open, in the state that the error tells.
   */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#open) return
    signal.throwIfAborted()
    const failure = await this.#opened(signal)
    this.#open = true
    this.#locks.open()
    this.#watch.start()
    if (failure !== undefined) await this.#watch.writeFailed(failure)
    this.#log.info('chunk folder opened', { chunks: this.size, folder: this.#folder.path })
  }

  async #opened(signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#reopen(signal)
    } catch (cause) {
      const { path } = this.#folder
      if (cause instanceof CodedError || stateOfError(cause) !== 'readOnly')
        throw wrapped(`opening the chunk folder ${path}`, cause)
      const message = `the chunk folder ${path} cannot be written: its disk is mounted read-only, or the permissions forbid it`
      throw new StorageError('STORAGE_READ_ONLY', message, { cause })
    }
  }

  /** Lets running operations end, then gives the lock back. */
  async stop(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#locks.close()
    await this.#watch.stop()
    await this.#lock?.release()
    this.#lock = undefined
  }

  /**
   * Also when the folder was away: it may be another one now, with other names, that another process has. What kept
   * names from being flushed, if anything did.
   */
  async #reopen(signal: AbortSignal): Promise<unknown> {
    await this.#lock?.release()
    this.#lock = undefined
    const { lock, addresses, inDoubt, failure } = await this.#folder.open(signal)
    this.#lock = lock
    this.#held.fill(addresses, inDoubt)
    return failure
  }

  get size(): number {
    return this.#held.size
  }
  has(address: ChunkAddress): boolean {
    return this.#watch.state !== 'gone' && this.#held.trusts(address)
  }
  keys(): IterableIterator<ChunkAddress> {
    return this.#held.keys()
  }
  keysAfter(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    return this.#held.after(after, limit)
  }
  stats(): StoreStats {
    return statsOf(this.#metrics, this.size)
  }
  get disk(): DiskState {
    return this.#watch.state
  }
  onDisk(listener: (state: DiskState) => void): () => void {
    return this.#events.on('disk', listener)
  }
  get operations(): number {
    return this.#operations
  }
  async admits(bytes: number): Promise<boolean> {
    return !this.#watch.blocked && (await this.#shelf.measure(bytes)) === 'writable'
  }
  async capacity(): Promise<Capacity> {
    if (this.#watch.blocked) return this.#watch.state === 'full' ? 'full' : 'unknown'
    return this.#shelf.measure(MAX_CHUNK_BYTES)
  }

  get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    return this.#counted(async () => {
      const found = await this.#shelf.find(address)
      return found && this.#retrieved(address, found)
    })
  }

  async check(address: ChunkAddress): Promise<ChunkCheck> {
    this.#assertOpen()
    try {
      const found = await this.#shelf.find(address, true)
      if (!found) return { kind: 'absent' }
      this.#held.settle(address, 'bytes')
      const bytes = found.length
      release(found)
      return { kind: 'right', bytes }
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'STORAGE_CORRUPT') throw error
      return { kind: 'corrupt', bytes: Number(error.data['bytes']) }
    }
  }

  put(address: ChunkAddress, given: Uint8Array | HashedContent): Promise<PutOutcome> {
    return this.#counted(async () => {
      // Before the hash: a disk that takes no writes must not cost work.
      if (!this.#held.holds(address)) this.#shelf.assertWritable()
      const content = await verifyContent(this.#hash, address, given)
      return this.#locks.run(address, async () => {
        const outcome = await this.#shelf.repairAlone(address, content)
        if (outcome !== 'absent') return outcome
        await this.#shelf.write(address, content)
        return 'stored'
      })
    })
  }

  repair(address: ChunkAddress, given: Uint8Array | HashedContent): Promise<RepairOutcome> {
    return this.#counted(async () => {
      const content = await verifyContent(this.#hash, address, given)
      return this.#locks.run(address, () => this.#shelf.repairAlone(address, content))
    })
  }

  delete(address: ChunkAddress): Promise<boolean> {
    return this.#counted(() =>
      this.#locks.run(address, async () => this.#held.holds(address) && (await this.#shelf.remove(address))),
    )
  }

  #retrieved(address: ChunkAddress, bytes: Uint8Array): Uint8Array {
    if (this.#options.verifyOnRead) this.#held.settle(address, 'bytes')
    this.#metrics.chunksRetrieved.add()
    this.#metrics.bytesRetrieved.add(bytes.length)
    return bytes
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    this.#operations++
    try {
      return await work()
    } finally {
      this.#operations--
    }
  }

  #assertOpen(): void {
    if (!this.#open) throw new StorageError('STORAGE_CLOSED', `the chunk folder ${this.#folder.path} is not open`)
  }
}

/** The store of the node whose root folder is `root`; chunks lie in `<root>/chunks`. */
export function createFileChunkStore(
  root: string,
  deps: FileChunkStoreDeps,
  options?: Partial<FileChunkStoreOptions>,
): ChunkStore {
  return new FileChunkStore(root, deps, options)
}
