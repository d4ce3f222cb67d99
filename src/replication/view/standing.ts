/**
 * How many members of a view are nearer to a key than one peer, for many keys. The members that share fewer bits with
 * the peer stand in subtrees beside its path; those of a subtree are nearer to a key, all of them, if and only if the
 * key is on their side of the bit where it leaves the path. So a rank is a sum over some log2 members. Pure.
 */
import { keyOf, type PeerId } from '../../protocol/index.ts'
import { bitOf } from './key-bytes.ts'

/** Of a view: sorted by key. */
export interface Members {
  readonly peers: readonly PeerId[]
  /** First index of [low, high) whose bit is set; all of the range agree in the bits before. */
  split(low: number, high: number, bit: number): number
}

export class Standing {
  /** Bits at which members leave the path, what the peer has there, and how many leave. */
  readonly #bits: number[] = []
  readonly #own: (0 | 1)[] = []
  readonly #leaving: number[] = []

  /** The peer need not be a member. */
  constructor(members: Members, peer: PeerId) {
    const own = keyOf(peer)
    let [low, high] = [0, members.peers.length]
    for (let bit = 0; bit < own.length * 8 && high > low; bit++) {
      if (high - low === 1 && members.peers[low] === peer) return
      const middle = members.split(low, high, bit)
      const side = bitOf(own, bit)
      const leaving = side === 1 ? middle - low : high - middle
      if (side === 1) low = middle
      else high = middle
      if (leaving === 0) continue
      this.#bits.push(bit)
      this.#own.push(side)
      this.#leaving.push(leaving)
    }
  }

  /** 0 for the nearest of all. The key stands at `offset`. */
  rank(key: Uint8Array, offset = 0): number {
    let nearer = 0
    for (let i = 0; i < this.#bits.length; i++) {
      if (bitOf(key, this.#bits[i] as number, offset) !== this.#own[i]) nearer += this.#leaving[i] as number
    }
    return nearer
  }
}
