/** The peers nearest to a key out of thousands, for as many keys (XOR distance). Pure. */
import { compareDistance, type Key, keyOf, type PeerId } from '../protocol/index.ts'

interface Entry<T> {
  readonly item: T
  readonly key: Key
  /** Leading 32 bits: they nearly always decide. */
  readonly head: number
}

export class Nearest<T extends { readonly peerId: PeerId }> {
  readonly #entries: readonly Entry<T>[]

  constructor(items: readonly T[]) {
    this.#entries = items.map((item) => ({ item, key: keyOf(item.peerId), head: headOf(item.peerId) }))
  }

  /** Nearest first; `address` is 64 hex digits. */
  of(address: string, count: number): T[] {
    const head = headOf(address)
    const far: number[] = []
    const best: Entry<T>[] = []
    for (const entry of this.#entries) {
      const distance = (entry.head ^ head) >>> 0
      if (best.length === count && distance > (far.at(-1) as number)) continue
      let place = best.length
      while (
        place > 0 &&
        this.#isNearer(entry, distance, best[place - 1] as Entry<T>, far[place - 1] as number, address)
      )
        place--
      best.splice(place, 0, entry)
      far.splice(place, 0, distance)
      if (best.length > count) {
        best.pop()
        far.pop()
      }
    }
    return best.map(({ item }) => item)
  }

  #isNearer(a: Entry<T>, aFar: number, b: Entry<T>, bFar: number, address: string): boolean {
    return aFar === bFar ? compareDistance(keyOf(address as PeerId), a.key, b.key) < 0 : aFar < bFar
  }
}

function headOf(hex: string): number {
  return Number.parseInt(hex.slice(0, 8), 16)
}
