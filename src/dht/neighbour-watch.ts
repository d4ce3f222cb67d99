/**
 * Notices within half a minute that one of our closest is gone (replication.md 30.3 nr 1), where silence in the table
 * takes a quarter of an hour. Any message is a sign of life, so a busy pair sends nothing more. A lost connection alone
 * says nothing. When most vanish together it is our own uplink: then nothing is concluded and nobody is redialled.
 * Pure: the caller gives events and a monotonic clock in milliseconds, and does what `step` says.
 */
import { LruMap, TokenBucket } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'

export interface NeighbourWatchOptions {
  /** Silence after which a neighbour is probed. */
  readonly silenceMs: number
  /** After which a probe, a redial, or a ping by another path counts as unanswered. */
  readonly answerMs: number
  /** Unanswered probes that make a neighbour suspect. */
  readonly misses: number
  /** From the suspicion on. */
  readonly redialsMs: readonly number[]
  readonly redialsPerSecond: number
  /** Fewer suspects than this are never our uplink. */
  readonly uplinkSuspects: number
  /** With most of them suspect, others must be heard for so long before the suspicion is believed. */
  readonly uplinkDoubtMs: number
  /** Peers remembered after they went, for their return. */
  readonly remembered: number
}

export const NEIGHBOUR_WATCH_DEFAULTS: NeighbourWatchOptions = Object.freeze({
  silenceMs: 5_000,
  answerMs: 5_000,
  misses: 2,
  redialsMs: Object.freeze([0, 3_000, 10_000]),
  redialsPerSecond: 3,
  uplinkSuspects: 3, // two of two may die
  uplinkDoubtMs: 30_000, // as long as a loss takes to be sure of
  remembered: 256, // a table's worth; 100 bytes each
})

export type WatchAction =
  /** Send a DHT ping over the connection there is, or a new one. */
  | { readonly kind: 'probe'; readonly peer: PeerId }
  /** Dial the published address. */
  | { readonly kind: 'redial'; readonly peer: PeerId }
  /** Ping through a relay, if there is one. */
  | { readonly kind: 'otherPath'; readonly peer: PeerId }
  /** Take the peer out of the own view and repair; its table entry may stay. */
  | { readonly kind: 'gone'; readonly peer: PeerId }

interface Watched {
  readonly peer: PeerId
  heardAt: number
  /** An unanswered probe, redial or other ping. */
  askedAt: number | undefined
  misses: number
  suspectSince: number | undefined
  /** Redials that were started; one more than there are is the ping by another path. */
  tries: number
  /** Outlived a doubt about our uplink: does not raise it again. */
  believed: boolean
}

export class NeighbourWatch {
  readonly #options: NeighbourWatchOptions
  readonly #watched = new Map<PeerId, Watched>()
  readonly #gone: LruMap<PeerId, true>
  readonly #redials: TokenBucket
  #doubtSince: number | undefined
  #doubtedUntil: number | undefined
  #feelerAt = Number.NEGATIVE_INFINITY
  #heardAt: number

  constructor(options: NeighbourWatchOptions, now: number) {
    this.#options = options
    this.#gone = new LruMap(options.remembered)
    this.#redials = new TokenBucket({ burst: options.redialsPerSecond, perSecond: options.redialsPerSecond, now })
    this.#heardAt = now
  }

  get size(): number {
    return this.#watched.size
  }
  /** Neighbours that owe us an answer or are suspect: whoever drives this looks more often then. */
  get pending(): number {
    let count = 0
    for (const { askedAt, suspectSince } of this.#watched.values())
      if (askedAt !== undefined || suspectSince !== undefined) count++
    return count
  }
  isSuspect(peer: PeerId): boolean {
    return this.#watched.get(peer)?.suspectSince !== undefined
  }
  isGone(peer: PeerId): boolean {
    return this.#gone.has(peer)
  }
  /** Most neighbours are silent at once. */
  get uplinkInDoubt(): boolean {
    return this.#doubtSince !== undefined
  }
  /** The last moment of such a doubt, the present one included; undefined: there was none. */
  uplinkDoubtedAt(now: number): number | undefined {
    return this.#doubtSince === undefined ? this.#doubtedUntil : now
  }

  /** The closest to self now. Newcomers count as heard; those that are gone stay gone until they are heard. */
  watch(neighbours: readonly PeerId[], now: number): void {
    const current = new Set(neighbours)
    for (const peer of this.#watched.keys()) if (!current.has(peer)) this.#watched.delete(peer)
    for (const peer of current) {
      if (this.#watched.has(peer) || this.#gone.has(peer)) continue
      this.#watched.set(peer, fresh(peer, now))
    }
  }

  /** Any message, answer or handshake of the peer. true: it was gone and is to be put back into the own view. */
  heard(peer: PeerId, now: number): boolean {
    if (this.#gone.size > 0 && this.#gone.delete(peer)) {
      this.#heardAt = now
      return true
    }
    const watched = this.#watched.get(peer)
    if (!watched) return false
    this.#heardAt = now
    watched.heardAt = now
    watched.askedAt = undefined
    watched.misses = 0
    watched.suspectSince = undefined
    watched.tries = 0
    watched.believed = false
    return false
  }

  /** A probe, redial or other ping failed before its time was up. */
  failed(peer: PeerId, now: number): void {
    const watched = this.#watched.get(peer)
    if (watched?.askedAt !== undefined) this.#miss(watched, now)
  }

  /** What is to be done now. */
  step(now: number): WatchAction[] {
    let suspects = 0
    for (const watched of this.#watched.values()) {
      if (watched.askedAt !== undefined && now >= watched.askedAt + this.#options.answerMs) this.#miss(watched, now)
      if (watched.suspectSince !== undefined) suspects++
    }
    if (suspects > 0 || this.#doubtSince !== undefined) this.#doubt(now)
    const actions: WatchAction[] = []
    // Only suspects move in the line or leave it.
    for (const watched of suspects > 0 ? [...this.#watched.values()] : this.#watched.values()) {
      const action = watched.suspectSince === undefined ? this.#probe(watched, now) : this.#pursue(watched, now)
      if (action) actions.push(action)
    }
    return actions
  }

  #miss(watched: Watched, now: number): void {
    watched.askedAt = undefined
    if (watched.suspectSince !== undefined) return
    watched.misses++
    if (watched.misses >= this.#options.misses) watched.suspectSince = now
  }

  /** A second probe waits its turn even if the first one failed at once: a lost connection proves nothing. */
  #probe(watched: Watched, now: number): WatchAction | undefined {
    const due = watched.heardAt + this.#options.silenceMs * (watched.misses + 1)
    if (watched.askedAt !== undefined || now < due) return undefined
    watched.askedAt = now
    return { kind: 'probe', peer: watched.peer }
  }

  #pursue(watched: Watched, now: number): WatchAction | undefined {
    const { peer, tries } = watched
    if (watched.askedAt !== undefined) return undefined
    if (this.#doubtSince !== undefined) return this.#feel(watched, now)
    const { redialsMs } = this.#options
    if (tries > redialsMs.length) {
      this.#watched.delete(peer)
      this.#gone.set(peer, true)
      return { kind: 'gone', peer }
    }
    const redial = redialsMs[tries]
    if (redial !== undefined) {
      if (now < (watched.suspectSince as number) + redial || !this.#redials.take(now)) return undefined
    }
    watched.tries++
    watched.askedAt = now
    return { kind: redial === undefined ? 'otherPath' : 'redial', peer }
  }

  /** While the uplink is in doubt one suspect at a time is probed, so that its return is noticed. */
  #feel(watched: Watched, now: number): WatchAction | undefined {
    if (now < this.#feelerAt + this.#options.silenceMs) return undefined
    this.#feelerAt = now
    // To the end of the line.
    this.#watched.delete(watched.peer)
    this.#watched.set(watched.peer, watched)
    watched.askedAt = now
    return { kind: 'probe', peer: watched.peer }
  }

  #doubt(now: number): void {
    const suspects = [...this.#watched.values()].filter(({ suspectSince }) => suspectSince !== undefined)
    const { uplinkSuspects, uplinkDoubtMs, silenceMs, answerMs } = this.#options
    const open = suspects.filter(({ believed }) => !believed)
    const many = open.length >= uplinkSuspects && 2 * suspects.length > this.#watched.size
    if (this.#doubtSince === undefined) {
      if (many) this.#doubtSince = now
      return
    }
    // Silence of all starts the doubt anew: only while others are heard does our uplink work.
    if (now - this.#heardAt > silenceMs + answerMs) this.#doubtSince = now
    if (many && now - this.#doubtSince < uplinkDoubtMs) return
    this.#doubtSince = undefined
    this.#doubtedUntil = now
    for (const suspect of suspects)
      Object.assign(suspect, { suspectSince: now, tries: 0, askedAt: undefined, believed: many })
  }
}

function fresh(peer: PeerId, now: number): Watched {
  return { peer, heardAt: now, askedAt: undefined, misses: 0, suspectSince: undefined, tries: 0, believed: false }
}
