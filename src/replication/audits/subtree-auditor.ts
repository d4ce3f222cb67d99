/** Audits others over their commitments (replication.md 16.4, 17 to 20): when one is due, both rounds, and the grade. */
import {
  chooseOpenings,
  digestDeadlineMs,
  GossipTrigger,
  gradeSubtreeAudit,
  judgeRoundOne,
  judgeRoundTwo,
  type LaunchStamps,
  type PeerCommitment,
  PeerCommitments,
  type Pin,
  RecentProvers,
  type SubtreeGrade,
  type SubtreeOutcome,
  sliceDeadlineMs,
  subtreeSpan,
} from '../../audit/index.ts'
import { fromHex } from '../../base/index.ts'
import type { Verifier } from '../../crypto/index.ts'
import {
  type ChunkAddress,
  MAX_COMMITMENT_KEYS,
  type PeerId,
  type StorageCommitment,
  type SubtreeLeaf,
  short,
  verifyStorageCommitment,
} from '../../protocol/index.ts'
import { type Parts, report } from '../parts.ts'
import type { ClaimTracker } from './claim-tracker.ts'

const NONCE_BYTES = 32

export class SubtreeAuditor {
  readonly #parts: Parts
  readonly #verifier: Verifier
  readonly #claims: ClaimTracker
  readonly #known = new PeerCommitments()
  readonly #gossip: GossipTrigger
  readonly #provers = new RecentProvers()

  /** `launches`: shared with first audits. */
  constructor(parts: Parts, verifier: Verifier, claims: ClaimTracker, launches: LaunchStamps) {
    this.#gossip = new GossipTrigger(launches)
    this.#parts = parts
    this.#verifier = verifier
    this.#claims = claims
  }

  /** A commitment came with a sync message of a peer of the table (14.3). All gates are silent. */
  shown(peer: PeerId, commitment: StorageCommitment | undefined): void {
    const { clock, tasks } = this.#parts
    if (!commitment || !this.#known.admits(commitment, peer, clock.monotonic())) return
    tasks.spawn('commitment', async (signal) => {
      if (!(await verifyStorageCommitment(commitment, this.#verifier))) return
      const { pin } = this.#known.accept(commitment, clock.monotonic())
      if (this.#parts.bootstrapping() || !this.#due(peer)) return
      await this.audit(peer, pin, commitment.keyCount, signal)
    })
  }

  /** 9.4: whether the "present" of a peer counts for a key that we hold. */
  credited(peer: PeerId, key: ChunkAddress): boolean {
    if (!this.#known.isCapable(peer)) return true
    const latest = this.#known.latest(peer)
    return latest !== undefined && this.#provers.credits(key, peer, latest.pin, this.#parts.clock.monotonic())
  }

  /** What a peer showed less than 3 h ago. */
  recent(peer: PeerId): PeerCommitment | undefined {
    return this.#known.auditable(peer, this.#parts.clock.monotonic())
  }

  forget(peer: PeerId): void {
    this.#provers.forget(peer)
    this.#known.forget(peer)
    this.#gossip.forget(peer)
  }

  #due(peer: PeerId): boolean {
    const { clock, random } = this.#parts
    return this.#gossip.audits(peer, clock.monotonic(), random)
  }

  /** Both rounds to their grade. Rejects only with the signal's reason. */
  async audit(peer: PeerId, pin: Pin, keyCount: number, signal: AbortSignal): Promise<SubtreeGrade> {
    const { messenger, metrics, random } = this.#parts
    const challenge = { challengeId: messenger.newId(), nonce: random.bytes(NONCE_BYTES), challengedPeer: peer, pin }
    const { outcome, leaves } = await this.#rounds(challenge, keyCount, signal)
    const grade = gradeSubtreeAudit(outcome)
    metrics.challenges.add(1, { audit: 'subtree', outcome: outcome.verdict.kind })
    this.#apply(peer, pin, grade, leaves)
    return grade
  }

  async #rounds(
    challenge: { challengeId: bigint; nonce: Uint8Array; challengedPeer: PeerId; pin: Pin },
    keyCount: number,
    signal: AbortSignal,
  ): Promise<{ outcome: SubtreeOutcome; leaves: readonly SubtreeLeaf[] }> {
    const { messenger, random } = this.#parts
    const { challengeId, nonce, challengedPeer, pin } = challenge
    const wire = { challengeId, nonce, challengedPeer, expectedCommitmentHash: fromHex(pin) as Uint8Array }
    const first = await messenger.ask(
      challengedPeer,
      { kind: 'subtreeAuditChallenge', ...wire },
      'subtreeAuditResponse',
      {
        // A count that no tree has must not buy hours.
        timeoutMs: digestDeadlineMs(subtreeSpan(Math.min(keyCount, MAX_COMMITMENT_KEYS))),
        ...{ signal, requestId: challengeId },
      },
    )
    if (first.kind !== 'answer') return { outcome: { round: 1, verdict: unanswered(first.kind) }, leaves: [] }
    const proven = await judgeRoundOne(first.body.result, challenge, this.#verifier)
    if (proven.kind !== 'proven') return { outcome: { round: 1, verdict: proven }, leaves: [] }
    const { leaves } = proven
    // Drawn only now: known earlier, the sample could be fetched from others.
    const openings = chooseOpenings(leaves, random)
    const second = await messenger.ask(
      challengedPeer,
      { kind: 'subtreeSliceChallenge', ...wire, openings },
      'subtreeSliceResponse',
      { timeoutMs: sliceDeadlineMs(openings.length), signal, requestId: challengeId },
    )
    if (second.kind !== 'answer') return { outcome: { round: 2, verdict: unanswered(second.kind) }, leaves }
    const byKey = new Map(leaves.map((leaf) => [leaf.key, leaf]))
    const verdict = await judgeRoundTwo(second.body.result, { ...challenge, openings, leaves: byKey }, this.#verifier)
    return { outcome: { round: 2, verdict }, leaves }
  }

  #apply(peer: PeerId, pin: Pin, grade: SubtreeGrade, leaves: readonly SubtreeLeaf[]): void {
    const { clock, log } = this.#parts
    const now = clock.monotonic()
    this.#provers.expire(now)
    if (grade.trust === 'failure') {
      log.info('a subtree audit failed', { peer: short(peer) })
      report(this.#parts, peer, 'subtreeAudit')
    } else if (grade.trust === 'success') report(this.#parts, peer, 'auditPassed')
    if (grade.credit === 'record') for (const { key } of leaves) this.#provers.record(key, peer, pin, now)
    else if (grade.credit === 'revokePin') this.#provers.forget(peer, pin)
    else if (grade.credit === 'dropAll') this.#provers.forget(peer)
    if (grade.claim === 'clear') this.#claims.answered(peer)
    else if (grade.claim === 'observe' && this.#claims.claimed(peer, clock.monotonic()) === 'failure')
      report(this.#parts, peer, 'bootstrapClaim')
  }
}

function unanswered(kind: 'silent' | 'malformed'): { kind: 'silent' } | { kind: 'malformed' } {
  return kind === 'silent' ? { kind: 'silent' } : { kind: 'malformed' }
}
