/**
 * Whom to exchange hints with, and when (replication.md 7.1, 7.2). The network's part: cycles over a snapshot of the 20
 * closest, 4 peers a round, entrants first, an hour of rest for each. Ours (30.3 nr 2): a peer for whom there are new
 * hints is due 5 s after they came up and 10 s after our last request. Never two requests to a peer at once. Pure; `now`
 * is monotonic.
 */
import { type Random, randomBetween } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type SyncOptions = Pick<
  ReplicationOptions,
  | 'syncScope'
  | 'syncPeers'
  | 'syncCooldownMs'
  | 'syncNewsCooldownMs'
  | 'syncNewsDelayMs'
  | 'syncIntervalMinMs'
  | 'syncIntervalMaxMs'
  | 'syncHistory'
>

export interface SyncRound {
  /** A cycle ended before this round: prune now. Epoch and cycle counts have moved already. */
  readonly cycleEnded: boolean
  readonly peers: readonly PeerId[]
}

const NEVER = Number.NEGATIVE_INFINITY

interface History {
  /** Of the last exchange that succeeded, either way round. */
  syncedAt: number | undefined
  /** Of our last request that started. */
  askedAt: number | undefined
  /** Cycles that ended since the last exchange. */
  cyclesSinceSync: number
  /** It said so at the last exchange, so that its hints did not count. */
  bootstrapping: boolean
  /** Requests that failed since the last exchange: news for a dead peer are not tried twice a minute for ever. */
  failures: number
}

export class NeighborSync {
  readonly #options: SyncOptions
  readonly #histories = new Map<PeerId, History>()
  /** Peers asked at the moment; since when there was news for them, if there was. */
  readonly #outstanding = new Map<PeerId, number | undefined>()
  /** Peers with hints that they have not heard, by the time of the first. */
  readonly #news = new Map<PeerId, number>()
  #neighbours: readonly PeerId[] = []
  #priority: PeerId[] = []
  /** What is left of the cycle; undefined before the first. */
  #order: PeerId[] | undefined
  #epoch = 0

  constructor(options: SyncOptions) {
    this.#options = options
  }

  get epoch(): number {
    return this.#epoch
  }
  /** Requests on their way. */
  get outstanding(): number {
    return this.#outstanding.size
  }

  /** Pause between two rounds. */
  interval(random: Random): number {
    return randomBetween(random, this.#options.syncIntervalMinMs, this.#options.syncIntervalMaxMs)
  }

  /** The closest to self changed; nearest first. true: somebody came, start a round now. */
  neighboursChanged(nearest: readonly PeerId[]): boolean {
    const current = nearest.slice(0, this.#options.syncScope)
    const entrants = current.filter((peer) => !this.#neighbours.includes(peer))
    this.#neighbours = current
    const stays = (peer: PeerId) => current.includes(peer) && !entrants.includes(peer)
    this.#priority = [...entrants, ...this.#priority.filter(stays)]
    this.#order = this.#order?.filter(stays)
    return entrants.length > 0
  }

  /** Events were lost: the order starts anew with the neighbours of now. */
  rebuild(nearest: readonly PeerId[]): void {
    this.neighboursChanged(nearest)
    if (this.#order) this.#order = this.#neighbours.filter((peer) => !this.#priority.includes(peer))
  }

  /** Out of the routing table: everything about the peer is forgotten. */
  peerRemoved(peer: PeerId): void {
    this.#histories.delete(peer)
    this.#news.delete(peer)
    this.#neighbours = this.#neighbours.filter((other) => other !== peer)
    this.#priority = this.#priority.filter((other) => other !== peer)
    this.#order = this.#order?.filter((other) => other !== peer)
  }

  /** Up to 4 peers to ask; each must end in `succeeded`, `failed` or `dropped`. */
  startRound(now: number): SyncRound {
    const cycleEnded = this.#order?.length === 0 && this.#priority.length === 0
    if (cycleEnded) {
      this.#epoch++
      for (const history of this.#histories.values()) history.cyclesSinceSync++
    }
    if (cycleEnded || !this.#order) this.#order = this.#neighbours.filter((peer) => !this.#priority.includes(peer))
    const peers: PeerId[] = []
    while (peers.length < this.#options.syncPeers) {
      const peer = this.#take(now)
      if (peer === undefined) break
      peers.push(peer)
    }
    return { cycleEnded, peers }
  }

  /** There is something new to tell the peer. */
  addNews(peer: PeerId, now: number): void {
    if (!this.#news.has(peer) && this.#news.size < this.#options.syncHistory) this.#news.set(peer, now)
  }

  /** Peers to ask outside of rounds because of news, as many as may run at once; they end as those of a round. */
  takeUrgent(now: number): PeerId[] {
    const due: PeerId[] = []
    for (const peer of this.#news.keys()) {
      if (this.#outstanding.size >= this.#options.syncPeers) break
      if (this.#outstanding.has(peer) || now < this.#readyAt(peer)) continue
      due.push(peer)
      this.#begin(peer, now)
    }
    return due
  }

  /** When `takeUrgent` will have somebody, if nothing changes; undefined when nobody has news. */
  nextUrgentAt(): number | undefined {
    const times = [...this.#news.keys()]
      .filter((peer) => !this.#outstanding.has(peer))
      .map((peer) => this.#readyAt(peer))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  succeeded(peer: PeerId, now: number, bootstrapping = false): void {
    if (this.#outstanding.delete(peer)) this.exchanged(peer, now, bootstrapping)
  }

  /**
   * The peer asked us, or we did on joining: hints went both ways, or one way only when it is bootstrapping. Only for
   * peers of the routing table (7.3).
   */
  exchanged(peer: PeerId, now: number, bootstrapping = false): void {
    const history = this.#historyOf(peer)
    history.syncedAt = now
    history.bootstrapping = bootstrapping
    history.cyclesSinceSync = 0
    history.failures = 0
  }

  /** One replacement, priority peers first; undefined when there is none. What was news is news again. */
  failed(peer: PeerId, now: number): PeerId | undefined {
    this.dropped(peer)
    return this.#take(now)
  }

  /** There was nothing to tell after all: nothing was sent. */
  needless(peer: PeerId): void {
    this.#outstanding.delete(peer)
  }

  /** As `failed`, and nobody takes the place: an urgent request, or one that was never sent. */
  dropped(peer: PeerId): void {
    const newsSince = this.#outstanding.get(peer)
    if (!this.#outstanding.delete(peer) || !this.#histories.has(peer)) return
    this.#historyOf(peer).failures++
    if (newsSince !== undefined) this.addNews(peer, newsSince)
  }

  /** A completed exchange and a later cycle: may be asked for digests (scenarios 30 and 56). */
  auditable(peer: PeerId): boolean {
    const history = this.#histories.get(peer)
    return history?.syncedAt !== undefined && history.cyclesSinceSync > 0
  }

  /** The next of the cycle that is not resting; those that rest leave the cycle (scenarios 35 and 40). */
  #take(now: number): PeerId | undefined {
    for (;;) {
      const peer = this.#priority.shift() ?? this.#order?.shift()
      if (peer === undefined) return undefined
      if (this.#outstanding.has(peer) || now < this.#readyAt(peer)) continue
      this.#begin(peer, now)
      return peer
    }
  }

  #begin(peer: PeerId, now: number): void {
    this.#outstanding.set(peer, this.#news.get(peer))
    this.#news.delete(peer)
    this.#historyOf(peer).askedAt = now
  }

  #readyAt(peer: PeerId): number {
    const { syncedAt = NEVER, askedAt = NEVER, failures = 0, bootstrapping } = this.#histories.get(peer) ?? {}
    const { syncCooldownMs, syncIntervalMinMs, syncNewsCooldownMs, syncNewsDelayMs } = this.#options
    const newsSince = this.#news.get(peer)
    // What a peer had to say while it was bootstrapping is still to be heard.
    if (newsSince === undefined) return syncedAt + (bootstrapping ? syncIntervalMinMs : syncCooldownMs)
    // What the peer asked us meanwhile told it nothing of this, so only our own requests are kept apart.
    const pause = Math.min(syncCooldownMs, syncNewsCooldownMs * 2 ** Math.min(failures, 20))
    return Math.max(newsSince + syncNewsDelayMs, askedAt + pause)
  }

  #historyOf(peer: PeerId): History {
    let history = this.#histories.get(peer)
    if (!history) {
      history = { syncedAt: undefined, askedAt: undefined, cyclesSinceSync: 0, bootstrapping: false, failures: 0 }
      this.#histories.set(peer, history)
      if (this.#histories.size > this.#options.syncHistory) {
        this.#histories.delete(this.#histories.keys().next().value as PeerId)
      }
    }
    return history
  }
}
