/**
 * The one owner of the routing table: every change goes through here, so that events are complete and in order. It
 * runs admission (with the pings that a full bucket may need), applies publications and hints, and removes.
 */
import { type Clock, type Emitter, type Logger, Semaphore, TaskGroup } from '../base/index.ts'
import type { AddressBook, PeerConnection } from '../network/index.ts'
import {
  isLan,
  keyOf,
  type PeerId,
  quicMultiaddr,
  type SignedAddressRecord,
  short,
  type TypedAddress,
} from '../protocol/index.ts'
import type { TrustEngine } from '../trust/index.ts'
import { acceptsHints, decideV1, decideV2, type LocalRecordView, type PublicationEffect } from './address-authority.ts'
import { mergeHint, mergeObserved, observedType } from './address-entry.ts'
import type { Standpoint } from './address-filter.ts'
import { type AdmissionDecision, decideAdmission } from './admission.ts'
import type { DhtEvents } from './dht.ts'
import type { DhtMetrics } from './metrics.ts'
import type { DhtOptions } from './options.ts'
import { RevalidationPasses } from './revalidation.ts'
import { RoutingTable } from './routing-table.ts'

export interface TableKeeperDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly trust: TrustEngine
  readonly log: Logger
  readonly metrics: DhtMetrics
  readonly events: Emitter<DhtEvents>
  /** Ping and answer within the revalidation budget, as the same authenticated peer. */
  ping(peer: PeerId, signal: AbortSignal): Promise<boolean>
  /** Our own external and listen IPs. */
  ownIps(): ReadonlySet<string>
  /** New addresses of an applied publication leave the failure memory. */
  published(peer: PeerId, previous: readonly TypedAddress[], current: readonly TypedAddress[]): void
}

type Options = Pick<
  DhtOptions,
  'bucketSize' | 'limits' | 'allowLoopback' | 'staleAfterMs' | 'maxRevalidations' | 'pingsAtOnce' | 'secondPingAfterMs'
>

export type RemovalReason = 'silent' | 'gone' | 'swapped' | 'identityMismatch' | 'rejectedUs'

const NODE_AGENT = 'node/'

export class TableKeeper implements AddressBook {
  readonly table: RoutingTable
  readonly #deps: TableKeeperDeps
  readonly #options: Options
  readonly #passes: RevalidationPasses
  readonly #settling = new Map<PeerId, Promise<void>>()
  #tasks: TaskGroup

  constructor(deps: TableKeeperDeps, options: Options) {
    this.#deps = deps
    this.#options = options
    this.#passes = new RevalidationPasses(options.maxRevalidations)
    this.table = new RoutingTable(deps.self, { bucketSize: options.bucketSize, now: deps.clock.monotonic() })
    this.#tasks = this.#newTasks()
  }

  addressesOf(peer: PeerId): readonly TypedAddress[] {
    return this.table.get(peer)?.addresses ?? []
  }

  /** Once per connected period: a first verified message of a peer that calls itself a node. */
  connected(connection: PeerConnection): void {
    if (!connection.userAgent.startsWith(NODE_AGENT)) return
    const address = quicMultiaddr(connection.remote)
    const candidate = { peer: connection.peer, addresses: [{ address, type: observedType(address) }] }
    this.#admit(candidate, true)
  }

  /** Resolves when a deferred admission of the peer is decided; at once when there is none. */
  admissionSettled(peer: PeerId): Promise<void> {
    return this.#settling.get(peer) ?? Promise.resolve()
  }

  touch(peer: PeerId): void {
    this.table.touch(peer, this.#deps.clock.monotonic())
  }

  remove(peer: PeerId, reason: RemovalReason): boolean {
    return this.#edit(() => this.#drop(peer, reason))
  }

  /** Pings the peers, a few at a time, and removes those silent twice; resolves with them. */
  async evictSilent(peers: readonly PeerId[], signal: AbortSignal): Promise<PeerId[]> {
    const suspects = await this.#silentOf(peers, signal)
    if (suspects.length === 0) return []
    await this.#deps.clock.sleep(this.#options.secondPingAfterMs, signal)
    const silent = await this.#silentOf(suspects, signal)
    for (const peer of silent) this.remove(peer, 'silent')
    return silent
  }

  async #silentOf(peers: readonly PeerId[], signal: AbortSignal): Promise<PeerId[]> {
    const permits = new Semaphore(this.#options.pingsAtOnce, peers.length)
    const answers = await Promise.all(peers.map((peer) => permits.run(signal, () => this.#deps.ping(peer, signal))))
    return peers.filter((_, i) => !answers[i])
  }

  /** V1 of the authenticated owner. Only peers of the table have a place for it. */
  applyV1(
    owner: PeerId,
    incoming: { sequence: bigint; addresses: readonly TypedAddress[] },
    standpoint: Standpoint,
  ): boolean {
    const entry = this.table.get(owner)
    if (!entry) return false
    return this.#apply(owner, decideV1(entry.publication, incoming, standpoint), 'v1', true)
  }

  /** A verified V2. `direct`: its owner sent it just now, which is a sign of life; a trailer is none. */
  applyV2(record: SignedAddressRecord, view: LocalRecordView, standpoint: Standpoint, direct: boolean): boolean {
    const entry = this.table.get(record.owner)
    if (!entry) return false
    const effect = decideV2(entry.publication, record, view, standpoint)
    return this.#apply(record.owner, effect, 'v2', direct)
  }

  /** Gossip: may add addresses, never refreshes liveness. */
  hint(peer: PeerId, addresses: readonly TypedAddress[]): void {
    const entry = this.table.get(peer)
    if (entry && acceptsHints(entry.publication)) entry.addresses = mergeHint(entry.addresses, addresses)
  }

  standpoint(from: PeerConnection | undefined): Standpoint {
    return {
      allowLoopback: this.#options.allowLoopback,
      arrivedOverLan: from !== undefined && isLan(quicMultiaddr(from.remote)),
      ownIps: this.#deps.ownIps(),
    }
  }

  async stop(): Promise<void> {
    await this.#tasks.stop()
    this.#tasks = this.#newTasks()
  }

  #admit(candidate: { peer: PeerId; addresses: readonly TypedAddress[] }, mayDefer: boolean): void {
    const { trust, clock } = this.#deps
    const now = clock.monotonic()
    const decision = decideAdmission(this.table, candidate, {
      now,
      mayDefer,
      allowLoopback: this.#options.allowLoopback,
      limits: this.#options.limits,
      staleAfterMs: this.#options.staleAfterMs,
      swapThreshold: trust.options.swapThreshold,
      protectionThreshold: trust.options.protectionThreshold,
      trustOf: (peer) => trust.scoreOf(peer, now),
    })
    const outcome = decision.kind === 'refused' ? decision.reason : decision.kind
    this.#deps.metrics.admissions.add(1, { outcome })
    this.#deps.log.debug('admission decided', { peer: short(candidate.peer), outcome })
    if (decision.kind === 'known') this.#refresh(candidate.peer, decision.addresses, now)
    else if (decision.kind === 'admit') this.#insert(candidate.peer, decision, now)
    else if (decision.kind === 'deferred') this.#revalidate(candidate, decision)
  }

  #drop(peer: PeerId, reason: RemovalReason): boolean {
    if (!this.table.remove(peer)) return false
    this.#deps.metrics.removals.add(1, { reason })
    this.#deps.log.debug('peer left the table', { peer: short(peer), reason })
    this.#deps.events.emit('peerRemoved', { peer })
    return true
  }

  #refresh(peer: PeerId, addresses: readonly TypedAddress[], now: number): void {
    const entry = this.table.get(peer)
    if (!entry) return
    this.table.touch(peer, now)
    if (acceptsHints(entry.publication)) entry.addresses = mergeObserved(entry.addresses, addresses)
  }

  #insert(peer: PeerId, plan: AdmissionDecision & { kind: 'admit' }, now: number): void {
    this.#edit(() => {
      for (const victim of plan.evict) this.#drop(victim, 'swapped')
      const { addresses } = plan
      this.table.insert({ peer, key: keyOf(peer), addresses, lastSeen: now, publication: undefined })
      this.#deps.events.emit('peerAdded', { peer })
    })
  }

  #revalidate(
    candidate: { peer: PeerId; addresses: readonly TypedAddress[] },
    { bucket, stale }: AdmissionDecision & { kind: 'deferred' },
  ): void {
    if (this.#tasks.signal.aborted) return
    const release = this.#passes.tryBegin(bucket)
    if (!release) return
    const pass = async (signal: AbortSignal) => {
      try {
        const silent = await this.evictSilent(stale, signal)
        if (silent.length > 0) this.#admit(candidate, false)
      } finally {
        release()
        this.#settling.delete(candidate.peer)
      }
    }
    let settle: () => void = () => undefined
    this.#settling.set(candidate.peer, new Promise((resolve) => (settle = resolve)))
    this.#tasks.spawn('revalidation', (signal) => pass(signal).finally(settle))
  }

  #apply(owner: PeerId, effect: PublicationEffect, version: 'v1' | 'v2', refreshes: boolean): boolean {
    this.#deps.metrics.publications.add(1, { version, outcome: effect.kind })
    const entry = this.table.get(owner)
    if (!entry || effect.kind === 'ignored') return false
    const previous = entry.addresses
    entry.addresses = effect.addresses
    entry.publication = effect.publication
    if (refreshes) this.touch(owner)
    this.#deps.published(owner, previous, effect.addresses)
    return true
  }

  /** Runs a change and tells who stands among the 20 closest when that list is not the same afterwards. */
  #edit<T>(change: () => T): T {
    const before = this.table.closestToSelf()
    const result = change()
    const after = this.table.closestToSelf()
    if (before.length !== after.length || before.some((entry, i) => entry.peer !== after[i]?.peer)) {
      const ids = (entries: readonly { peer: PeerId }[]) => entries.map(({ peer }) => peer)
      this.#deps.events.emit('closestPeersChanged', { previous: ids(before), current: ids(after) })
    }
    return result
  }

  #newTasks(): TaskGroup {
    return new TaskGroup((error, name) => this.#deps.log.warn('table task failed', { name, error }))
  }
}
