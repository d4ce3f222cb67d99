/**
 * What a responder decides before it reads a byte (replication.md 16.2, 17). A refusal is an answer; what the pools and
 * the cool-down drop gets none, and is not this file's.
 */
import { equal } from '../base/index.ts'
import type { PeerId, SliceOpening, SubtreeChallenge, SubtreeRejectKind } from '../protocol/index.ts'
import { pinOf, type SignedTree } from './commitment.ts'
import type { Retention } from './retention.ts'
import type { Session, Sessions } from './sessions.ts'
import { checkOpenings } from './slices.ts'
import { type SubtreePlan, subtreePlan, subtreeSpan } from './subtree-plan.ts'

export type Refusal =
  | { readonly kind: 'bootstrapping' }
  | { readonly kind: 'rejected'; readonly reject: SubtreeRejectKind; readonly reason: string }

export interface RoundOneWork {
  readonly kind: 'work'
  readonly signed: SignedTree
  readonly plan: SubtreePlan
}

/** `retention` is undefined while there is no commitment state at all. Never answers from another commitment. */
export function startRoundOne(
  challenge: SubtreeChallenge,
  own: { readonly peer: PeerId; readonly bootstrapping: boolean; readonly retention: Retention | undefined },
  now: number,
): RoundOneWork | Refusal {
  if (own.bootstrapping) return { kind: 'bootstrapping' }
  if (challenge.challengedPeer !== own.peer) return rejected('protocol', 'the challenge is for another peer')
  const signed = own.retention?.find(pinOf(challenge.expectedCommitmentHash), now)
  if (signed === undefined) return rejected('unknownCommitment', 'no such commitment is retained')
  const plan = subtreePlan(challenge.nonce, signed.tree.keyCount)
  if (plan === undefined || plan.endLeaf - plan.firstLeaf > subtreeSpan(signed.tree.keyCount)) {
    return rejected('protocol', 'the commitment has no such subtree')
  }
  return { kind: 'work', signed, plan }
}

export interface RoundTwoWork {
  readonly kind: 'work'
  readonly session: Session
}

/** Consumes the session whatever follows: one round 2 per round 1. */
export function startRoundTwo(
  challenge: SubtreeChallenge & { readonly openings: readonly SliceOpening[] },
  from: PeerId,
  own: { readonly peer: PeerId; readonly sessions: Sessions },
  now: number,
): RoundTwoWork | Refusal {
  if (challenge.challengedPeer !== own.peer) return rejected('protocol', 'the challenge is for another peer')
  const session = own.sessions.consume(from, challenge.challengeId, now)
  if (session === undefined) return rejected('transient', 'no live round-1 session')
  // Ours (unverified in the network's node): openings under another nonce or pin belong to no round 1.
  const same = session.pin === pinOf(challenge.expectedCommitmentHash) && equal(session.nonce, challenge.nonce)
  if (!same) return rejected('transient', 'no live round-1 session')
  const fault = checkOpenings(challenge.openings, session.audited)
  return fault === undefined ? { kind: 'work', session } : rejected('protocol', `openings refused: ${fault}`)
}

function rejected(reject: SubtreeRejectKind, reason: string): Refusal {
  return { kind: 'rejected', reject, reason }
}
