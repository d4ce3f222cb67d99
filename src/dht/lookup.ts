/**
 * The iterative lookup as a state machine (dht.md 8): answers and time in, queries out. Rounds of alpha; a round ends
 * when all answered or 5 s after its first answer, or when all are silent for too long; the walk ends when the k nearest
 * answered peers stay the same and nobody nearer is left to ask. Pure: `now` is monotonic milliseconds.
 */
import { compareDistance, type Key, type PeerId, type TypedAddress } from '../protocol/index.ts'
import { CandidateQueue } from './candidate-queue.ts'
import { closest } from './close-group.ts'
import type { LookupEnd } from './dht.ts'
import { type AddressReport, reportWinner } from './report-winner.ts'

export interface LookupPeer {
  readonly peer: PeerId
  readonly key: Key
  readonly addresses: readonly TypedAddress[]
}

/** One line of an answer: a peer, its addresses, and how far they speak for it. */
export interface LookupEntry extends LookupPeer {
  readonly authority: AddressReport['authority']
}

export interface LookupOptions {
  readonly count: number
  readonly alpha: number
  readonly maxRounds: number
  readonly maxCandidates: number
  /** Entries of one answer that are looked at, nearest first. */
  readonly answerLimit: number
  readonly graceMs: number
  /** After which a peer that was asked does not answer any more. */
  readonly silentMs: number
  readonly deadlineMs: number
}

export type PeerState = 'waiting' | 'succeeded' | 'failed' | 'unresponsive'

export type LookupStep =
  /** Ask these at the same time. */
  | { readonly kind: 'query'; readonly peers: readonly LookupPeer[] }
  /** Nothing to do before an answer comes or `until` (monotonic ms). */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'end'; readonly end: LookupEnd }

export interface LookupDeps {
  /** Connected, or at least one address may be dialled now. Asked when a candidate is heard of and when it is popped. */
  isEligible(candidate: LookupPeer): boolean
  /** Owes answers for a while already: it is asked beside the round, which does not wait for it when others answer. */
  isTardy?(peer: PeerId): boolean
  /** Since when a connected peer owes an answer and has said nothing; undefined: it is being dialled. */
  owedSince?(peer: PeerId): number | undefined
}

export class Lookup {
  readonly target: Key
  readonly #options: LookupOptions
  readonly #deps: LookupDeps
  readonly #self: PeerId
  readonly #queue: CandidateQueue<LookupPeer>
  readonly #states = new Map<PeerId, PeerState>()
  readonly #succeeded: LookupPeer[] = []
  readonly #reports = new Map<PeerId, Map<PeerId, AddressReport>>()
  readonly #contacted = new Map<PeerId, LookupPeer>()
  readonly #deadline: number
  #waiting = new Set<PeerId>()
  /** Of this round. */
  #tardy: ReadonlySet<PeerId> = new Set()
  #graceUntil: number | undefined
  #previousTop: string | undefined
  #rounds = 0
  #end: LookupEnd | undefined

  /** `known` is the local start: the own k closest. `self` counts as having answered when it is given an entry. */
  constructor(
    target: Key,
    start: { self: PeerId; selfEntry?: LookupPeer; known: readonly LookupPeer[]; now: number },
    options: LookupOptions,
    deps: LookupDeps,
  ) {
    this.target = target
    this.#options = options
    this.#deps = deps
    this.#self = start.self
    this.#queue = new CandidateQueue(target, options.maxCandidates)
    this.#deadline = start.now + options.deadlineMs
    if (start.selfEntry) {
      this.#states.set(start.self, 'succeeded')
      this.#succeeded.push(start.selfEntry)
    }
    for (const peer of start.known) if (peer.peer !== start.self && deps.isEligible(peer)) this.#queue.push(peer)
    if (options.count <= 0) this.#end = 'converged'
  }

  get rounds(): number {
    return this.#rounds
  }
  get ended(): LookupEnd | undefined {
    return this.#end
  }
  stateOf(peer: PeerId): PeerState | undefined {
    return this.#states.get(peer)
  }
  /** Heard of and not asked yet, nearest first. */
  get candidates(): readonly LookupPeer[] {
    return this.#queue.sorted
  }

  /** What to do now. Call at the start, after every answer, and when `until` has come. */
  step(now: number): LookupStep {
    if (this.#end === undefined && now >= this.#deadline) this.#finish('timedOut')
    while (this.#end === undefined) {
      if (this.#waiting.size > 0) {
        const until = Math.min(this.#deadline, this.#graceUntil ?? this.#silentUntil(now))
        if (now < until && !this.#onlyTardyLeft()) return { kind: 'wait', until }
        this.#giveUpWaiting()
      }
      if (this.#rounds > 0) this.#completeRound()
      if (this.#end !== undefined) break
      const asked = this.#startRound()
      if (asked && asked.length > 0) return { kind: 'query', peers: asked }
    }
    return { kind: 'end', end: this.#end }
  }

  /** The first valid answer of a waiting peer; entries may be empty. Others are ignored. */
  answered(peer: PeerId, entries: readonly LookupEntry[], now: number): void {
    const asked = this.#settle(peer, 'succeeded', now)
    if (!asked) return
    this.#succeeded.push(asked)
    const reporterKey = asked.key
    for (const entry of closest(this.target, entries, this.#options.answerLimit)) {
      if (entry.peer === this.#self) continue
      const report = { reporter: peer, reporterKey, addresses: entry.addresses, authority: entry.authority }
      this.#merge(entry, report)
    }
  }

  /** No usable answer: final for this lookup. */
  failed(peer: PeerId, now: number): void {
    this.#settle(peer, 'failed', now)
  }

  /** The k nearest that answered, nearest first, with the addresses of the report winners. May hold self. */
  result(): LookupPeer[] {
    return closest(this.target, this.#succeeded, this.#options.count).map((entry) => this.#overlaid(entry))
  }

  /** Nearest peers known so far, asked or not, except the ones that failed: for readers that do not wait for the end. */
  nearestSoFar(count: number): LookupPeer[] {
    const alive = [...this.#succeeded.filter(({ peer }) => peer !== this.#self), ...this.#asked()]
    return closest(this.target, [...alive, ...this.#queue.sorted], count)
  }

  #asked(): LookupPeer[] {
    return [...this.#waiting].map((peer) => this.#contacted.get(peer) as LookupPeer)
  }

  #startRound(): LookupPeer[] | undefined {
    if (this.#rounds >= this.#options.maxRounds) return this.#finish('iterationLimit')
    if (this.#queue.size === 0) return this.#finish('exhausted')
    this.#rounds++
    this.#graceUntil = undefined
    const asked: LookupPeer[] = []
    const tardy: LookupPeer[] = []
    while (asked.length < this.#options.alpha) {
      const candidate = this.#queue.pop()
      if (!candidate) break
      // Dropped without a state: a later report or a reconnection may bring it back.
      if (!this.#deps.isEligible(candidate)) continue
      if (this.#deps.isTardy?.(candidate.peer)) {
        if (tardy.length < this.#options.alpha) tardy.push(candidate)
      } else asked.push(candidate)
    }
    // When all are, the trouble is ours.
    this.#tardy = new Set(asked.length > 0 ? tardy.map(({ peer }) => peer) : [])
    asked.push(...tardy)
    for (const candidate of asked) {
      this.#states.set(candidate.peer, 'waiting')
      this.#contacted.set(candidate.peer, candidate)
      this.#waiting.add(candidate.peer)
    }
    return asked
  }

  /**
   * When a round is over in which nobody says anything, once others have answered this walk: who is asked and silent for
   * longer than a handler takes does not answer any more. Whoever is dialled has not been asked yet.
   */
  #silentUntil(now: number): number {
    const { owedSince } = this.#deps
    if (!owedSince || !this.#succeeded.some(({ peer }) => peer !== this.#self)) return Number.POSITIVE_INFINITY
    let until = now
    for (const peer of this.#waiting) until = Math.max(until, (owedSince(peer) ?? now) + this.#options.silentMs)
    return until
  }

  /** Somebody has answered in this round, and who has not is nobody to wait for. */
  #onlyTardyLeft(): boolean {
    if (this.#graceUntil === undefined || this.#tardy.size === 0) return false
    for (const peer of this.#waiting) if (!this.#tardy.has(peer)) return false
    return true
  }

  #completeRound(): void {
    const { count } = this.#options
    const top = closest(this.target, this.#succeeded, count)
    const names = top.map(({ peer }) => peer).join()
    const unchanged = names === this.#previousTop
    this.#previousTop = names
    if (unchanged && !(top.length < count && this.#queue.size > 0)) {
      const farthest = top[top.length - 1]
      const next = this.#queue.nearest
      if (!farthest || !next || compareDistance(this.target, next.key, farthest.key) >= 0) this.#finish('converged')
    }
  }

  #finish(end: LookupEnd): undefined {
    this.#giveUpWaiting()
    this.#end = end
  }

  #giveUpWaiting(): void {
    for (const peer of this.#waiting) this.#states.set(peer, 'unresponsive')
    this.#waiting = new Set()
  }

  #settle(peer: PeerId, state: 'succeeded' | 'failed', now: number): LookupPeer | undefined {
    if (!this.#waiting.delete(peer)) return undefined
    this.#states.set(peer, state)
    this.#graceUntil ??= now + this.#options.graceMs
    return this.#contacted.get(peer)
  }

  #merge(entry: LookupEntry, report: AddressReport): void {
    const reports = this.#reportsOf(entry.peer, report)
    if (this.#states.has(entry.peer)) return
    const winner = reportWinner(entry, [...reports.values()]) ?? report
    const candidate = { peer: entry.peer, key: entry.key, addresses: winner.addresses }
    if (!this.#deps.isEligible(candidate)) return
    const evicted = this.#queue.push(candidate)
    if (evicted) this.#reports.delete(evicted.peer)
  }

  /** Bounded by rounds x alpha x entries of an answer. */
  #reportsOf(subject: PeerId, report: AddressReport): Map<PeerId, AddressReport> {
    let reports = this.#reports.get(subject)
    if (!reports) {
      reports = new Map()
      this.#reports.set(subject, reports)
    }
    reports.set(report.reporter, report)
    return reports
  }

  #overlaid(entry: LookupPeer): LookupPeer {
    const reports = this.#reports.get(entry.peer)
    const winner = reports && reportWinner(entry, [...reports.values()])
    return winner ? { ...entry, addresses: winner.addresses } : entry
  }
}
