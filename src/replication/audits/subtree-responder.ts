/** Answers subtree audits (replication.md 16.2, 17): never unbounded work, never from another commitment. */
import {
  buildProof,
  defaultAuditOptions,
  openBlock,
  type PlannedLeaf,
  plannedLeaves,
  proveLeaf,
  type Refusal,
  RoundOneCooldown,
  type RoundOneWork,
  Sessions,
  startRoundOne,
  startRoundTwo,
  WorkBudget,
} from '../../audit/index.ts'
import { CodedError } from '../../base/index.ts'
import type {
  ChunkAddress,
  PeerId,
  ReplicationBody,
  SliceItem,
  SubtreeLeaf,
  SubtreeRejectKind,
} from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import type { Commitments } from './commitments.ts'
import { withChunk } from './with-chunk.ts'

type RoundOne = Extract<ReplicationBody, { kind: 'subtreeAuditChallenge' }>
type RoundTwo = Extract<ReplicationBody, { kind: 'subtreeSliceChallenge' }>

const READ_TRIES = 3
const READ_PAUSE_MS = 200

export type ResponderParts = Pick<Parts, 'auditStore' | 'bootstrapping' | 'clock' | 'kernels' | 'self'>

export class SubtreeResponder {
  readonly #parts: ResponderParts
  readonly #commitments: Pick<Commitments, 'retention'>
  readonly #sessions: Sessions
  readonly #cooldown: RoundOneCooldown
  readonly #budget: WorkBudget

  constructor(parts: ResponderParts, commitments: Pick<Commitments, 'retention'>, options = defaultAuditOptions) {
    this.#parts = parts
    this.#commitments = commitments
    this.#sessions = new Sessions(options)
    this.#cooldown = new RoundOneCooldown(options)
    this.#budget = new WorkBudget(parts.clock.monotonic(), options)
  }

  /** A node that joins says so: it costs nothing, and takes nobody's turn. undefined: it has caught up. */
  joining({ challengeId }: RoundOne): ReplicationBody | undefined {
    if (!this.#parts.bootstrapping()) return undefined
    return { kind: 'subtreeAuditResponse', result: refused(challengeId, { kind: 'bootstrapping' }) }
  }

  /** undefined: over the budget or too early, no answer. Rejects only with the signal's reason, as `roundTwo`. */
  async roundOne(peer: PeerId, challenge: RoundOne, signal: AbortSignal): Promise<ReplicationBody | undefined> {
    const { bootstrapping, clock, self } = this.#parts
    const now = clock.monotonic()
    if (!this.#budget.admits(now) || !this.#cooldown.take(peer, now)) return undefined
    const own = { peer: self, bootstrapping: bootstrapping(), retention: this.#commitments.retention }
    const work = startRoundOne(challenge, own, now)
    if (work.kind !== 'work') return { kind: 'subtreeAuditResponse', result: refused(challenge.challengeId, work) }
    const leaves: SubtreeLeaf[] = []
    try {
      for (const planned of plannedLeaves(work.signed.tree, work.plan)) {
        const leaf = await this.#leaf(planned, challenge, signal)
        if (typeof leaf === 'string') return this.#rejectOne(challenge, leaf)
        leaves.push(leaf)
      }
    } finally {
      // Also of a round that ends in a refusal: its reads were work.
      this.#budget.charge(leaves, clock.monotonic())
    }
    return this.#open(peer, challenge, work, leaves)
  }

  #open(
    peer: PeerId,
    challenge: RoundOne,
    { signed, plan }: RoundOneWork,
    leaves: readonly SubtreeLeaf[],
  ): ReplicationBody {
    const { challengeId, nonce } = challenge
    const audited = new Set(leaves.map(({ key }) => key))
    const session = { pin: signed.pin, nonce, audited, pointerRoots: new Map<ChunkAddress, Uint8Array>() }
    if (!this.#sessions.open(peer, challengeId, session, this.#parts.clock.monotonic()))
      return this.#rejectOne(challenge, 'transient')
    const proof = buildProof(signed.tree, plan, leaves)
    return {
      kind: 'subtreeAuditResponse',
      result: { kind: 'proof', challengeId, commitment: signed.commitment, proof },
    }
  }

  async roundTwo(peer: PeerId, challenge: RoundTwo, signal: AbortSignal): Promise<ReplicationBody> {
    const { clock, self } = this.#parts
    const { challengeId } = challenge
    const work = startRoundTwo(challenge, peer, { peer: self, sessions: this.#sessions }, clock.monotonic())
    if (work.kind !== 'work') return { kind: 'subtreeSliceResponse', result: refused(challengeId, work) }
    const items: SliceItem[] = []
    const absent = new Set<ChunkAddress>()
    for (const opening of challenge.openings) {
      signal.throwIfAborted()
      if (absent.has(opening.key)) continue
      let item: SliceItem | undefined
      try {
        item = await this.#read(opening.key, (content) => openBlock(opening, content, challenge, this.#parts.kernels))
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        // A disk that fails for now has not lost the chunk: absent would cost us 5.0.
        const reason = 'a committed chunk cannot be read now'
        return { kind: 'subtreeSliceResponse', result: { kind: 'rejected', challengeId, reject: 'transient', reason } }
      }
      if (item) items.push(item)
      else absent.add(opening.key)
    }
    const there = items.filter(({ key }) => !absent.has(key))
    const gone = [...absent].map((key) => ({ kind: 'absent' as const, key }))
    return { kind: 'subtreeSliceResponse', result: { kind: 'items', challengeId, items: [...there, ...gone] } }
  }

  /** The leaf, or how round 1 is refused: a missing chunk for good, a disk that fails for now. */
  async #leaf(
    planned: PlannedLeaf,
    challenge: RoundOne,
    signal: AbortSignal,
  ): Promise<SubtreeLeaf | SubtreeRejectKind> {
    const { clock } = this.#parts
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted()
      try {
        const leaf = await this.#read(planned.key, (content) =>
          proveLeaf(planned, content, challenge, this.#parts.kernels),
        )
        return leaf ?? 'protocol'
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        if (tries === READ_TRIES) return 'transient'
        await clock.sleep(READ_PAUSE_MS, signal)
      }
    }
  }

  /** Proofs and slices are copies: nothing of the content is kept. */
  #read<T>(key: ChunkAddress, work: (content: Uint8Array) => Promise<T>): Promise<T | undefined> {
    return withChunk(this.#parts.auditStore, key, work)
  }

  #rejectOne({ challengeId }: RoundOne, reject: SubtreeRejectKind): ReplicationBody {
    const reason = reject === 'protocol' ? 'a committed chunk is not there' : 'a committed chunk cannot be read now'
    return { kind: 'subtreeAuditResponse', result: { kind: 'rejected', challengeId, reject, reason } }
  }
}

function refused(challengeId: bigint, refusal: Refusal) {
  return refusal.kind === 'bootstrapping'
    ? { kind: 'bootstrapping' as const, challengeId }
    : { kind: 'rejected' as const, challengeId, reject: refusal.reject, reason: refusal.reason }
}
