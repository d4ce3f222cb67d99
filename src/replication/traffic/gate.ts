/** At most so many requests of a kind at once, and so many of one peer; the rest is dropped, as everywhere (pure). */
import type { PeerId } from '../../protocol/index.ts'

export interface Door {
  /** A place to give back, or undefined when there is none. */
  enter(peer: PeerId): (() => void) | undefined
}

export class Gate implements Door {
  readonly #total: number
  readonly #perPeer: number
  readonly #peers = new Map<PeerId, number>()
  #held = 0

  constructor(total: number, perPeer: number) {
    this.#total = total
    this.#perPeer = perPeer
  }

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

/** Counts strangers only: the places that it does not have are left to those who are known. */
export function forStrangers(gate: Door, known: (peer: PeerId) => boolean): Door {
  return { enter: (peer) => (known(peer) ? () => undefined : gate.enter(peer)) }
}
