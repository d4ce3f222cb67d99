/**
 * Which of many sources gives way when a shared table is full: the one that holds most (max-min fairness; Bertsekas
 * and Gallager, Data Networks, 6.5.2). Every held item is charged to one source. All operations O(1). Pure.
 */
import { assert } from '../../base/index.ts'

export interface Charged<Source> {
  /** Who pays for the item; undefined when it is not in the table. */
  payer: Source | undefined
  /** Place among the payer's items. */
  payerIndex: number
}

export class FairShare<Source, T extends Charged<Source>> {
  readonly #held = new Map<Source, T[]>()
  /** Sources by how many items they hold; no empty sets. */
  readonly #byCount = new Map<number, Set<Source>>()
  #most = 0
  #total = 0

  get total(): number {
    return this.#total
  }
  /** Sources that hold something. */
  get sources(): number {
    return this.#held.size
  }
  held(source: Source): number {
    return this.#held.get(source)?.length ?? 0
  }
  /** Some source that holds most. */
  largest(): Source | undefined {
    return this.#byCount.get(this.#most)?.values().next().value
  }
  /** The item that a source added or was charged with last. */
  newest(source: Source): T | undefined {
    return this.#held.get(source)?.at(-1)
  }

  add(item: T, source: Source): void {
    assert(item.payer === undefined, 'an item is charged once')
    const items = this.#held.get(source) ?? []
    if (items.length === 0) this.#held.set(source, items)
    item.payer = source
    item.payerIndex = items.length
    items.push(item)
    this.#move(source, items.length - 1, items.length)
    this.#total++
  }

  remove(item: T): void {
    const source = item.payer
    if (source === undefined) return
    const items = this.#held.get(source) as T[]
    const last = items.pop() as T
    if (last !== item) {
      items[item.payerIndex] = last
      last.payerIndex = item.payerIndex
    }
    item.payer = undefined
    if (items.length === 0) this.#held.delete(source)
    this.#move(source, items.length + 1, items.length)
    this.#total--
  }

  #move(source: Source, from: number, to: number): void {
    const old = this.#byCount.get(from)
    old?.delete(source)
    if (old?.size === 0) this.#byCount.delete(from)
    if (to > 0) {
      const set = this.#byCount.get(to)
      if (set) set.add(source)
      else this.#byCount.set(to, new Set([source]))
    }
    if (to > this.#most) this.#most = to
    else if (from === this.#most && !this.#byCount.has(from)) this.#most = to
  }
}
