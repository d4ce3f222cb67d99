/**
 * Chunks as plain files (storage.md 3 to 7), in the layout of the network's stock node. Reads go without a lock, since
 * files are only ever replaced whole; whoever changes a file is alone on its shard.
 */
import {
  type Clock,
  CodedError,
  equal,
  type Logger,
  type Random,
  Registry,
  resolveOptions,
  silentLogger,
  toHex,
} from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type ChunkAddress, MAX_CHUNK_BYTES } from '../protocol/index.ts'
import { ChunkFolder } from './chunk-folder.ts'
import type { Capacity, ChunkStore, PutOutcome, StoreStats } from './chunk-store.ts'
import { StorageError } from './errors.ts'
import type { FileLock } from './file-lock.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { type Hash, type HashedContent, verifyContent } from './hash.ts'
import { HeldChunks } from './held-chunks.ts'
import { SHARDS } from './layout.ts'
import { createStorageMetrics, type StorageMetrics, statsOf } from './metrics.ts'
import { type FileChunkStoreOptions, fileChunkStoreDefaults } from './options.ts'
import { ShardLocks } from './shard-locks.ts'
import { type Reservation, Space } from './space.ts'

export interface FileChunkStoreDeps {
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly registry?: Registry
  readonly fileSystem?: FileSystem
  /** BLAKE3 of chunk content; default: the backend in force, on this thread. */
  readonly hash?: Hash
}

type RepairOutcome = 'absent' | 'duplicate' | 'repaired'

/** A file read and judged. */
type Look =
  | { readonly kind: 'right' | 'wrong'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly cause: unknown }

export class FileChunkStore implements ChunkStore {
  readonly #folder: ChunkFolder
  readonly #hash: Hash
  readonly #log: Logger
  readonly #options: FileChunkStoreOptions
  readonly #metrics: StorageMetrics
  readonly #space: Space
  readonly #locks: ShardLocks
  readonly #held = new HeldChunks()
  #lock: FileLock | undefined

  constructor(root: string, deps: FileChunkStoreDeps, options?: Partial<FileChunkStoreOptions>) {
    const { clock, random, fileSystem = nodeFileSystem } = deps
    this.#hash = deps.hash ?? ((content) => backend().blake3(content))
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#options = resolveOptions('storage', fileChunkStoreDefaults, options)
    const { reserveBytes, freeSpaceMaxAgeMs, maxWaitingPerShard } = this.#options
    this.#folder = new ChunkFolder(root, { fileSystem, random, log: this.#log })
    this.#metrics = createStorageMetrics(deps.registry ?? new Registry(), () => this.size)
    this.#locks = new ShardLocks(SHARDS, maxWaitingPerShard)
    const measure = () => this.#folder.freeBytes()
    this.#space = new Space({ clock, measure }, { reserveBytes, maxAgeMs: freeSpaceMaxAgeMs })
  }

  /** Throws STORAGE_LOCKED, STORAGE_LAYOUT, STORAGE_IO, or the signal's reason. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#lock) return
    signal.throwIfAborted()
    const { lock, addresses } = await io(`opening the chunk folder ${this.#folder.path}`, () =>
      this.#folder.open(signal),
    )
    this.#held.fill(addresses)
    this.#lock = lock
    this.#locks.open()
    this.#log.info('chunk folder opened', { chunks: this.size, folder: this.#folder.path })
  }

  /** Lets running operations end, then gives the lock back. */
  async stop(): Promise<void> {
    const lock = this.#lock
    if (!lock) return
    this.#lock = undefined
    await this.#locks.close()
    await lock.release()
  }

  get size(): number {
    return this.#held.size
  }
  has(address: ChunkAddress): boolean {
    return this.#held.trusts(address)
  }
  keys(): IterableIterator<ChunkAddress> {
    return this.#held.keys()
  }
  stats(): StoreStats {
    return statsOf(this.#metrics, this.size)
  }
  async admits(bytes: number): Promise<boolean> {
    return (await this.#space.admits(bytes)) === 'writable'
  }
  capacity(): Promise<Capacity> {
    return this.#space.admits(MAX_CHUNK_BYTES)
  }

  async get(address: ChunkAddress): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    if (!this.#held.holds(address)) return undefined
    const look = await this.#look(address)
    if (look.kind === 'right') return this.#retrieved(address, look.bytes)
    if (look.kind === 'wrong') this.#metrics.verificationFailures.add()
    // A second look, alone on the shard: the file may have been replaced or removed while it was read.
    return this.#locks.run(address, () => this.#getAlone(address))
  }

  async #getAlone(address: ChunkAddress): Promise<Uint8Array | undefined> {
    const look = await this.#look(address)
    switch (look.kind) {
      case 'right':
        return this.#retrieved(address, look.bytes)
      case 'missing':
        this.#held.forget(address)
        return undefined
      case 'unreadable':
        this.#held.doubt(address, 'bytes')
        throw new StorageError('STORAGE_IO', `reading chunk ${address} failed`, { cause: look.cause })
      case 'wrong':
        this.#held.doubt(address, 'bytes')
        this.#log.warn('a corrupt chunk is removed', { address })
        await this.#remove(address)
        throw new StorageError('STORAGE_CORRUPT', `the stored bytes of chunk ${address} were wrong; they are removed`)
    }
  }

  async put(address: ChunkAddress, given: Uint8Array | HashedContent): Promise<PutOutcome> {
    this.#assertOpen()
    const content = await verifyContent(this.#hash, address, given)
    return this.#locks.run(address, async () => {
      const outcome = await this.#repairAlone(address, content)
      if (outcome !== 'absent') return outcome
      await this.#write(address, content)
      return 'stored'
    })
  }

  async repair(address: ChunkAddress, given: Uint8Array | HashedContent): Promise<RepairOutcome> {
    this.#assertOpen()
    const content = await verifyContent(this.#hash, address, given)
    return this.#locks.run(address, () => this.#repairAlone(address, content))
  }

  async #repairAlone(address: ChunkAddress, content: Uint8Array): Promise<RepairOutcome> {
    const found = this.#held.holds(address) ? await this.#compare(address, content) : 'absent'
    if (found === 'absent') return 'absent'
    if (found === 'equal') {
      await this.#settleName(address)
      this.#metrics.duplicates.add()
      return 'duplicate'
    }
    await this.#write(address, content)
    this.#metrics.repairs.add()
    return 'repaired'
  }

  /** The content has proved its address, so comparing bytes is the whole check. */
  async #compare(address: ChunkAddress, content: Uint8Array): Promise<'equal' | 'different' | 'absent'> {
    const read = await this.#folder.read(address)
    switch (read.kind) {
      case 'missing':
        this.#held.forget(address)
        return 'absent'
      case 'unreadable':
        this.#held.doubt(address, 'bytes')
        throw new StorageError('STORAGE_IO', `reading chunk ${address} before writing it failed`, { cause: read.cause })
      case 'found':
        if (equal(read.bytes, content)) return 'equal'
        this.#metrics.verificationFailures.add()
        this.#held.doubt(address, 'bytes')
        return 'different'
    }
  }

  /** A duplicate may be answered only when the name is durable too. */
  async #settleName(address: ChunkAddress): Promise<void> {
    if (this.#held.doubtOf(address) === undefined) return
    await io(`flushing the directory of chunk ${address}`, () => this.#folder.syncShardOf(address))
    this.#held.trust(address)
  }

  async #write(address: ChunkAddress, content: Uint8Array): Promise<void> {
    const reservation = this.#granted(await this.#space.reserve(content.length), content.length)
    let written = false
    try {
      await io(`writing chunk ${address}`, async () => {
        const outcome = await this.#folder.write(address, content)
        written = true
        if (outcome.kind === 'durable') return
        this.#held.doubt(address, 'name')
        throw outcome.cause
      })
    } finally {
      reservation.end(written)
    }
    this.#held.trust(address)
    this.#metrics.chunksStored.add()
    this.#metrics.bytesStored.add(content.length)
  }

  #granted(reservation: Reservation, size: number): Extract<Reservation, { kind: 'granted' }> {
    if (reservation.kind === 'granted') return reservation
    if (reservation.kind === 'unknown') {
      const message = `free space below ${this.#folder.path} is not known`
      throw new StorageError('STORAGE_IO', message, { cause: reservation.cause })
    }
    this.#metrics.refusedFull.add()
    const { free } = reservation
    const reserve = this.#options.reserveBytes
    const message = `Insufficient disk space: ${free} bytes free, ${size} to write, ${reserve} reserved`
    throw new StorageError('STORAGE_FULL', message, { data: { free, size, reserve } })
  }

  async delete(address: ChunkAddress): Promise<boolean> {
    this.#assertOpen()
    return this.#locks.run(address, async () => this.#held.holds(address) && (await this.#remove(address)))
  }

  async #remove(address: ChunkAddress): Promise<boolean> {
    const removed = await io(`removing chunk ${address}`, () => this.#folder.remove(address))
    this.#held.forget(address)
    return removed
  }

  async #look(address: ChunkAddress): Promise<Look> {
    const read = await this.#folder.read(address)
    if (read.kind !== 'found') return read
    const { bytes } = read
    const right = !this.#options.verifyOnRead || toHex(await this.#hash(bytes)) === address
    return { kind: right ? 'right' : 'wrong', bytes }
  }

  #retrieved(address: ChunkAddress, bytes: Uint8Array): Uint8Array {
    if (this.#options.verifyOnRead && this.#held.doubtOf(address) === 'bytes') this.#held.trust(address)
    this.#metrics.chunksRetrieved.add()
    this.#metrics.bytesRetrieved.add(bytes.length)
    return bytes
  }

  #assertOpen(): void {
    if (!this.#lock) throw new StorageError('STORAGE_CLOSED', `the chunk folder ${this.#folder.path} is not open`)
  }
}

/** Anything but our own errors becomes STORAGE_IO with its cause. */
async function io<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof CodedError) throw cause
    throw new StorageError('STORAGE_IO', `${what} failed`, { cause })
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
