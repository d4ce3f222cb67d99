/** A set of keys on a simulated disk, and what of it would survive a power loss (pure): transactions that were flushed. */
import { type Random, randomBelow } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { Aftermath } from './aftermath.ts'

interface Transaction {
  readonly kind: 'insert' | 'remove'
  /** Those that it changed. */
  readonly keys: readonly ChunkAddress[]
}

/** What a key takes of its page: 32 bytes, its header, its place, and the room that pages in random order leave. */
const BYTES_A_KEY = 64

export class DiskKeys {
  readonly #keys = new Set<ChunkAddress>()
  /** Ascending, until the next change. */
  #sorted: readonly ChunkAddress[] | undefined
  #unflushed: Transaction[] = []
  /** Of the machine, when a process has it open. */
  openInBoot: number | undefined

  get size(): number {
    return this.#keys.size
  }
  /** With `more` keys. */
  bytes(more = 0): number {
    return (this.#keys.size + more) * BYTES_A_KEY
  }
  has(key: ChunkAddress): boolean {
    return this.#keys.has(key)
  }

  /** Greater than `after` (undefined: from the first), at most `limit`. */
  after(after: ChunkAddress | undefined, limit: number): readonly ChunkAddress[] {
    const sorted = (this.#sorted ??= [...this.#keys].sort())
    let [low, high] = [0, after === undefined ? 0 : sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sorted[middle] as ChunkAddress) <= (after as ChunkAddress)) low = middle + 1
      else high = middle
    }
    return sorted.slice(low, low + limit)
  }

  /** Each of the keys must be one that this changes. */
  apply({ kind, keys }: Transaction): void {
    this.#change(kind, keys)
    this.#unflushed.push({ kind, keys })
  }
  sync(): void {
    this.#unflushed = []
  }

  /** Power is lost: of what was not flushed the first transactions may have been kept, each whole. */
  settle(aftermath: Aftermath, random: Random): void {
    const lost = this.#unflushed
    this.#unflushed = []
    if (lost.length === 0 || aftermath === 'everything') return
    const kept = aftermath === 'flushed' ? 0 : randomBelow(random, lost.length + 1)
    for (const { kind, keys } of lost.slice(kept).reverse()) this.#change(kind === 'insert' ? 'remove' : 'insert', keys)
  }

  #change(kind: Transaction['kind'], keys: readonly ChunkAddress[]): void {
    this.#sorted = undefined
    for (const key of keys) {
      if (kind === 'insert') this.#keys.add(key)
      else this.#keys.delete(key)
    }
  }
}
