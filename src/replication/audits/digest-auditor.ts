/** Asks neighbours for digests of keys that both of us hold (replication.md 15), now and then. */
import { confirmDigests, digestKeysToAsk } from '../../audit/index.ts'
import { messageOf, randomBelow, randomBetween, shuffled } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../protocol/index.ts'
import type { Extender } from '../extend/extender.ts'
import { type Parts, report } from '../parts.ts'
import type { NeighborSync } from '../sync/neighbor-sync.ts'
import type { RepairProofs } from '../sync/repair-proofs.ts'
import { closeGroup } from '../view/groups.ts'
import type { Challenger } from './challenger.ts'
import type { ClaimTracker } from './claim-tracker.ts'

/** Keys that are tried for a sample. */
const LOOKED_AT = 2048

export interface DigestAuditorDeps {
  readonly parts: Parts
  readonly sync: NeighborSync
  readonly proofs: RepairProofs
  readonly claims: ClaimTracker
  readonly challenger: Challenger
  readonly extender: Pick<Extender, 'lacks' | 'doubt'>
  /** Keys of the commitment that a peer showed of late. */
  committedKeys(peer: PeerId): number | undefined
}

export class DigestAuditor {
  readonly #deps: DigestAuditorDeps

  constructor(deps: DigestAuditorDeps) {
    this.#deps = deps
  }

  /** Starts when the node has caught up: one audit at once, then one every 10 to 20 minutes. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, options, random } = this.#deps.parts
    for (;;) {
      try {
        await this.audit(signal)
      } catch (error) {
        signal.throwIfAborted()
        log.error('a digest audit failed in itself', { error: messageOf(error) })
      }
      await clock.sleep(randomBetween(random, options.auditTickMinMs, options.auditTickMaxMs), signal)
    }
  }

  /** One audit of a peer drawn by chance; nothing when there is nobody or no key to ask about. */
  async audit(signal: AbortSignal): Promise<'idle' | 'passed' | 'failed'> {
    const { parts, sync, challenger, claims, extender } = this.#deps
    const { dht, holdings, random } = parts
    const peers = holdings.view.peers.filter(
      (peer) => peer !== parts.self && sync.auditable(peer) && !dht.suspected(peer),
    )
    const peer = peers[randomBelow(random, peers.length)]
    if (peer === undefined) return 'idle'
    const keys = this.#keysFor(peer)
    if (keys.length === 0) return 'idle'
    const verdict = await challenger.challenge({ peer, keys, audit: 'digest' }, signal)
    if (verdict.kind === 'bootstrapping') {
      this.#doubt(peer)
      if (claims.claimed(peer, parts.clock.monotonic()) === 'failure') report(parts, peer, 'bootstrapClaim')
      return 'idle'
    }
    if (verdict.kind === 'unheard') return 'idle'
    if (verdict.kind !== 'timeout') claims.answered(peer)
    if (verdict.kind === 'idle') return 'idle'
    if (verdict.kind === 'pass') {
      report(parts, peer, 'auditPassed')
      return 'passed'
    }
    if (verdict.kind === 'failed') {
      const failures = verdict.failures as Parameters<typeof confirmDigests>[0]
      if (confirmDigests(failures, (key) => this.#responsible(peer, key)).kind === 'idle') return 'idle'
      extender.lacks(
        failures.map(({ key }) => key),
        peer,
      )
      this.#doubt(peer)
    }
    report(parts, peer, 'digestAudit')
    return 'failed'
  }

  /** What a sample shows may be true of whatever else the peer was told of; who still joins, or says so, may lack it. */
  #doubt(peer: PeerId): void {
    this.#deps.extender.doubt([...this.#due(peer, [...this.#deps.proofs.keysTold(peer)])])
  }

  /** A sample of our keys that the peer is responsible for and has had the time to fetch. */
  #keysFor(peer: PeerId): ChunkAddress[] {
    const { parts, proofs, committedKeys } = this.#deps
    const told = [...proofs.keysTold(peer)]
    // A small neighbour of a large node has to refuse what is natural for us: it holds what it was told of, or more.
    const holds = Math.max(told.length, committedKeys(peer) ?? 0)
    const sample: ChunkAddress[] = []
    const size = digestKeysToAsk(parts.store.size, holds)
    for (const key of this.#due(peer, told)) {
      if (sample.length >= size) break
      sample.push(key)
    }
    return sample
  }

  /** In no order, those of the keys told that we hold and that the peer should hold by now. */
  *#due(peer: PeerId, told: readonly ChunkAddress[]): Generator<ChunkAddress> {
    const { parts, proofs, sync } = this.#deps
    const { clock, random, store } = parts
    const moment = { now: clock.monotonic(), epoch: sync.epoch }
    // No more than a slice of work: where few of the keys will do, a smaller sample must.
    for (const key of shuffled(random, told).slice(0, LOOKED_AT))
      if (store.has(key) && proofs.mature(key, peer, moment) && this.#responsible(peer, key)) yield key
  }

  #responsible(peer: PeerId, key: ChunkAddress): boolean {
    const { holdings, options } = this.#deps.parts
    return closeGroup(holdings.view, keyOf(key), options).includes(peer)
  }
}
