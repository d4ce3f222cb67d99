/**
 * Incoming work of one kind (replication.md 4.2): so much waits or runs, so much runs, so much of one peer's, and what
 * waited longer than its sender does is not done at all. A flood of one kind delays no other. Pure; monotonic `now`.
 */
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { type Door, Gate, sharedGate } from './gate.ts'

export interface PoolLimits {
  /** Waiting and running. */
  readonly outstanding: number
  readonly workers: number
  readonly perPeer: number
  /** Running for one peer, so that a slow one leaves workers to the others; as many as there are without. */
  readonly workersPerPeer?: number
  /** A place is held until the answer has gone: who reads no answers gets no more places by that. */
  readonly holdsPlace?: boolean
  /** Waiting time after which nobody expects an answer any more. */
  readonly ageMs: number
}

export type WorkKind =
  | 'freshOffer'
  | 'paidNotify'
  | 'fetch'
  | 'verification'
  | 'sync'
  | 'digestChallenge'
  | 'sliceOrPin'
  | 'subtreeRound'
  | 'pointerServe'
  | 'pointerOffer'

/** The table of 4.2. Digests, slices and pins share more gates: see `createPools`. */
export function poolLimits(options: ReplicationOptions): Readonly<Record<WorkKind, PoolLimits>> {
  const limits = (outstanding: number, workers: number, perPeer: number, ageMs: number): PoolLimits => ({
    ...{ outstanding, workers, perPeer, ageMs },
  })
  const { audits, subtreeRounds, pointerOffers, auditAgeMs } = options
  return {
    freshOffer: limits(
      options.freshOffers,
      options.freshOfferWorkers,
      options.freshOffersPerPeer,
      options.freshOfferAgeMs,
    ),
    paidNotify: limits(
      options.paidNotifies,
      options.paidNotifyWorkers,
      options.paidNotifiesPerPeer,
      options.paidNotifyAgeMs,
    ),
    fetch: {
      ...limits(options.fetches, options.fetchWorkers, options.fetchesPerPeer, options.fetchTimeoutMs),
      workersPerPeer: options.fetchWorkersPerPeer,
    },
    verification: {
      ...limits(
        options.verifications,
        options.verificationWorkers,
        options.verificationsPerPeer,
        options.verificationTimeoutMs,
      ),
      workersPerPeer: options.verificationWorkersPerPeer,
    },
    sync: {
      ...limits(options.syncs, options.syncWorkers, options.syncsPerPeer, options.syncTimeoutMs),
      workersPerPeer: options.syncWorkersPerPeer,
    },
    digestChallenge: { ...limits(audits, audits, options.auditsPerPeer, auditAgeMs), holdsPlace: true },
    sliceOrPin: { ...limits(audits, audits, options.slicesPerPeer, auditAgeMs), holdsPlace: true },
    subtreeRound: {
      ...limits(subtreeRounds, subtreeRounds, options.subtreeRoundsPerPeer, auditAgeMs),
      holdsPlace: true,
    },
    pointerServe: limits(
      options.pointerServes,
      options.pointerServeWorkers,
      options.pointerServesPerPeer,
      options.verificationTimeoutMs,
    ),
    pointerOffer: limits(pointerOffers, pointerOffers, pointerOffers, options.freshOfferAgeMs),
  }
}

export interface Started<T> {
  readonly item: T
  readonly peer: PeerId
  /**
   * The work is over and its answer on its way: the peer's next request has a place, and runs when `done` was called.
   * Nothing where places are held.
   */
  readonly free: () => void
  /** Frees place and worker; once. */
  readonly done: () => void
}

interface Waiting<T> {
  readonly item: T
  readonly peer: PeerId
  readonly since: number
  /** Leaves the gates; once. */
  readonly leave: () => void
}

export class WorkPool<T> {
  readonly #limits: PoolLimits
  readonly #stale: (item: T) => void
  readonly #gates: readonly Door[]
  readonly #waiting: Waiting<T>[] = []
  readonly #runningOf = new Map<PeerId, number>()
  #running = 0
  #discarded = 0

  /** `stale` is told of items that waited too long. `shared`: gates that several pools go through. */
  constructor(limits: PoolLimits, stale: (item: T) => void = () => undefined, shared: readonly Door[] = []) {
    this.#limits = limits
    this.#stale = stale
    this.#gates = [new Gate(limits.outstanding, limits.perPeer), ...shared]
  }

  get waiting(): number {
    return this.#waiting.length
  }
  get running(): number {
    return this.#running
  }
  /** Items that nobody waited for any more. */
  get discarded(): number {
    return this.#discarded
  }

  /** false: over a limit; the item is dropped. */
  offer(peer: PeerId, item: T, now: number): boolean {
    const left: (() => void)[] = []
    for (const gate of this.#gates) {
      const leave = gate.enter(peer)
      if (!leave) {
        for (const undo of left) undo()
        return false
      }
      left.push(leave)
    }
    const leave = () => {
      for (const each of left.splice(0)) each()
    }
    this.#waiting.push({ item, peer, leave, since: now })
    return true
  }

  /** The oldest item that may run, while there is a free worker. Those that waited too long are passed over. */
  start(now: number): Started<T> | undefined {
    this.#discardOld(now)
    if (this.#running >= this.#limits.workers) return undefined
    const { workersPerPeer = this.#limits.workers } = this.#limits
    const index = this.#waiting.findIndex(({ peer }) => (this.#runningOf.get(peer) ?? 0) < workersPerPeer)
    const [next] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (!next) return undefined
    const { item, peer } = next
    this.#running++
    this.#runningOf.set(peer, (this.#runningOf.get(peer) ?? 0) + 1)
    let open = true
    const done = () => {
      if (!open) return
      open = false
      this.#running--
      const left = (this.#runningOf.get(peer) ?? 1) - 1
      if (left === 0) this.#runningOf.delete(peer)
      else this.#runningOf.set(peer, left)
      next.leave()
    }
    const free = this.#limits.holdsPlace ? () => undefined : next.leave
    return { item, peer, free, done }
  }

  #discardOld(now: number): void {
    for (let oldest = this.#waiting[0]; oldest && now - oldest.since >= this.#limits.ageMs; oldest = this.#waiting[0]) {
      this.#waiting.shift()
      this.#discarded++
      oldest.leave()
      this.#stale(oldest.item)
    }
  }
}

/** `known`: in the routing table. Who holds many places for audits gets no more when few are left; strangers are one. */
export function createPools<T>(
  options: ReplicationOptions,
  known: (peer: PeerId) => boolean,
  stale?: (item: T) => void,
): Readonly<Record<WorkKind, WorkPool<T>>> {
  const limits = poolLimits(options)
  const audits = [sharedGate(options.audits, known)]
  const shared = new Set<WorkKind>(['digestChallenge', 'sliceOrPin'])
  // One of the two is left to those who are known.
  const rounds = [sharedGate(options.subtreeRounds, known)]
  const doorsOf = (kind: WorkKind) => (shared.has(kind) ? audits : kind === 'subtreeRound' ? rounds : [])
  const pools = Object.entries(limits).map(([kind, limit]) => {
    const own = kind as WorkKind
    return [own, new WorkPool<T>(limit, stale, doorsOf(own))]
  })
  return Object.fromEntries(pools) as Record<WorkKind, WorkPool<T>>
}
