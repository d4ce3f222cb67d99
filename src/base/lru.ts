/** A map that never holds more than `limit` entries; the least recently used one leaves. */
export class LruMap<K, V> {
  readonly #limit: number
  readonly #map = new Map<K, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#map.size
  }
  has(key: K): boolean {
    return this.#map.has(key)
  }
  /** Reads and marks as used. */
  get(key: K): V | undefined {
    const value = this.#map.get(key)
    if (value === undefined) return undefined
    this.#map.delete(key)
    this.#map.set(key, value)
    return value
  }
  set(key: K, value: V): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    if (this.#map.size > this.#limit) this.#map.delete(this.#map.keys().next().value as K)
  }
  delete(key: K): boolean {
    return this.#map.delete(key)
  }
  clear(): void {
    this.#map.clear()
  }
  entries(): IterableIterator<[K, V]> {
    return this.#map.entries()
  }
}
