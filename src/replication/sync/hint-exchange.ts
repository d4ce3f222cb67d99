/**
 * Exchanges hints with neighbours (replication.md 7): rounds and urgent news of ours, answers to theirs. What they hint
 * goes into the pipeline; what we hinted is remembered for audits.
 */
import { Alarm } from '../../base/index.ts'
import type { ChunkAddress, NeighborHints, PeerId, ReplicationBody, StorageCommitment } from '../../protocol/index.ts'
import type { ClaimTracker } from '../audits/claim-tracker.ts'
import { type Parts, report } from '../parts.ts'
import type { HintPipeline } from '../verify/hint-pipeline.ts'
import { closeGroup } from '../view/groups.ts'
import { bytesOf } from '../view/key-bytes.ts'
import type { BootstrapDrain } from './bootstrap-drain.ts'
import type { NeighborSync } from './neighbor-sync.ts'
import type { News } from './news.ts'
import type { RepairProofs } from './repair-proofs.ts'

export interface HintExchangeDeps {
  readonly parts: Parts
  readonly sync: NeighborSync
  readonly news: News
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
  /** A cycle ended: time to prune. */
  cycleEnded(): void
}

/** Hints of one kind in one message: two kinds of them stay far below 10 MiB. */
const MAX_HINTS = 131_072

/** What an answer brought. */
interface Told {
  readonly admitted: readonly ChunkAddress[]
  /** It may have more to say soon. */
  readonly bootstrapping: boolean
}
const NOTHING: Told = { admitted: [], bootstrapping: false }

type Hints = Pick<NeighborHints, 'replicaHints' | 'paidHints'>

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
      const next = Math.min(drain.asked ? this.#roundAt : Infinity, urgent)
      await this.#alarm.until(clock, next === Infinity ? undefined : next, signal)
      const now = clock.monotonic()
      for (const peer of sync.takeUrgent(now)) tasks.spawn('tell news', (inner) => this.#tellNews(peer, inner))
      if (now < this.#roundAt || !drain.asked) continue
      this.#roundAt = now + sync.interval(random)
      tasks.spawn('sync round', (inner) => this.#round(inner))
    }
  }

  /** One of the first questions of a node that joins: resolves with the keys that were new. */
  async ask(peer: PeerId, signal: AbortSignal): Promise<readonly ChunkAddress[] | undefined> {
    const { sync, news, parts } = this.#deps
    news.take(peer)
    const told = await this.#exchange(peer, await this.#allHints(peer, signal), signal)
    if (told) sync.exchanged(peer, parts.clock.monotonic(), told.bootstrapping)
    return told?.admitted
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { sync, cycleEnded, parts } = this.#deps
    const round = sync.startRound(parts.clock.monotonic())
    if (round.cycleEnded) cycleEnded()
    await Promise.all(round.peers.map((peer) => this.#visit(peer, signal)))
  }

  /** The peer, and when it fails the one that takes its place. */
  async #visit(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { sync, parts, news } = this.#deps
    let left: PeerId | undefined = peer
    for (let tries = 0; left !== undefined && tries < 2; tries++) {
      news.take(left)
      const told = await this.#exchange(left, await this.#allHints(left, signal), signal)
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

  /** Exactly the keys whose group gained the peer. */
  async #tellNews(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { news, sync, parts } = this.#deps
    const keys = news.take(peer)
    const hints = { replicaHints: keys, paidHints: [] }
    const told = keys.length === 0 ? NOTHING : await this.#exchange(peer, hints, signal)
    if (told) sync.succeeded(peer, parts.clock.monotonic(), told.bootstrapping)
    else {
      for (const key of keys) news.add(peer, key)
      sync.dropped(peer)
    }
    this.#alarm.ring()
  }

  /** undefined: no answer. */
  async #exchange(peer: PeerId, hints: Hints, signal: AbortSignal): Promise<Told | undefined> {
    const { parts } = this.#deps
    const bootstrapping = parts.bootstrapping()
    const commitment = await this.#deps.commitment()
    const body: ReplicationBody = {
      ...{ kind: 'neighborSyncRequest', ...hints, bootstrapping },
      ...(commitment ? { commitment } : {}),
    }
    const options = { timeoutMs: parts.options.syncTimeoutMs, signal }
    const answer = await parts.messenger.ask(peer, body, 'neighborSyncResponse', options)
    const claims = answer.kind === 'answer' && answer.body.bootstrapping
    parts.metrics.syncs.add(1, { outcome: claims ? 'bootstrapping' : answer.kind })
    if (answer.kind !== 'answer') return undefined
    if (!answer.body.bootstrapping) this.#told(peer, hints.replicaHints)
    if (this.#deps.inTable(peer)) this.#deps.shown(peer, answer.body.commitment)
    return { admitted: this.#take(peer, answer.body), bootstrapping: answer.body.bootstrapping }
  }

  /** A neighbour asks: it always gets our hints; its own count only when it is in our table (7.3). */
  async answer(peer: PeerId, request: NeighborHints, signal: AbortSignal): Promise<ReplicationBody> {
    const { parts, sync, inTable } = this.#deps
    const hints = await this.#allHints(peer, signal)
    if (inTable(peer)) {
      this.#take(peer, request)
      sync.exchanged(peer, parts.clock.monotonic(), request.bootstrapping)
      if (!request.bootstrapping) this.#told(peer, hints.replicaHints)
      this.#deps.shown(peer, request.commitment)
    }
    const bootstrapping = parts.bootstrapping()
    const commitment = await this.#deps.commitment()
    return {
      ...{ kind: 'neighborSyncResponse', ...hints, bootstrapping, rejectedKeys: [] },
      ...(commitment ? { commitment } : {}),
    }
  }

  #take(peer: PeerId, { replicaHints, paidHints, bootstrapping }: NeighborHints): readonly ChunkAddress[] {
    const { parts, pipeline, claims, hinted } = this.#deps
    const { clock, holdings } = parts
    if (!bootstrapping) claims.answered(peer)
    else if (claims.claimed(peer, clock.now()) === 'failure') report(parts, peer, 'bootstrapClaim')
    // Ours: a peer that is bootstrapping has chunks too. After a power cut all are, and nobody would hear of anything.
    const hints = { replica: replicaHints, paid: paidHints }
    const { admitted, overCapacity } = pipeline.hint(peer, hints, holdings, clock.monotonic())
    pipeline.hintsEnd(peer, overCapacity)
    parts.metrics.hints.add(admitted.length, { outcome: 'admitted' })
    parts.metrics.hints.add(overCapacity, { outcome: 'overCapacity' })
    if (admitted.length > 0) hinted()
    return admitted
  }

  #told(peer: PeerId, keys: readonly ChunkAddress[]): void {
    const { proofs, sync, parts } = this.#deps
    const { clock, holdings, options } = parts
    const moment = { now: clock.monotonic(), epoch: sync.epoch }
    for (const key of keys) proofs.told(key, peer, closeGroup(holdings.view, bytesOf(key), options), moment)
  }

  async #allHints(peer: PeerId, signal: AbortSignal): Promise<Hints> {
    const { holdings, options } = this.#deps.parts
    const replicaHints: ChunkAddress[] = []
    const paidHints: ChunkAddress[] = []
    const into = (list: ChunkAddress[]) => (key: ChunkAddress) => {
      if (list.length < MAX_HINTS) list.push(key)
    }
    const { view, index } = holdings
    await holdings.walk(index.keysFor(view, peer, 'stored', options.closeGroupSize), into(replicaHints), signal)
    await holdings.walk(index.keysFor(view, peer, 'paid', options.paidGroupSize), into(paidHints), signal)
    return { replicaHints, paidHints }
  }
}
