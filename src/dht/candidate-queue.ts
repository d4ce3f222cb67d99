/** Peers heard of and not yet asked, nearest first, bounded: a nearer one evicts the farthest. Pure. */
import { compareDistance, type Key, type PeerId } from '../protocol/index.ts'
import { insertionPoint } from './close-group.ts'

export interface Candidate {
  readonly peer: PeerId
  readonly key: Key
}

export class CandidateQueue<C extends Candidate> {
  readonly #target: Key
  readonly #limit: number
  readonly #sorted: C[] = []
  readonly #peers = new Set<PeerId>()

  constructor(target: Key, limit: number) {
    this.#target = target
    this.#limit = limit
  }

  get size(): number {
    return this.#sorted.length
  }
  get sorted(): readonly C[] {
    return this.#sorted
  }
  get nearest(): C | undefined {
    return this.#sorted[0]
  }
  has(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  /** Queues or replaces; the result names who had to leave, which may be the newcomer itself. */
  push(candidate: C): C | undefined {
    if (this.#peers.has(candidate.peer)) {
      const index = this.#sorted.findIndex(({ peer }) => peer === candidate.peer)
      this.#sorted[index] = candidate
      return undefined
    }
    const farthest = this.#sorted[this.#sorted.length - 1]
    let evicted: C | undefined
    if (farthest && this.#sorted.length >= this.#limit) {
      if (compareDistance(this.#target, candidate.key, farthest.key) >= 0) return candidate
      evicted = this.#sorted.pop() as C
      this.#peers.delete(evicted.peer)
    }
    this.#sorted.splice(insertionPoint(this.#target, this.#sorted, candidate.key), 0, candidate)
    this.#peers.add(candidate.peer)
    return evicted
  }

  pop(): C | undefined {
    const first = this.#sorted.shift()
    if (first) this.#peers.delete(first.peer)
    return first
  }
}
