/**
 * Exchanges hints with neighbours (replication.md 7): rounds and urgent news of ours, answers to theirs. What they hint
 * goes into the pipeline; what we hinted is remembered for audits.
 */
import { Alarm } from '../../base/index.ts'
import {
  type ChunkAddress,
  keyOf,
  type NeighborHints,
  type PeerId,
  type ReplicationBody,
  type StorageCommitment,
} from '../../protocol/index.ts'
import type { ClaimTracker } from '../audits/claim-tracker.ts'
import { type Parts, report } from '../parts.ts'
import type { HintPipeline } from '../verify/hint-pipeline.ts'
import { closeGroup } from '../view/groups.ts'
import { ALL_KINDS, type KeyKind } from '../view/hint-index.ts'
import type { BootstrapDrain } from './bootstrap-drain.ts'
import type { HintListMaker, HintLists } from './hint-lists.ts'
import type { NeighborSync } from './neighbor-sync.ts'
import type { RepairProofs } from './repair-proofs.ts'

export interface HintExchangeDeps {
  readonly parts: Parts
  readonly sync: NeighborSync
  readonly lists: HintListMaker
  readonly pipeline: HintPipeline
  readonly claims: ClaimTracker
  readonly proofs: RepairProofs
  readonly drain: BootstrapDrain
  inTable(peer: PeerId): boolean
  /** Ours, marked as shown. */
  commitment(): Promise<StorageCommitment | undefined>
  /** A peer of the table showed its own. */
  shown(peer: PeerId, commitment: StorageCommitment | undefined): void
  /** New keys wait for verification. */
  hinted(): void
  /** Verified keys have a source more. */
  startable(): void
  /** A cycle ended: time to prune. */
  cycleEnded(): void
}

/** Messages to one peer in a row: two million keys. Beyond that the next round goes on. */
const MAX_MESSAGES = 128

/** Keys admitted or noted in one go: some 3 ms. */
const SLICE = 512

/** What an answer brought. */
interface Told {
  readonly admitted: readonly ChunkAddress[]
  /** Its hints did not count. */
  readonly bootstrapping: boolean
}
const NOTHING: Told = { admitted: [], bootstrapping: false }

export class HintExchange {
  readonly #deps: HintExchangeDeps
  readonly #alarm = new Alarm()
  #roundAt = 0

  constructor(deps: HintExchangeDeps) {
    this.#deps = deps
  }

  /** A round now: somebody came. */
  wake(): void {
    this.#roundAt = 0
    this.#alarm.ring()
  }
  /** There may be news to tell. */
  newsCame(): void {
    this.#alarm.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { parts, sync, drain } = this.#deps
    const { clock, options, random, tasks } = parts
    this.#roundAt = clock.monotonic() + sync.interval(random)
    for (;;) {
      // With no place free, the end of a request rings.
      const urgent = sync.outstanding < options.syncPeers ? (sync.nextUrgentAt() ?? Infinity) : Infinity
      // Who joins asks all neighbours already: one of a peer's two questions at once would be dropped.
      const next = drain.asked ? Math.min(this.#roundAt, urgent) : Infinity
      await this.#alarm.until(clock, next === Infinity ? undefined : next, signal)
      const now = clock.monotonic()
      if (!drain.asked) continue
      for (const peer of sync.takeUrgent(now)) tasks.spawn('tell news', (inner) => this.#tellNews(peer, inner))
      if (now < this.#roundAt) continue
      this.#roundAt = now + sync.interval(random)
      tasks.spawn('sync round', (inner) => this.#round(inner))
    }
  }

  /** One of the first questions of a node that joins: resolves with the hinted keys that wait to be dealt with. */
  async ask(peer: PeerId, signal: AbortSignal): Promise<readonly ChunkAddress[] | undefined> {
    const { sync, parts } = this.#deps
    const told = await this.#tell(peer, ALL_KINDS, signal)
    // Asked again soon: a key that reaches no quorum now may do so when others have caught up.
    if (told) sync.exchanged(peer, parts.clock.monotonic(), true)
    return told?.admitted
  }

  /** The hints for the peer, in as many messages as it takes; undefined: no answer to the first one. */
  async #tell(
    peer: PeerId,
    kinds: readonly KeyKind[],
    signal: AbortSignal,
    first?: HintLists,
  ): Promise<(Told & { readonly whole: boolean }) | undefined> {
    const { lists } = this.#deps
    let hints = first ?? (await lists.make(peer, { kinds }, signal))
    let told = await this.#exchange(peer, hints, signal)
    if (!told) return undefined
    const admitted = [...told.admitted]
    for (let messages = 1; hints.more && messages < MAX_MESSAGES; messages++) {
      hints = await lists.make(peer, { kinds, restOnly: true }, signal)
      const more = await this.#exchange(peer, hints, signal)
      if (!more) return { ...told, admitted, whole: false }
      told = more
      for (const key of told.admitted) admitted.push(key)
    }
    return { ...told, admitted, whole: true }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { sync, cycleEnded, parts } = this.#deps
    const round = sync.startRound(parts.clock.monotonic())
    if (round.cycleEnded) cycleEnded()
    await Promise.all(round.peers.map((peer) => this.#visit(peer, signal)))
  }

  /** The peer, and when it fails the one that takes its place. */
  async #visit(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { sync, parts } = this.#deps
    let left: PeerId | undefined = peer
    for (let tries = 0; left !== undefined && tries < 2; tries++) {
      const told = await this.#tell(left, ALL_KINDS, signal)
      const now = parts.clock.monotonic()
      if (told) {
        sync.succeeded(left, now, told.bootstrapping)
        this.#alarm.ring()
        return
      }
      left = sync.failed(left, now)
    }
    if (left !== undefined) sync.dropped(left)
    this.#alarm.ring()
  }

  /** Replica hints that are new for the peer: most often exactly the keys whose group gained it. */
  async #tellNews(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { lists, sync, parts } = this.#deps
    const kinds = ['stored'] as const
    const first = await lists.make(peer, { kinds }, signal)
    // It has heard of them in a round meanwhile.
    if (first.replicaHints.length === 0) sync.needless(peer)
    else {
      const told = await this.#tell(peer, kinds, signal, first)
      if (told?.whole) sync.succeeded(peer, parts.clock.monotonic(), told.bootstrapping)
      else sync.dropped(peer)
    }
    this.#alarm.ring()
  }

  /** undefined: no answer. */
  async #exchange(peer: PeerId, hints: HintLists, signal: AbortSignal): Promise<Told | undefined> {
    const { parts } = this.#deps
    const bootstrapping = parts.bootstrapping()
    const commitment = await this.#deps.commitment()
    const { replicaHints, paidHints } = hints
    const body: ReplicationBody = {
      ...{ kind: 'neighborSyncRequest', replicaHints, paidHints, bootstrapping },
      ...(commitment ? { commitment } : {}),
    }
    const options = { timeoutMs: parts.options.syncTimeoutMs, signal }
    const answer = await parts.messenger.ask(peer, body, 'neighborSyncResponse', options)
    const claims = answer.kind === 'answer' && answer.body.bootstrapping
    parts.metrics.syncs.add(1, { outcome: claims ? 'bootstrapping' : answer.kind })
    if (answer.kind !== 'answer') return undefined
    // It left the table while it was asked: it answered, and that is all.
    if (!this.#deps.inTable(peer)) return NOTHING
    this.#deps.shown(peer, answer.body.commitment)
    hints.heard(answer.body)
    if (!answer.body.bootstrapping && hints.whole) await this.#told(peer, replicaHints, signal)
    const admitted = await this.#take(peer, answer.body, signal)
    return { admitted, bootstrapping: answer.body.bootstrapping }
  }

  /** A neighbour asks: it always gets our hints; its own count only when it is in our table (7.3). */
  async answer(peer: PeerId, request: NeighborHints, signal: AbortSignal): Promise<ReplicationBody> {
    const { parts, sync, inTable, lists } = this.#deps
    const { bootstrapping: all } = request
    if (all) lists.joins(peer)
    const hints = await lists.make(peer, { kinds: ALL_KINDS, inAnswer: true, all }, signal)
    const { replicaHints, paidHints } = hints
    const member = inTable(peer)
    if (member) {
      sync.exchanged(peer, parts.clock.monotonic(), request.bootstrapping)
      this.#deps.shown(peer, request.commitment)
      // Before the answer, so that the places of its pool bound this work too.
      await this.#take(peer, request, signal)
      if (!request.bootstrapping && hints.whole) await this.#told(peer, replicaHints, signal)
    }
    const bootstrapping = parts.bootstrapping()
    const commitment = await this.#deps.commitment()
    // Should it have left meanwhile, this does not count.
    if (member) hints.heard(request)
    return {
      ...{ kind: 'neighborSyncResponse', replicaHints, paidHints, bootstrapping, rejectedKeys: [] },
      ...(commitment ? { commitment } : {}),
    }
  }

  /** Hints of a peer of the table, in slices that leave the event loop to others. */
  async #take(
    peer: PeerId,
    { replicaHints, paidHints, bootstrapping }: NeighborHints,
    signal: AbortSignal,
  ): Promise<readonly ChunkAddress[]> {
    const { parts, pipeline, claims, hinted, startable } = this.#deps
    const { clock, holdings } = parts
    if (bootstrapping) {
      if (claims.claimed(peer, clock.monotonic()) === 'failure') report(parts, peer, 'bootstrapClaim')
      return []
    }
    claims.answered(peer)
    const admitted: ChunkAddress[] = []
    let overCapacity = 0
    for (const slice of slices(replicaHints, paidHints)) {
      const taken = pipeline.hint(peer, slice, holdings, clock.monotonic())
      for (const key of taken.admitted) admitted.push(key)
      overCapacity += taken.overCapacity
      if (taken.startable > 0) startable()
      if (slice.more) await holdings.pause(signal)
    }
    pipeline.hintsEnd(peer, overCapacity)
    parts.metrics.hints.add(admitted.length, { outcome: 'admitted' })
    parts.metrics.hints.add(overCapacity, { outcome: 'overCapacity' })
    if (admitted.length > 0) hinted()
    // A round that a neighbour's arrival caused may have brought a key first: a node that joins waits for it all the same.
    return parts.bootstrapping() ? [...replicaHints, ...paidHints].filter((key) => pipeline.has(key)) : admitted
  }

  async #told(peer: PeerId, keys: readonly ChunkAddress[], signal: AbortSignal): Promise<void> {
    const { proofs, sync, parts } = this.#deps
    const { clock, holdings, options } = parts
    const moment = { now: clock.monotonic(), epoch: sync.epoch }
    for (const [i, key] of keys.entries()) {
      if ((i + 1) % SLICE === 0) await holdings.pause(signal)
      proofs.told(key, peer, closeGroup(holdings.view, keyOf(key), options), moment)
    }
  }
}

/** Replica hints first, so that a key of both lists is a replica. */
function* slices(replica: readonly ChunkAddress[], paid: readonly ChunkAddress[]) {
  for (let at = 0; at < replica.length; at += SLICE)
    yield { replica: replica.slice(at, at + SLICE), paid: [], more: at + SLICE < replica.length || paid.length > 0 }
  for (let at = 0; at < paid.length; at += SLICE)
    yield { replica: [], paid: paid.slice(at, at + SLICE), more: at + SLICE < paid.length }
}
