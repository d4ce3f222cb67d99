/** What the store believes to hold (pure): names it trusts, in order, and names it has reason to doubt. */
import type { ChunkAddress } from '../protocol/index.ts'
import { AddressIndex } from './address-index.ts'

/** `bytes`: a read failed or gave wrong bytes. `name`: a power loss may undo the last write. */
export type Doubt = 'bytes' | 'name'

export class HeldChunks {
  readonly #trusted = new AddressIndex()
  /** Not listed and not counted, but still there. */
  readonly #doubtful = new Map<ChunkAddress, Doubt>()

  /** Trusted ones. */
  get size(): number {
    return this.#trusted.size
  }

  fill(addresses: Iterable<ChunkAddress>): void {
    this.#trusted.fill(addresses)
    this.#doubtful.clear()
  }
  keys(): IterableIterator<ChunkAddress> {
    return this.#trusted.keys()
  }
  after(after: ChunkAddress | undefined, limit: number): ChunkAddress[] {
    return this.#trusted.after(after, limit)
  }
  trusts(address: ChunkAddress): boolean {
    return this.#trusted.has(address)
  }
  doubtOf(address: ChunkAddress): Doubt | undefined {
    return this.#doubtful.get(address)
  }
  /** Trusted or doubtful. */
  holds(address: ChunkAddress): boolean {
    return this.#trusted.has(address) || this.#doubtful.has(address)
  }

  /** It is there, right and durable. */
  trust(address: ChunkAddress): void {
    this.#doubtful.delete(address)
    this.#trusted.add(address)
  }
  doubt(address: ChunkAddress, doubt: Doubt): void {
    this.#trusted.delete(address)
    // Only a flush settles a doubtful name, whatever else is found out meanwhile.
    if (this.#doubtful.get(address) !== 'name') this.#doubtful.set(address, doubt)
  }
  forget(address: ChunkAddress): void {
    this.#trusted.delete(address)
    this.#doubtful.delete(address)
  }
}
