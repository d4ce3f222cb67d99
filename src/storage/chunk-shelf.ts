/**
 * The chunk files of a folder and what is known of them: reading and judging, writing, removing. What changes a file is
 * called alone on its shard; what an error tells of the disk goes to the watch.
 */
import { CodedError, equal, type Logger, toHex } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { ChunkFolder } from './chunk-folder.ts'
import type { Capacity } from './chunk-store.ts'
import { type DiskState, sentenceOf, stateOfError } from './disk-state.ts'
import type { DiskWatch } from './disk-watch.ts'
import { StorageError, type StorageErrorCode } from './errors.ts'
import type { Hash } from './hash.ts'
import type { HeldChunks } from './held-chunks.ts'
import { shardOf } from './layout.ts'
import type { StorageMetrics } from './metrics.ts'
import type { FileChunkStoreOptions } from './options.ts'
import type { ShardLocks } from './shard-locks.ts'
import type { Reservation, Space } from './space.ts'

export interface ChunkShelfDeps {
  readonly folder: ChunkFolder
  readonly held: HeldChunks
  readonly watch: DiskWatch
  readonly space: Space
  readonly locks: ShardLocks
  readonly hash: Hash
  readonly log: Logger
  readonly metrics: StorageMetrics
}

export type RepairOutcome = 'absent' | 'duplicate' | 'repaired'

/** A file read and judged. */
type Look =
  | { readonly kind: 'right' | 'wrong'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly cause: unknown }

export class ChunkShelf {
  readonly #folder: ChunkFolder
  readonly #held: HeldChunks
  readonly #watch: DiskWatch
  readonly #space: Space
  readonly #locks: ShardLocks
  readonly #hash: Hash
  readonly #log: Logger
  readonly #metrics: StorageMetrics
  readonly #options: FileChunkStoreOptions

  constructor(deps: ChunkShelfDeps, options: FileChunkStoreOptions) {
    this.#folder = deps.folder
    this.#held = deps.held
    this.#watch = deps.watch
    this.#space = deps.space
    this.#locks = deps.locks
    this.#hash = deps.hash
    this.#log = deps.log
    this.#metrics = deps.metrics
    this.#options = options
  }

  async measure(bytes: number): Promise<Capacity> {
    const capacity = await this.#space.admits(bytes)
    if (capacity === 'full') this.#watch.noRoom()
    return capacity
  }

  /** The bytes, judged as `verify` says; undefined when they are not there. Throws as `get`. */
  async find(address: ChunkAddress, verify = this.#options.verifyOnRead): Promise<Uint8Array | undefined> {
    if (!this.#held.holds(address)) return undefined
    const look = await this.#look(address, verify)
    if (look.kind === 'right') return look.bytes
    if (look.kind === 'wrong') this.#metrics.verificationFailures.add()
    // A second look, alone on the shard: the file may have been replaced or removed while it was read.
    return this.#locks.run(address, () => this.#findAlone(address, verify))
  }

  async #findAlone(address: ChunkAddress, verify: boolean): Promise<Uint8Array | undefined> {
    const look = await this.#look(address, verify)
    switch (look.kind) {
      case 'right':
        return look.bytes
      case 'missing':
        await this.#forgetMissing(address)
        return undefined
      case 'unreadable':
        throw this.#unreadable(address, look.cause)
      case 'wrong':
        this.#held.doubt(address, 'bytes')
        this.#log.warn('a corrupt chunk is removed', { address, bytes: look.bytes.length })
        // A disk that takes no writes keeps the file; it stays hidden.
        await this.remove(address).catch((error: unknown) => this.#log.warn('it cannot be removed', { address, error }))
        throw new StorageError('STORAGE_CORRUPT', `the stored bytes of chunk ${address} were wrong; they are removed`, {
          data: { bytes: look.bytes.length },
        })
    }
  }

  async repairAlone(address: ChunkAddress, content: Uint8Array): Promise<RepairOutcome> {
    const found = this.#held.holds(address) ? await this.#compare(address, content) : 'absent'
    if (found === 'absent') return 'absent'
    if (found === 'equal') {
      await this.#settleName(address)
      this.#metrics.duplicates.add()
      return 'duplicate'
    }
    await this.write(address, content)
    this.#metrics.repairs.add()
    return 'repaired'
  }

  /** The content has proved its address, so comparing bytes is the whole check. */
  async #compare(address: ChunkAddress, content: Uint8Array): Promise<'equal' | 'different' | 'absent'> {
    const read = await this.#folder.read(address)
    switch (read.kind) {
      case 'missing':
        await this.#forgetMissing(address)
        return 'absent'
      case 'unreadable':
        throw this.#unreadable(address, read.cause)
      case 'found':
        if (equal(read.bytes, content)) return 'equal'
        this.#metrics.verificationFailures.add()
        this.#held.doubt(address, 'bytes')
        return 'different'
    }
  }

  /** A duplicate may be answered only when the name is durable too. */
  async #settleName(address: ChunkAddress): Promise<void> {
    if (!this.#held.doubts(address)) return
    await this.#flushShardOf(address)
    this.#held.trust(address)
  }

  /** Flushes the names that are in doubt. Throws what a flush throws, STORAGE_BUSY, STORAGE_CLOSED, the signal's reason. */
  async settleNames(signal: AbortSignal): Promise<void> {
    for (const addresses of Map.groupBy(this.#held.namesInDoubt(), shardOf).values()) {
      signal.throwIfAborted()
      const [first] = addresses as [ChunkAddress, ...ChunkAddress[]]
      await this.#locks.run(first, async () => {
        await this.#flushShardOf(first)
        for (const address of addresses) this.#held.settle(address, 'name')
      })
    }
  }

  #flushShardOf(address: ChunkAddress): Promise<void> {
    return this.#change(`flushing the directory of chunk ${address}`, () => this.#folder.syncShardOf(address))
  }

  async write(address: ChunkAddress, content: Uint8Array): Promise<void> {
    this.assertWritable()
    const reservation = this.#granted(await this.#space.reserve(content.length), content.length)
    let written = false
    try {
      await this.#change(`writing chunk ${address}`, async () => {
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
    this.#watch.noRoom()
    const { free } = reservation
    const reserve = this.#options.reserveBytes
    const message = `Insufficient disk space: ${free} bytes free, ${size} to write, ${reserve} reserved`
    throw new StorageError('STORAGE_FULL', message, { data: { free, size, reserve } })
  }

  async remove(address: ChunkAddress): Promise<boolean> {
    const removed = await this.#change(`removing chunk ${address}`, () => this.#folder.remove(address))
    if (removed) this.#held.forget(address)
    else await this.#forgetMissing(address)
    return removed
  }

  /** Its file is not there. Throws STORAGE_GONE when nothing is: what lies on the disk must not be forgotten. */
  async #forgetMissing(address: ChunkAddress): Promise<void> {
    if (await this.#watch.missing()) throw this.#refusal('gone')
    this.#held.forget(address)
  }

  #unreadable(address: ChunkAddress, cause: unknown): StorageError {
    this.#held.doubt(address, 'bytes')
    this.#watch.readFailed(cause)
    return new StorageError('STORAGE_IO', `reading chunk ${address} failed`, { cause })
  }

  async #look(address: ChunkAddress, verify: boolean): Promise<Look> {
    const read = await this.#folder.read(address)
    if (read.kind !== 'found') return read
    this.#watch.readSucceeded()
    const { bytes } = read
    const right = !verify || toHex(await this.#hash(bytes)) === address
    return { kind: right ? 'right' : 'wrong', bytes }
  }

  /** A change of the disk: what its failure tells of the disk is noted. */
  async #change<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      await this.#watch.writeFailed(cause)
      throw wrapped(what, cause)
    }
  }

  assertWritable(): void {
    if (!this.#watch.blocked) return
    this.#metrics.refusedDisk.add(1, { state: this.#watch.state })
    throw this.#refusal(this.#watch.state)
  }

  #refusal(state: DiskState): StorageError {
    return new StorageError(
      REFUSALS[state],
      `${state === 'full' ? 'Insufficient disk space: ' : ''}${sentenceOf(state)}`,
    )
  }
}

const REFUSALS: Readonly<Record<DiskState, StorageErrorCode>> = {
  writable: 'STORAGE_IO',
  full: 'STORAGE_FULL',
  readOnly: 'STORAGE_READ_ONLY',
  failing: 'STORAGE_FAILING',
  gone: 'STORAGE_GONE',
}

/** Anything but our own errors becomes STORAGE_FULL or STORAGE_IO with its cause. */
export function wrapped(what: string, cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause
  if (stateOfError(cause) !== 'full') return new StorageError('STORAGE_IO', `${what} failed`, { cause })
  return new StorageError('STORAGE_FULL', 'Insufficient disk space: the disk has no room left', { cause })
}
