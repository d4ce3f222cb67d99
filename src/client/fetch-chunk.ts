/**
 * Reading one chunk as a state machine (pure): candidates, answers and time in, peers to ask out (client.md 11).
 * GETs begin while the lookup runs: next is a random one of the 7 nearest candidates so far, when those are asked the
 * nearest unasked. One GET at a time, a second as a hedge when the first is slow. One machine is one sweep.
 */
import { type Random, randomBelow, shuffled } from '../base/index.ts'
import { CLOSE_GROUP_SIZE, compareDistance, type Key, keyOf, type PeerId, PUT_ACKS } from '../protocol/index.ts'

export interface FetchOptions {
  readonly hedgeAfterMs: number
  readonly getsInFlight: number
  readonly earlyGets: number
  readonly earlyGetsMax: number
  readonly alternates: number
}

/** 0: connected, 1: may be reachable, 2: kept others waiting; asked last. */
export type PeerRank = 0 | 1 | 2

export interface FetchDeps {
  readonly random: Random
  readonly rankOf: (peer: PeerId) => PeerRank
}

/** failed: no connection, no answer, or an answer that makes no sense. */
export type FetchReply = 'notFound' | 'corrupt' | 'failed'

export interface FetchCounts {
  readonly asked: number
  readonly notFound: number
  readonly corrupt: number
  readonly failed: number
}

export interface FetchStep {
  readonly ask: readonly PeerId[]
  /** Peers whose silence made a hedge necessary in this step. */
  readonly slow: readonly PeerId[]
  /** Call `step` again at this time even if nothing happened. */
  readonly wakeAt: number | undefined
  /** Set when nobody is left to ask and nothing is awaited. */
  readonly end: 'notFound' | 'inconclusive' | undefined
}

const MAX_KNOWN = 200

export class FetchChunk {
  readonly #target: Key
  readonly #options: FetchOptions
  readonly #deps: FetchDeps
  readonly #excluded: ReadonlySet<PeerId>
  /** Nearest first. */
  #known: { readonly peer: PeerId; readonly key: Key }[] = []
  readonly #asked = new Map<PeerId, 'waiting' | FetchReply>()
  readonly #inFlight = new Set<PeerId>()
  #lookup: { closest: ReadonlySet<PeerId>; order: readonly PeerId[] } | undefined
  #lastAskAt = 0

  /** `excluded`: peers that sent wrong bytes in an earlier sweep. */
  constructor(target: Key, deps: FetchDeps, options: FetchOptions, excluded: ReadonlySet<PeerId> = new Set()) {
    this.#target = target
    this.#deps = deps
    this.#options = options
    this.#excluded = excluded
  }

  onCandidates(peers: readonly PeerId[]): void {
    const have = new Set(this.#known.map(({ peer }) => peer))
    const fresh = [...new Set(peers)].filter((peer) => !have.has(peer) && !this.#excluded.has(peer))
    if (fresh.length === 0) return
    this.#known = [...this.#known, ...fresh.map((peer) => ({ peer, key: keyOf(peer) }))]
      .sort((a, b) => compareDistance(this.#target, a.key, b.key))
      .slice(0, MAX_KNOWN)
  }

  /** `closest`: the peers that the lookup met, nearest first; empty when it failed. */
  onLookupEnd(closest: readonly PeerId[]): void {
    if (this.#lookup) return
    const wanted = closest.filter((peer) => !this.#excluded.has(peer))
    const near = shuffled(this.#deps.random, wanted.slice(0, CLOSE_GROUP_SIZE))
    const met = new Set(wanted)
    const others = this.#known.map(({ peer }) => peer).filter((peer) => !met.has(peer))
    this.#lookup = {
      closest: met,
      order: [...near, ...wanted.slice(CLOSE_GROUP_SIZE), ...others.slice(0, this.#options.alternates)],
    }
  }

  onReply(peer: PeerId, reply: FetchReply): void {
    if (this.#inFlight.delete(peer)) this.#asked.set(peer, reply)
  }

  counts(): FetchCounts {
    const count = (state: FetchReply) => [...this.#asked.values()].filter((value) => value === state).length
    return {
      asked: this.#asked.size,
      notFound: count('notFound'),
      corrupt: count('corrupt'),
      failed: count('failed'),
    }
  }

  step(now: number): FetchStep {
    const ask: PeerId[] = []
    const slow: PeerId[] = []
    const hedgeAt = this.#lastAskAt + this.#options.hedgeAfterMs
    const free = this.#inFlight.size === 0
    if (free || (this.#inFlight.size < this.#options.getsInFlight && now >= hedgeAt)) {
      const next = this.#lookup ? this.#nextLate(this.#lookup.order) : this.#nextEarly()
      if (next !== undefined) {
        if (!free) slow.push(...this.#inFlight)
        this.#inFlight.add(next)
        this.#asked.set(next, 'waiting')
        this.#lastAskAt = now
        ask.push(next)
      }
    }
    const mayHedge = this.#inFlight.size > 0 && this.#inFlight.size < this.#options.getsInFlight
    const wake = this.#lastAskAt + this.#options.hedgeAfterMs
    return { ask, slow, wakeAt: mayHedge && wake > now ? wake : undefined, end: this.#end() }
  }

  #nextEarly(): PeerId | undefined {
    const asked = this.#asked.size
    if (asked >= this.#options.earlyGetsMax) return undefined
    const isOpen = ({ peer }: { peer: PeerId }) => !this.#asked.has(peer)
    const near = this.#known.slice(0, CLOSE_GROUP_SIZE).filter(isOpen)
    const far = this.#known.slice(CLOSE_GROUP_SIZE).filter(isOpen)
    const rank = (entry: { peer: PeerId }) => this.#deps.rankOf(entry.peer)
    const usable = near.filter((entry) => rank(entry) < 2)
    const next =
      this.#randomOfBest(usable) ??
      far.find((entry) => rank(entry) < 2)?.peer ??
      this.#randomOfBest(near) ??
      far[0]?.peer
    if (next === undefined || asked < this.#options.earlyGets) return next
    return this.#askedNearerThan(next) < CLOSE_GROUP_SIZE ? next : undefined
  }

  #randomOfBest(entries: readonly { readonly peer: PeerId }[]): PeerId | undefined {
    if (entries.length === 0) return undefined
    const best = Math.min(...entries.map(({ peer }) => this.#deps.rankOf(peer)))
    const pool = entries.filter(({ peer }) => this.#deps.rankOf(peer) === best)
    return pool[randomBelow(this.#deps.random, pool.length)]?.peer
  }

  #askedNearerThan(peer: PeerId): number {
    const index = this.#known.findIndex((entry) => entry.peer === peer)
    return this.#known.slice(0, index).filter((entry) => this.#asked.has(entry.peer)).length
  }

  #nextLate(order: readonly PeerId[]): PeerId | undefined {
    const open = order.filter((peer) => !this.#asked.has(peer))
    return open.find((peer) => this.#deps.rankOf(peer) < 2) ?? open[0]
  }

  #end(): FetchStep['end'] {
    if (!this.#lookup || this.#inFlight.size > 0) return undefined
    if (this.#lookup.order.some((peer) => !this.#asked.has(peer))) return undefined
    const { notFound, corrupt } = this.counts()
    // Who confirmed its put may all be among the silent: gone for the moment, and the chunk with them.
    const near = this.#known.slice(0, CLOSE_GROUP_SIZE)
    const away = near.filter(({ peer }) => this.#asked.get(peer) === 'failed').length
    // Fewer that are silent and were not met by the lookup either are gone; who was met must have said so itself.
    const alive = this.#lookup.closest
    const unsaid = [...this.#asked].some(
      ([peer, state]) => state !== 'notFound' && (alive.size === 0 || alive.has(peer)),
    )
    const enough = notFound >= Math.min(PUT_ACKS, alive.size === 0 ? PUT_ACKS : alive.size)
    return enough && notFound > 0 && corrupt === 0 && !unsaid && away < PUT_ACKS ? 'notFound' : 'inconclusive'
  }
}
