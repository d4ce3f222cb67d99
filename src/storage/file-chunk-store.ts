/**
 * Chunks as plain files (storage.md 3 to 7): `<root>/chunks/<last byte>/<64 hex>`, the layout of the network's stock
 * node. Decides over FileSystem; what it touches is in there.
 */
import { join } from 'node:path'
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
import { AddressIndex } from './address-index.ts'
import type { Capacity, ChunkStore, PutOutcome, StoreStats } from './chunk-store.ts'
import { StorageError } from './errors.ts'
import type { FileLock } from './file-lock.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { type Hash, verifyContent } from './hash.ts'
import { LOCK_FILE, SHARDS, shardOf, tempName } from './layout.ts'
import { createStorageMetrics, type StorageMetrics, statsOf } from './metrics.ts'
import { checkLayout, scanFolder } from './open-folder.ts'
import { type FileChunkStoreOptions, fileChunkStoreDefaults } from './options.ts'
import { ShardLocks } from './shard-locks.ts'
import { Space } from './space.ts'
import { writeDurably } from './write-durably.ts'

export interface FileChunkStoreDeps {
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly registry?: Registry
  readonly fileSystem?: FileSystem
  /** BLAKE3 of chunk content; default: the backend in force, on this thread. */
  readonly hash?: Hash
}

/** A file read and judged. */
type Look =
  | { readonly kind: 'right' | 'wrong'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly cause: unknown }

export class FileChunkStore implements ChunkStore {
  readonly #folder: string
  readonly #fileSystem: FileSystem
  readonly #hash: Hash
  readonly #log: Logger
  readonly #random: Random
  readonly #options: FileChunkStoreOptions
  readonly #metrics: StorageMetrics
  readonly #space: Space
  readonly #locks: ShardLocks
  readonly #index = new AddressIndex()
  /** Held by name but not trusted: a read failed, the bytes were wrong, or the name may not last. Not listed. */
  readonly #doubtful = new Set<ChunkAddress>()
  #shards = new Set<string>()
  #lock: FileLock | undefined
  #nonce = ''
  #sequence = 0

  constructor(directory: string, deps: FileChunkStoreDeps, options?: Partial<FileChunkStoreOptions>) {
    this.#folder = join(directory, 'chunks')
    this.#fileSystem = deps.fileSystem ?? nodeFileSystem
    this.#hash = deps.hash ?? ((content) => backend().blake3(content))
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#random = deps.random
    this.#options = resolveOptions('storage', fileChunkStoreDefaults, options)
    this.#metrics = createStorageMetrics(deps.registry ?? new Registry(), () => this.size)
    this.#locks = new ShardLocks(SHARDS, this.#options.maxWaitingPerShard)
    this.#space = new Space(
      { clock: deps.clock, measure: () => this.#fileSystem.freeBytes(this.#folder) },
      { reserveBytes: this.#options.reserveBytes, maxAgeMs: this.#options.freeSpaceMaxAgeMs },
    )
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#lock) return
    signal.throwIfAborted()
    this.#lock = await this.#io(`opening the chunk folder ${this.#folder}`, () => this.#open(signal))
    this.#locks.open()
    this.#log.info('chunk folder opened', { chunks: this.size, folder: this.#folder })
  }

  async #open(signal: AbortSignal): Promise<FileLock> {
    await this.#make(this.#folder, join(this.#folder, '..'))
    const lock = await this.#fileSystem.lock(join(this.#folder, LOCK_FILE))
    try {
      this.#nonce = toHex(this.#random.bytes(4))
      const folder = {
        fileSystem: this.#fileSystem,
        log: this.#log,
        path: this.#folder,
        nextTempName: () => this.#nextTempName(),
      }
      await checkLayout(folder)
      const { addresses, shards } = await scanFolder(folder, signal)
      this.#index.fill(addresses)
      this.#shards = shards
      this.#doubtful.clear()
      return lock
    } catch (error) {
      await lock.release()
      throw error
    }
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
    return this.#index.size
  }

  has(address: ChunkAddress): boolean {
    return this.#index.has(address)
  }

  keys(): IterableIterator<ChunkAddress> {
    return this.#index.keys()
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
    if (!this.#holds(address)) return undefined
    const look = await this.#look(address, this.#options.verifyOnRead)
    if (look.kind === 'right') return this.#retrieved(address, look.bytes)
    if (look.kind === 'wrong') this.#metrics.verificationFailures.add()
    // A second look, alone on the shard: the file may have been replaced or removed while it was read.
    return this.#locks.run(address, () => this.#getAlone(address))
  }

  async #getAlone(address: ChunkAddress): Promise<Uint8Array | undefined> {
    const look = await this.#look(address, this.#options.verifyOnRead)
    switch (look.kind) {
      case 'right':
        return this.#retrieved(address, look.bytes)
      case 'missing':
        this.#forget(address)
        return undefined
      case 'unreadable':
        this.#doubt(address)
        throw new StorageError('STORAGE_IO', `reading chunk ${address} failed`, { cause: look.cause })
      case 'wrong':
        this.#doubt(address)
        this.#log.warn('a corrupt chunk is removed', { address })
        await this.#remove(address)
        throw new StorageError('STORAGE_CORRUPT', `the stored bytes of chunk ${address} were wrong; they are removed`)
    }
  }

  async put(address: ChunkAddress, content: Uint8Array): Promise<PutOutcome> {
    this.#assertOpen()
    await verifyContent(this.#hash, address, content)
    return this.#locks.run(address, async () => {
      const outcome = await this.#repairAlone(address, content)
      if (outcome !== 'absent') return outcome
      await this.#write(address, content)
      return 'stored'
    })
  }

  async repair(address: ChunkAddress, content: Uint8Array): Promise<'absent' | 'duplicate' | 'repaired'> {
    this.#assertOpen()
    await verifyContent(this.#hash, address, content)
    return this.#locks.run(address, () => this.#repairAlone(address, content))
  }

  async #repairAlone(address: ChunkAddress, content: Uint8Array): Promise<'absent' | 'duplicate' | 'repaired'> {
    const held = this.#holds(address) ? await this.#compare(address, content) : 'absent'
    if (held === 'equal') {
      await this.#settleName(address)
      this.#metrics.duplicates.add()
      return 'duplicate'
    }
    if (held === 'absent') return 'absent'
    await this.#write(address, content)
    this.#metrics.repairs.add()
    return 'repaired'
  }

  async #compare(address: ChunkAddress, content: Uint8Array): Promise<'equal' | 'different' | 'absent'> {
    // The content has proved its address, so comparing bytes is the whole check.
    const look = await this.#look(address, false)
    switch (look.kind) {
      case 'missing':
        this.#forget(address)
        return 'absent'
      case 'unreadable':
        this.#doubt(address)
        throw new StorageError('STORAGE_IO', `reading chunk ${address} before writing it failed`, { cause: look.cause })
      case 'right':
      case 'wrong':
        if (equal(look.bytes, content)) return 'equal'
        this.#metrics.verificationFailures.add()
        this.#doubt(address)
        return 'different'
    }
  }

  /** A duplicate may be answered only when the name is durable too. */
  async #settleName(address: ChunkAddress): Promise<void> {
    if (!this.#doubtful.has(address)) return
    await this.#io(`flushing the directory of chunk ${address}`, () =>
      this.#fileSystem.syncDirectory(this.#shardPath(address)),
    )
    this.#trust(address)
  }

  async #write(address: ChunkAddress, content: Uint8Array): Promise<void> {
    const reservation = await this.#space.reserve(content.length)
    if (reservation.kind === 'unknown') {
      throw new StorageError('STORAGE_IO', `free space below ${this.#folder} is not known`, {
        cause: reservation.cause,
      })
    }
    if (reservation.kind === 'full') {
      this.#metrics.refusedFull.add()
      const { reserveBytes } = this.#options
      throw new StorageError(
        'STORAGE_FULL',
        `Insufficient disk space: ${reservation.free} bytes free, ${content.length} to write, ${reserveBytes} reserved`,
        { data: { free: reservation.free, reserve: reserveBytes } },
      )
    }
    let written = false
    try {
      await this.#io(`writing chunk ${address}`, async () => {
        await this.#makeShard(address)
        const names = { temp: this.#nextTempName(), name: address }
        const outcome = await writeDurably(this.#fileSystem, this.#shardPath(address), names, content)
        written = true
        if (outcome.kind === 'durable') return
        this.#doubt(address)
        throw outcome.cause
      })
    } finally {
      reservation.end(written)
      // Whoever removed the shard behind our back gets a new one with the next write.
      if (!written) this.#shards.delete(shardOf(address))
    }
    this.#doubtful.delete(address)
    this.#index.add(address)
    this.#metrics.chunksStored.add()
    this.#metrics.bytesStored.add(content.length)
  }

  delete(address: ChunkAddress): Promise<boolean> {
    this.#assertOpen()
    return this.#locks.run(address, async () => this.#holds(address) && (await this.#remove(address)))
  }

  async #remove(address: ChunkAddress): Promise<boolean> {
    const removed = await this.#io(`removing chunk ${address}`, () => this.#fileSystem.unlink(this.#path(address)))
    this.#forget(address)
    // Best effort: a name that comes back after a power loss is harmless, its bytes are verified.
    await this.#fileSystem.syncDirectory(this.#shardPath(address)).catch(() => undefined)
    return removed
  }

  async #look(address: ChunkAddress, verify: boolean): Promise<Look> {
    try {
      const outcome = await this.#fileSystem.read(this.#path(address), MAX_CHUNK_BYTES)
      if (outcome.kind === 'missing') return outcome
      if (outcome.kind === 'refused') return { kind: 'unreadable', cause: new Error(outcome.reason) }
      const { bytes } = outcome
      if (verify && toHex(await this.#hash(bytes)) !== address) return { kind: 'wrong', bytes }
      return { kind: 'right', bytes }
    } catch (cause) {
      return { kind: 'unreadable', cause }
    }
  }

  #retrieved(address: ChunkAddress, bytes: Uint8Array): Uint8Array {
    if (this.#options.verifyOnRead) this.#trust(address)
    this.#metrics.chunksRetrieved.add()
    this.#metrics.bytesRetrieved.add(bytes.length)
    return bytes
  }

  #holds(address: ChunkAddress): boolean {
    return this.#index.has(address) || this.#doubtful.has(address)
  }
  #doubt(address: ChunkAddress): void {
    this.#index.delete(address)
    this.#doubtful.add(address)
  }
  #trust(address: ChunkAddress): void {
    if (this.#doubtful.delete(address)) this.#index.add(address)
  }
  #forget(address: ChunkAddress): void {
    this.#index.delete(address)
    this.#doubtful.delete(address)
  }

  async #makeShard(address: ChunkAddress): Promise<void> {
    const shard = shardOf(address)
    if (this.#shards.has(shard)) return
    await this.#make(this.#shardPath(address), this.#folder)
    this.#shards.add(shard)
  }

  /** Creates a directory and flushes its name; also when it was there, since an earlier run may have died between. */
  async #make(path: string, parent: string): Promise<void> {
    await this.#fileSystem.makeDirectory(path)
    await this.#fileSystem.syncDirectory(parent)
  }

  async #io<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof CodedError) throw cause
      throw new StorageError('STORAGE_IO', `${what} failed`, { cause })
    }
  }

  #path(address: ChunkAddress): string {
    return join(this.#shardPath(address), address)
  }
  #shardPath(address: ChunkAddress): string {
    return join(this.#folder, shardOf(address))
  }
  #nextTempName(): string {
    return tempName(this.#fileSystem.processId, this.#nonce, this.#sequence++)
  }
  #assertOpen(): void {
    if (!this.#lock) throw new StorageError('STORAGE_CLOSED', `the chunk folder ${this.#folder} is not open`)
  }
}

/** The store of the node whose root folder is `directory`. */
export function createFileChunkStore(
  directory: string,
  deps: FileChunkStoreDeps,
  options?: Partial<FileChunkStoreOptions>,
): ChunkStore {
  return new FileChunkStore(directory, deps, options)
}
