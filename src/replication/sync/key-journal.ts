/** The keys that came last, in their order: what is new for a peer that was told earlier. Bounded. Pure. */
import type { ChunkAddress } from '../../protocol/index.ts'

/** With more than these since a peer was told, it is told all: some 2 MB. */
const MAX_KEYS = 16_384

export class KeyJournal {
  #keys: ChunkAddress[] = []
  /** Place of the first key that is still here. */
  #first = 0

  /** The place of the next key. */
  get place(): number {
    return this.#first + this.#keys.length
  }
  add(key: ChunkAddress): void {
    this.#keys.push(key)
    if (this.#keys.length >= 2 * MAX_KEYS) this.#drop(MAX_KEYS)
  }
  /** Keys from a place on, the oldest first; undefined when some of them are forgotten. */
  since(place: number): readonly ChunkAddress[] | undefined {
    return place < this.#first || this.place - place > MAX_KEYS ? undefined : this.#keys.slice(place - this.#first)
  }
  /** Nobody was told anything yet. */
  clear(): void {
    this.#drop(this.#keys.length)
  }

  #drop(count: number): void {
    this.#keys = this.#keys.slice(count)
    this.#first += count
  }
}
