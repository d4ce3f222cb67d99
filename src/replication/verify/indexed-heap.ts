/**
 * A binary heap whose items know their place, so that any of them can leave in O(log n): tables that shrink by many
 * ways keep no dead entries. Pure.
 */
import { assert } from '../../base/index.ts'

/** The place of an item in one heap: -1 when it is in none. One field for each heap an item may be in. */
export type Placed<Field extends string> = { [Name in Field]: number }

export class IndexedHeap<Field extends string, T extends Placed<Field>> {
  readonly #field: Field
  readonly #before: (a: T, b: T) => boolean
  readonly #items: T[] = []

  constructor(field: Field, before: (a: T, b: T) => boolean) {
    this.#field = field
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }
  peek(): T | undefined {
    return this.#items[0]
  }
  has(item: T): boolean {
    return item[this.#field] >= 0
  }

  push(item: T): void {
    assert(!this.has(item), 'an item is in a heap once')
    this.#items.push(item)
    this.#rise(this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first) this.delete(first)
    return first
  }

  /** false when it was not in. */
  delete(item: T): boolean {
    const index = item[this.#field] as number
    if (index < 0) return false
    item[this.#field] = -1 as T[Field]
    const last = this.#items.pop() as T
    if (last !== item) {
      this.#place(last, index)
      this.#rise(index)
      this.#sink(last[this.#field])
    }
    return true
  }

  #place(item: T, index: number): void {
    this.#items[index] = item
    item[this.#field] = index as T[Field]
  }

  #rise(index: number): void {
    const item = this.#items[index] as T
    while (index > 0) {
      const parent = (index - 1) >>> 1
      const above = this.#items[parent] as T
      if (!this.#before(item, above)) break
      this.#place(above, index)
      index = parent
    }
    this.#place(item, index)
  }

  #sink(index: number): void {
    const item = this.#items[index] as T
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#items.length) break
      if (child + 1 < this.#items.length && this.#before(this.#items[child + 1] as T, this.#items[child] as T)) child++
      const below = this.#items[child] as T
      if (!this.#before(below, item)) break
      this.#place(below, index)
      index = child
    }
    this.#place(item, index)
  }
}
