/**
 * The own view of replication.md 1: the own routing table with self in it, as it was at one moment. Immutable and
 * pure. Members stand sorted by key, so that a subtree of the XOR space is a range and the nearest of a key are found
 * by halving ranges: O(count + log members), with no distance computed.
 */
import { compare } from '../../base/index.ts'
import { KEY_BYTES, keyOf, type PeerId } from '../../protocol/index.ts'
import { bitOf } from './key-bytes.ts'
import { type Members, Standing } from './standing.ts'

export class OwnView implements Members {
  readonly self: PeerId
  /** Ascending by key. */
  readonly peers: readonly PeerId[]
  readonly #keys: Uint8Array
  #own: Standing | undefined

  /** Peers in any order; self need not be among them. */
  constructor(self: PeerId, others: Iterable<PeerId>) {
    this.self = self
    const members = [...new Set(others).add(self)].map((peer) => ({ peer, key: keyOf(peer) }))
    members.sort((a, b) => compare(a.key, b.key))
    this.peers = members.map(({ peer }) => peer)
    this.#keys = new Uint8Array(members.length * KEY_BYTES)
    for (const [index, { key }] of members.entries()) this.#keys.set(key, index * KEY_BYTES)
  }

  get size(): number {
    return this.peers.length
  }
  has(peer: PeerId): boolean {
    return this.indexOf(peer) >= 0
  }
  /** Place in `peers`; -1 for a stranger. */
  indexOf(peer: PeerId): number {
    let [low, high] = [0, this.size]
    // The order of the digits is that of the bytes.
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.peers[middle] as PeerId) < peer) low = middle + 1
      else high = middle
    }
    return this.peers[low] === peer ? low : -1
  }

  /** First index of [low, high) whose bit is set; all of the range agree in the bits before. */
  split(low: number, high: number, bit: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1
      if (bitOf(this.#keys, bit, middle * KEY_BYTES) === 1) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The `count` nearest members, nearest first. */
  closest(key: Uint8Array, count: number): PeerId[] {
    const nearest: PeerId[] = []
    this.#collect(key, count, 0, this.size, 0, nearest)
    return nearest
  }

  /** Members nearer to the key than `peer`, who need not be a member. Of another than self, for many keys: `standing`. */
  rank(key: Uint8Array, peer: PeerId): number {
    return (peer === this.self ? this.#ownStanding : this.standing(peer)).rank(key)
  }
  standing(peer: PeerId): Standing {
    return new Standing(this, peer)
  }

  get #ownStanding(): Standing {
    return (this.#own ??= this.standing(this.self))
  }

  #collect(key: Uint8Array, count: number, low: number, high: number, bit: number, into: PeerId[]): void {
    if (low >= high || into.length >= count) return
    if (high - low === 1) {
      into.push(this.peers[low] as PeerId)
      return
    }
    const middle = this.split(low, high, bit)
    const one = bitOf(key, bit) === 1
    this.#collect(key, count, one ? middle : low, one ? high : middle, bit + 1, into)
    this.#collect(key, count, one ? low : middle, one ? middle : high, bit + 1, into)
  }
}
