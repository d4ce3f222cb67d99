/**
 * The `width` closest members of a view for all keys of one region of the XOR space (keys that share a prefix): who is
 * in the group of every such key, and the one subtree of members of which only some are. A bit more of prefix halves
 * that subtree; when none is open, all keys of the region have the same group. Immutable and pure.
 */
import type { PeerId } from '../../protocol/index.ts'
import type { OwnView } from './own-view.ts'

export class Narrowing {
  readonly view: OwnView
  /** Ranges of member indexes that are in the group of every key. */
  readonly #certain: readonly (readonly [low: number, high: number])[]
  /** Of the open range [low, high) each key has `need` members in its group. */
  readonly #low: number
  readonly #high: number
  readonly #need: number

  private constructor(view: OwnView, certain: Narrowing['certain'], low: number, high: number, need: number) {
    this.view = view
    const all = high - low <= need
    this.#certain = all && high > low ? [...certain, [low, high]] : certain
    this.#low = all ? high : low
    this.#high = high
    this.#need = all ? 0 : need
  }

  /** Of the whole space. */
  static of(view: OwnView, width: number): Narrowing {
    return new Narrowing(view, [], 0, view.size, width)
  }

  get certain(): readonly (readonly [low: number, high: number])[] {
    return this.#certain
  }
  /** All keys of the region have the same group. */
  get decided(): boolean {
    return this.#need === 0
  }

  /** For the half of the region whose bit is `value`; `bit` is the length of the region's prefix. */
  half(bit: number, value: 0 | 1): Narrowing {
    if (this.decided) return this
    const middle = this.view.split(this.#low, this.#high, bit)
    const [near, nearEnd] = value === 1 ? [middle, this.#high] : [this.#low, middle]
    const [far, farEnd] = value === 1 ? [this.#low, middle] : [middle, this.#high]
    if (nearEnd - near > this.#need) return new Narrowing(this.view, this.#certain, near, nearEnd, this.#need)
    const certain: Narrowing['certain'] = nearEnd > near ? [...this.#certain, [near, nearEnd]] : this.#certain
    const need = this.#need - (nearEnd - near)
    return need === 0
      ? new Narrowing(this.view, certain, far, far, 0)
      : new Narrowing(this.view, certain, far, farEnd, need)
  }

  /** In the group of every key, of some, or of none. */
  holds(index: number): 'all' | 'some' | 'none' {
    if (this.#certain.some(([low, high]) => index >= low && index < high)) return 'all'
    return index >= this.#low && index < this.#high && !this.decided ? 'some' : 'none'
  }

  /** Marked members that may be in a group: `marks[i]` counts those before index i. */
  marked(marks: Int32Array): boolean {
    const within = (low: number, high: number) => (marks[high] as number) > (marks[low] as number)
    if (!this.decided && within(this.#low, this.#high)) return true
    return this.#certain.some(([low, high]) => within(low, high))
  }

  /** The group of a decided region, nearest subtree first. */
  members(): PeerId[] {
    return this.#certain.flatMap(([low, high]) => this.view.peers.slice(low, high))
  }
}
