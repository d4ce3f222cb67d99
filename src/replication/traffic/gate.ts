/** At most so many requests of a kind at once, and so many of one peer; the rest is dropped, as everywhere (pure). */
import type { PeerId } from '../../protocol/index.ts'

/** No peer has this id. */
const STRANGERS = 'strangers' as PeerId

export interface Door {
  /** A place to give back, or undefined when there is none. */
  enter(peer: PeerId): (() => void) | undefined
}

export class Gate implements Door {
  readonly #total: number
  readonly #perPeer: number | 'asLeft'
  readonly #peers = new Map<PeerId, number>()
  #held = 0

  /**
   * `asLeft`: a peer may hold as many as are free (dynamic thresholds; Choudhury and Hahne, 1998). Alone it gets half of
   * them; as places come back, k greedy peers leave one part of k + 1 to whoever comes next.
   */
  constructor(total: number, perPeer: number | 'asLeft') {
    this.#total = total
    this.#perPeer = perPeer
  }

  enter(peer: PeerId): (() => void) | undefined {
    const own = this.#peers.get(peer) ?? 0
    const free = this.#total - this.#held
    if (free <= 0 || own >= (this.#perPeer === 'asLeft' ? free : this.#perPeer)) return undefined
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

/** Places of which everybody may hold as many as are free; all strangers count as one. */
export function sharedGate(total: number, known: (peer: PeerId) => boolean): Door {
  const gate = new Gate(total, 'asLeft')
  return { enter: (peer) => gate.enter(known(peer) ? peer : STRANGERS) }
}
