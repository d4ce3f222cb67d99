/** What the store believes to hold (pure): names it trusts, in order, and names it has reason to doubt. */
import type { ChunkAddress } from '../protocol/index.ts'
import { AddressIndex } from './address-index.ts'

/** `bytes`: a read failed or gave wrong bytes. `name`: a power loss may undo the last write. One may have both. */
export type Doubt = 'bytes' | 'name'

export class HeldChunks {
  readonly #trusted = new AddressIndex()
  /** Not listed and not counted, but still there. */
  readonly #doubtful: Readonly<Record<Doubt, Set<ChunkAddress>>> = { bytes: new Set(), name: new Set() }

  /** Trusted ones. */
  get size(): number {
    return this.#trusted.size
  }

  /** Replaces everything. */
  fill(trusted: Iterable<ChunkAddress>, namesInDoubt: Iterable<ChunkAddress> = []): void {
    this.#trusted.fill(trusted)
    this.#doubtful.bytes.clear()
    this.#doubtful.name.clear()
    for (const address of namesInDoubt) this.#doubtful.name.add(address)
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
  doubts(address: ChunkAddress): boolean {
    return this.#doubtful.bytes.has(address) || this.#doubtful.name.has(address)
  }
  /** As of now, in no order. */
  namesInDoubt(): ChunkAddress[] {
    return [...this.#doubtful.name]
  }
  /** Trusted or doubtful. */
  holds(address: ChunkAddress): boolean {
    return this.#trusted.has(address) || this.doubts(address)
  }

  /** It is there, right and durable. */
  trust(address: ChunkAddress): void {
    this.#doubtful.bytes.delete(address)
    this.#doubtful.name.delete(address)
    this.#trusted.add(address)
  }
  doubt(address: ChunkAddress, doubt: Doubt): void {
    this.#trusted.delete(address)
    this.#doubtful[doubt].add(address)
  }
  /** This doubt is gone, if it was there; without another one it is trusted. */
  settle(address: ChunkAddress, doubt: Doubt): void {
    if (this.#doubtful[doubt].delete(address) && !this.doubts(address)) this.#trusted.add(address)
  }
  forget(address: ChunkAddress): void {
    this.#trusted.delete(address)
    this.#doubtful.bytes.delete(address)
    this.#doubtful.name.delete(address)
  }
}
