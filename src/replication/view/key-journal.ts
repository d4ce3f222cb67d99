/** The keys that came last, in their order: what is new for a peer that was told earlier. Bounded. Pure. */
import { KEY_BYTES } from '../../protocol/index.ts'

/** With more than these since a peer was told, it is told all. */
const MAX_KEYS = 16_384
const FIRST_KEYS = 64

/** Keys that stand one after the other; good until the next key comes. */
export interface KeyRun {
  readonly bytes: Uint8Array
  readonly count: number
}

export class KeyJournal {
  #bytes = new Uint8Array(0)
  #count = 0
  /** Place of the first key that is still here. */
  #first = 0

  /** The place of the next key. */
  get place(): number {
    return this.#first + this.#count
  }
  add(key: Uint8Array): void {
    if (this.#count === 2 * MAX_KEYS) this.#drop(MAX_KEYS)
    if ((this.#count + 1) * KEY_BYTES > this.#bytes.length) this.#grow()
    this.#bytes.set(key, this.#count++ * KEY_BYTES)
  }
  /** Keys from a place on, the oldest first; undefined when some of them are forgotten. */
  since(place: number): KeyRun | undefined {
    const count = this.place - place
    if (place < this.#first || count > MAX_KEYS) return undefined
    const from = this.#count - count
    return { bytes: this.#bytes.subarray(from * KEY_BYTES, this.#count * KEY_BYTES), count }
  }
  /** Nobody was told anything yet. */
  clear(): void {
    this.#first += this.#count
    this.#count = 0
    this.#bytes = new Uint8Array(0)
  }

  #drop(count: number): void {
    this.#bytes.copyWithin(0, count * KEY_BYTES, this.#count * KEY_BYTES)
    this.#first += count
    this.#count -= count
  }
  #grow(): void {
    const wider = new Uint8Array(Math.max(FIRST_KEYS * KEY_BYTES, this.#bytes.length * 2))
    wider.set(this.#bytes)
    this.#bytes = wider
  }
}
