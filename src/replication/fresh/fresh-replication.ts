/**
 * Spreading what a client stored here (replication.md 5.1, changed by 30.3 nr 3: ask before sending bytes). Each storer
 * waits by its rank, asks the 20 closest who holds the key and who lists it as paid, offers the bytes to those of the 7
 * that lack them, and notifies whoever of the 20 heard of the payment from nobody: at once who needs no bytes, at the
 * end who did not accept them. Pure: the caller does what `step` says and reports what came of it; every action is
 * answered exactly once.
 */
import { type ChunkAddress, keyOf, type PeerId, type VerificationResult } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { ProbeBatches } from '../traffic/probe-batches.ts'
import type { VerificationQuestion } from '../traffic/verification-gate.ts'
import { IndexedHeap, type Placed } from '../verify/indexed-heap.ts'
import { closestOthers, presenceTargets, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'

export type FreshOptions = Widths &
  Pick<
    ReplicationOptions,
    | 'freshSends'
    | 'freshRetries'
    | 'freshEncoded'
    | 'freshReadBackMs'
    | 'freshWaiting'
    | 'freshRankDelayMs'
    | 'freshGatherMs'
    | 'freshAnswerTimeoutMs'
    | 'requestKeys'
  >

export type FreshAction =
  /** `probed` answers. */
  | ({ readonly kind: 'probe' } & VerificationQuestion)
  /** Read the chunk back with verification and encode one offer; `loaded` answers. */
  | { readonly kind: 'load'; readonly key: ChunkAddress }
  /** `sent` answers; the peer's own answer comes later by `answered`, or never. */
  | { readonly kind: 'offer'; readonly key: ChunkAddress; readonly peer: PeerId }
  /** The encoded bytes are not needed now. */
  | { readonly kind: 'release'; readonly key: ChunkAddress }
  /** PaidNotify, once and without an answer. */
  | { readonly kind: 'notify'; readonly key: ChunkAddress; readonly peer: PeerId }
  /** The key has been spread: these should hold it. */
  | { readonly kind: 'checkPossession'; readonly key: ChunkAddress; readonly peers: readonly PeerId[] }
  /** Nothing more comes for the key: its proof can be forgotten. */
  | { readonly kind: 'done'; readonly key: ChunkAddress }

interface Plan extends Placed<'dueIndex'> {
  readonly key: ChunkAddress
  dueAt: number
  started: boolean
  /** It was spread before: whoever holds it has been checked then. */
  readonly again: boolean
  readonly offered: Set<PeerId>
  targets: readonly PeerId[]
  audience: readonly PeerId[]
  /** Probed and not answered. */
  readonly asking: Set<PeerId>
  /** List the key as paid, by their own word or because they accepted an offer; or were notified. */
  readonly informed: Set<PeerId>
  readonly toOffer: PeerId[]
  /** Attempts so far, of the copy on its way. */
  readonly sending: Map<PeerId, number>
  /** Offers that wait for an answer, until when; whose answer came, perhaps before the report of the sending. */
  readonly awaiting: Map<PeerId, number>
  readonly replied: Set<PeerId>
  bytes: 'none' | 'wanted' | 'loading' | 'pausing' | 'loaded' | 'unavailable'
  readAttempts: number
  /** The bytes are read and encoded once for all who lack them: until when answers of targets are waited for. */
  gatherUntil: number
  gathering: boolean
  pausedUntil: number
}

export class FreshReplication {
  readonly #options: FreshOptions
  readonly #plans = new Map<ChunkAddress, Plan>()
  readonly #due = new IndexedHeap<'dueIndex', Plan>('dueIndex', (a, b) => a.dueAt < b.dueAt)
  readonly #probes: ProbeBatches
  /** Plans that want bytes, in order; those that have them and offers to send. */
  readonly #wanting = new Set<Plan>()
  readonly #offering = new Set<Plan>()
  #loads = 0
  #sends = 0
  #actions: FreshAction[] = []

  constructor(options: FreshOptions) {
    this.#options = options
    this.#probes = new ProbeBatches(options.requestKeys)
  }

  get size(): number {
    return this.#plans.size
  }
  /** Offers whose bytes are in memory or being read: at most 8. */
  get encoded(): number {
    return this.#loads
  }
  get sending(): number {
    return this.#sends
  }
  /** When `step` has something to do without a report; undefined: nothing is timed. */
  get nextAt(): number | undefined {
    return this.#due.peek()?.dueAt
  }

  /**
   * A client's chunk was stored with a proof; with `againAfterMs` it is spread once more, when so much time has passed.
   * false: known, or too many plans.
   */
  stored(key: ChunkAddress, view: OwnView, now: number, againAfterMs?: number): boolean {
    if (this.#plans.has(key) || this.#plans.size >= this.#options.freshWaiting) return false
    const rank = Math.min(view.rank(keyOf(key), view.self), this.#options.closeGroupSize)
    const plan: Plan = {
      ...{ key, dueAt: now + rank * this.#options.freshRankDelayMs + (againAfterMs ?? 0), dueIndex: -1 },
      ...{ started: false, again: againAfterMs !== undefined, offered: new Set() },
      ...{ targets: [], audience: [], asking: new Set(), informed: new Set(), toOffer: [] },
      ...{ sending: new Map(), awaiting: new Map(), replied: new Set(), bytes: 'none', readAttempts: 0 },
      ...{ gatherUntil: Number.POSITIVE_INFINITY, gathering: true, pausedUntil: 0 },
    }
    this.#plans.set(key, plan)
    this.#due.push(plan)
    return true
  }

  /** What is to be done now. `busy`: may not be probed now. */
  step(view: OwnView, now: number, busy?: (peer: PeerId) => boolean): FreshAction[] {
    for (let plan = this.#due.peek(); plan && plan.dueAt <= now; plan = this.#due.peek()) {
      this.#due.pop()
      this.#timeUp(plan, view, now)
    }
    this.#actions.push(...this.#probes.take(busy).map((question) => ({ kind: 'probe' as const, ...question })))
    this.#startLoads()
    this.#startSends()
    return this.#actions.splice(0)
  }

  /** Answers of a probed peer; undefined when it gave none in time. */
  probed(peer: PeerId, results: readonly VerificationResult[] | undefined): void {
    const answers = new Map(results?.map((result) => [result.key, result]))
    for (const key of this.#probes.answered(peer)) {
      const plan = this.#plans.get(key)
      if (!plan?.asking.delete(peer)) continue
      const answer = answers.get(key)
      if (answer?.paid === true) plan.informed.add(peer)
      // Who does not answer gets an offer too: a busy pool drops questions in silence.
      if (plan.targets.includes(peer) && answer?.present !== true) plan.toOffer.push(peer)
      else this.#notify(plan, peer)
      this.#advance(plan)
    }
  }

  /** `missing`: the chunk is not held any more; `failed`: the disk did not give it. */
  loaded(key: ChunkAddress, outcome: 'loaded' | 'missing' | 'failed', now: number): void {
    const plan = this.#plans.get(key)
    if (plan?.bytes !== 'loading') return
    if (outcome === 'loaded') {
      plan.bytes = 'loaded'
      this.#advance(plan)
      return
    }
    this.#loads--
    const pause = outcome === 'failed' ? this.#options.freshReadBackMs[plan.readAttempts++] : undefined
    plan.bytes = pause === undefined ? 'unavailable' : 'pausing'
    if (pause !== undefined) this.#wakeAt(plan, (plan.pausedUntil = now + pause))
    this.#advance(plan)
  }

  /** A copy was handed to the transport, or could not be: two more tries. */
  sent(key: ChunkAddress, peer: PeerId, ok: boolean, now: number): void {
    const plan = this.#plans.get(key)
    const attempts = plan?.sending.get(peer)
    if (!plan || attempts === undefined) return
    plan.sending.delete(peer)
    this.#sends--
    if (ok) {
      const until = now + this.#options.freshAnswerTimeoutMs
      if (!plan.replied.has(peer)) {
        plan.awaiting.set(peer, until)
        this.#wakeAt(plan, until)
      }
    } else if (attempts <= this.#options.freshRetries) this.#send(plan, peer, attempts + 1)
    this.#advance(plan)
  }

  /** The peer's FreshReplicationResponse. false: nothing was offered, and nothing comes of it. */
  answered(key: ChunkAddress, peer: PeerId, accepted: boolean): boolean {
    const plan = this.#plans.get(key)
    if (!plan || !(plan.awaiting.delete(peer) || plan.sending.has(peer))) return false
    plan.replied.add(peer)
    if (accepted) plan.informed.add(peer)
    this.#advance(plan)
    return true
  }

  #timeUp(plan: Plan, view: OwnView, now: number): void {
    if (!plan.started) {
      const key = keyOf(plan.key)
      plan.started = true
      plan.targets = presenceTargets(view, key, this.#options)
      plan.audience = closestOthers(view, key, this.#options.acceptanceWidth)
      for (const peer of plan.audience) {
        plan.asking.add(peer)
        this.#probes.add(peer, plan.key)
      }
      plan.gatherUntil = now + this.#options.freshGatherMs
    }
    if (plan.gatherUntil <= now) plan.gathering = false
    else if (plan.gathering) this.#wakeAt(plan, plan.gatherUntil)
    if (plan.bytes === 'pausing') {
      if (plan.pausedUntil <= now) plan.bytes = 'none'
      else this.#wakeAt(plan, plan.pausedUntil)
    }
    for (const [peer, until] of plan.awaiting) {
      if (until <= now) plan.awaiting.delete(peer)
      else this.#wakeAt(plan, until)
    }
    this.#advance(plan)
  }

  /** To where the plan stands after any report. */
  #advance(plan: Plan): void {
    if (plan.bytes === 'unavailable') plan.toOffer.length = 0
    if (plan.toOffer.length > 0) {
      if (plan.gathering && plan.targets.some((peer) => plan.asking.has(peer))) return
      if (plan.bytes === 'none') {
        plan.bytes = 'wanted'
        this.#wanting.add(plan)
      } else if (plan.bytes === 'loaded') this.#offering.add(plan)
      return
    }
    if (plan.sending.size > 0) return
    if (plan.bytes === 'loaded') {
      this.#loads--
      plan.bytes = 'none'
      this.#actions.push({ kind: 'release', key: plan.key })
    }
    const open = plan.asking.size + plan.awaiting.size
    if (plan.started && open === 0 && (plan.bytes === 'none' || plan.bytes === 'unavailable')) this.#finish(plan)
  }

  #finish(plan: Plan): void {
    this.#plans.delete(plan.key)
    this.#due.delete(plan)
    this.#offering.delete(plan)
    for (const peer of plan.audience) this.#notify(plan, peer)
    const peers = plan.again ? [...plan.offered] : plan.targets
    if (peers.length > 0) this.#actions.push({ kind: 'checkPossession', key: plan.key, peers })
    this.#actions.push({ kind: 'done', key: plan.key })
  }

  #notify(plan: Plan, peer: PeerId): void {
    if (plan.informed.has(peer)) return
    plan.informed.add(peer)
    this.#actions.push({ kind: 'notify', key: plan.key, peer })
  }

  #startLoads(): void {
    for (const plan of this.#wanting) {
      if (this.#loads >= this.#options.freshEncoded) return
      this.#wanting.delete(plan)
      this.#loads++
      plan.bytes = 'loading'
      this.#actions.push({ kind: 'load', key: plan.key })
    }
  }

  #startSends(): void {
    for (const plan of this.#offering) {
      while (plan.toOffer.length > 0 && this.#sends < this.#options.freshSends)
        this.#send(plan, plan.toOffer.shift() as PeerId, 1)
      if (plan.toOffer.length > 0) return
      this.#offering.delete(plan)
    }
  }

  #send(plan: Plan, peer: PeerId, attempt: number): void {
    this.#sends++
    plan.sending.set(peer, attempt)
    plan.offered.add(peer)
    this.#actions.push({ kind: 'offer', key: plan.key, peer })
  }

  #wakeAt(plan: Plan, at: number): void {
    if (this.#due.has(plan) && plan.dueAt <= at) return
    this.#due.delete(plan)
    plan.dueAt = at
    this.#due.push(plan)
  }
}
