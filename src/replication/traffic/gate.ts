/** At most so many requests of a kind at once, and so many of one peer; the rest is dropped, as everywhere (pure). */
import type { PeerId } from '../../protocol/index.ts'

export class Gate {
  readonly #total: number
  readonly #perPeer: number
  readonly #peers = new Map<PeerId, number>()
  #held = 0

  constructor(total: number, perPeer: number) {
    this.#total = total
    this.#perPeer = perPeer
  }

  /** A place to give back, or undefined when there is none. */
  enter(peer: PeerId): (() => void) | undefined {
    const own = this.#peers.get(peer) ?? 0
    if (this.#held >= this.#total || own >= this.#perPeer) return undefined
    this.#held++
    this.#peers.set(peer, own + 1)
    return () => {
      this.#held--
      const left = (this.#peers.get(peer) ?? 1) - 1
      if (left === 0) this.#peers.delete(peer)
      else this.#peers.set(peer, left)
    }
  }
}
