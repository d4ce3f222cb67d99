/**
 * Paid addresses in the LMDB environment `<root>/paid_list.mdb` (driver: memory-mapped files, by the addon). File and
 * keys are those of the network's stock node: either of us opens the other's folder. The npm package `lmdb` writes
 * another version of the format, and crashes the process on a file of the stock node.
 *
 * Inserts that come while the disk is busy share the next transaction, so that one flush serves many. A disk that is
 * pulled out under a mapped file ends the process (SIGBUS): that is LMDB's price.
 */
import { join } from 'node:path'
import { concat, type Logger, messageOf, silentLogger, utf8 } from '../base/index.ts'
import { loadAddon } from '../crypto/index.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES, keyOf } from '../protocol/index.ts'
import { type DiskState, stateOfError } from './disk-state.ts'
import { StorageError } from './errors.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { errorOfStatus, isMapFull, type KeySet, type KeySetClass, statusOf } from './key-set.ts'
import { type PaidListOptions, resolvePaidListOptions } from './options.ts'
import { PAID_LIST_BATCH, type PaidList } from './paid-list.ts'

export interface LmdbPaidListDeps {
  readonly log?: Logger
  readonly fileSystem?: FileSystem
  /** Default: the addon's, which is loaded at `start`. */
  readonly keySet?: KeySetClass
}

interface Change {
  readonly kind: 'insert' | 'remove'
  readonly keys: Uint8Array
  readonly resolve: (changed: number) => void
  readonly reject: (error: unknown) => void
}

/** In the node's folder. */
export const PAID_LIST_FOLDER = 'paid_list.mdb'

class LmdbPaidList implements PaidList {
  readonly #folder: string
  readonly #fileSystem: FileSystem
  readonly #log: Logger
  readonly #options: PaidListOptions
  readonly #keySet: KeySetClass | undefined
  /** Stays until running changes have ended, also when no new ones are taken. None after a reopening that failed. */
  #set: KeySet | undefined
  #open = false
  #size = 0
  #waiting: Change[] = []
  #writing: Promise<void> | undefined
  /** The environment may refuse all work after an error of the disk until it is opened anew. */
  #stale = false
  /** A change runs: the files stay open, and cannot be opened anew beside it. */
  #changing = false
  #state: DiskState = 'writable'

  constructor(root: string, deps: LmdbPaidListDeps, options?: Partial<PaidListOptions>) {
    this.#folder = join(root, PAID_LIST_FOLDER)
    this.#fileSystem = deps.fileSystem ?? nodeFileSystem
    this.#log = (deps.log ?? silentLogger).child('storage')
    this.#options = resolvePaidListOptions(options)
    this.#keySet = deps.keySet
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#open) return
    signal.throwIfAborted()
    try {
      await this.#fileSystem.makeDirectory(this.#folder)
      await this.#fileSystem.syncDirectory(join(this.#folder, '..'))
      this.#set = this.#openSet()
      await this.#fileSystem.syncDirectory(this.#folder)
    } catch (cause) {
      this.#set?.close()
      this.#set = undefined
      throw cause instanceof StorageError ? cause : this.#error(cause, 'opening')
    }
    this.#open = true
    this.#log.info('paid list opened', { addresses: this.#size, folder: this.#folder })
  }

  async stop(): Promise<void> {
    this.#open = false
    while (this.#writing) await this.#writing
    this.#set?.close()
    this.#set = undefined
  }

  get size(): number {
    return this.#size
  }
  get state(): DiskState {
    return this.#state
  }

  has(address: ChunkAddress): boolean {
    return this.#look((set) => set.has(keyOf(address)))
  }

  page(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    const keys = new Uint8Array(Math.min(limit, PAID_LIST_BATCH) * KEY_BYTES)
    const found = this.#look((set) => set.page(after === undefined ? new Uint8Array() : keyOf(after), keys))
    return Array.from({ length: found }, (_, i) => chunkAddressOf(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)))
  }

  async insert(address: ChunkAddress): Promise<boolean> {
    return !this.has(address) && (await this.#change('insert', [address])) === 1
  }

  async removeBatch(addresses: readonly ChunkAddress[]): Promise<number> {
    return addresses.length === 0 ? 0 : this.#change('remove', addresses)
  }

  #change(kind: Change['kind'], addresses: readonly ChunkAddress[]): Promise<number> {
    this.#assertOpen()
    const limit = kind === 'insert' ? this.#options.maxWaiting : PAID_LIST_BATCH
    if (addresses.length > PAID_LIST_BATCH || this.#waiting.length >= limit) {
      throw new StorageError('STORAGE_BUSY', `more than ${limit} changes of the paid list at once`)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ kind, keys: concat(addresses.map(keyOf)), resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = nextBatch(this.#waiting)
      this.#waiting.splice(0, batch.length)
      try {
        await this.#commit(batch)
        this.#enter('writable')
      } catch (cause) {
        const error = this.#error(cause, 'changing')
        this.#suspect(cause)
        this.#enter(error.code === 'STORAGE_FULL' ? 'full' : (stateOfError(cause) ?? 'failing'), error)
        for (const { reject } of batch) reject(error)
      }
    }
    // In the same step as the last look at the line: nobody may come between and find a writer that has ended.
    this.#writing = undefined
  }

  async #commit(batch: readonly Change[]): Promise<void> {
    const set = this.#usable()
    const { kind } = batch[0] as Change
    this.#changing = true
    try {
      const flags = await set[kind](concat(batch.map(({ keys }) => keys)))
      let place = 0
      for (const { keys, resolve } of batch) {
        const end = place + keys.length / KEY_BYTES
        let changed = 0
        for (; place < end; place++) changed += flags[place] as number
        this.#size += kind === 'insert' ? changed : -changed
        resolve(changed)
      }
    } finally {
      this.#changing = false
    }
  }

  /** Opened anew where that is due. Throws what the opening throws; the next call tries again. */
  #usable(): KeySet {
    if (this.#set && (!this.#stale || this.#changing)) return this.#set
    this.#set?.close()
    this.#set = undefined
    this.#set = this.#openSet()
    this.#stale = false
    return this.#set
  }

  /** A map that is full is no error of the disk. */
  #suspect(cause: unknown): void {
    if (!isMapFull(cause)) this.#stale = true
  }

  #openSet(): KeySet {
    const KeySet = this.#keySet ?? (loadAddon().exports as unknown as { readonly KeySet: KeySetClass }).KeySet
    const set = new KeySet(utf8(this.#folder), this.#options.mapBytes)
    try {
      this.#size = set.count()
      return set
    } catch (error) {
      // A process opens an environment once only.
      set.close()
      throw error
    }
  }

  #look<T>(look: (set: KeySet) => T): T {
    this.#assertOpen()
    try {
      return look(this.#usable())
    } catch (cause) {
      this.#suspect(cause)
      throw this.#error(cause, 'reading')
    }
  }

  #assertOpen(): void {
    if (!this.#open) throw new StorageError('STORAGE_CLOSED', `the paid list ${this.#folder} is not open`)
  }

  #error(cause: unknown, doing: string): StorageError {
    const status = statusOf(cause)
    if (status !== undefined) return errorOfStatus(status, { doing, folder: this.#folder, ...this.#options })
    const message = `${doing} the paid list ${this.#folder} failed: ${messageOf(cause)}`
    return new StorageError('STORAGE_IO', message, { cause })
  }

  #enter(state: DiskState, error?: StorageError): void {
    if (state === this.#state) return
    this.#state = state
    if (error) this.#log.error('the paid list takes no changes', { state, error })
    else this.#log.info('the paid list takes changes again')
  }
}

/** As many changes of one kind, from the front, as one transaction takes. */
function nextBatch(waiting: readonly Change[]): Change[] {
  const batch: Change[] = []
  let bytes = 0
  for (const change of waiting) {
    if (change.kind !== waiting[0]?.kind) break
    bytes += change.keys.length
    if (batch.length > 0 && bytes > PAID_LIST_BATCH * KEY_BYTES) break
    batch.push(change)
  }
  return batch
}

/** The list of the node whose root folder is `root`. The addon is loaded at `start`. */
export function createLmdbPaidList(
  root: string,
  deps: LmdbPaidListDeps = {},
  options?: Partial<PaidListOptions>,
): PaidList {
  return new LmdbPaidList(root, deps, options)
}
