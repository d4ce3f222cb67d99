/** Paid addresses in memory: for tests and simulated nodes. Same contract, no durability. */
import type { ChunkAddress } from '../protocol/index.ts'
import { AddressIndex } from './address-index.ts'
import type { DiskState } from './disk-state.ts'
import { StorageError } from './errors.ts'
import { PAID_LIST_BATCH, type PaidList } from './paid-list.ts'

class MemoryPaidList implements PaidList {
  readonly #index = new AddressIndex()
  readonly #maxAddresses: number
  #open = false
  state: DiskState = 'writable'

  constructor(maxAddresses: number) {
    this.#maxAddresses = maxAddresses
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#open = true
  }
  /** The addresses stay: a later start finds them, as on a disk. */
  async stop(): Promise<void> {
    this.#open = false
  }

  get size(): number {
    return this.#index.size
  }
  has(address: ChunkAddress): boolean {
    this.#assertOpen()
    return this.#index.has(address)
  }

  async insert(address: ChunkAddress): Promise<boolean> {
    this.#assertOpen()
    if (this.#index.has(address)) return false
    if (this.#index.size >= this.#maxAddresses) {
      this.state = 'full'
      throw new StorageError('STORAGE_FULL', `the paid list is full: it holds ${this.#index.size} addresses`)
    }
    this.state = 'writable'
    return this.#index.add(address)
  }

  async removeBatch(addresses: readonly ChunkAddress[]): Promise<number> {
    this.#assertOpen()
    let removed = 0
    for (const address of addresses) if (this.#index.delete(address)) removed++
    if (removed > 0) this.state = 'writable'
    return removed
  }

  page(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    this.#assertOpen()
    return this.#index.after(after, Math.min(limit, PAID_LIST_BATCH))
  }

  #assertOpen(): void {
    if (!this.#open) throw new StorageError('STORAGE_CLOSED', 'the paid list is not open')
  }
}

/** Nothing survives the process. `maxAddresses` bounds it as a map of a size bounds the real one. */
export function createMemoryPaidList(options: { readonly maxAddresses?: number } = {}): PaidList {
  return new MemoryPaidList(options.maxAddresses ?? Number.MAX_SAFE_INTEGER)
}
