/** Whether answers authorise a key (replication.md 9.3). Pure. */
import type { ReplicationOptions } from '../options.ts'

export type QuorumOptions = Pick<
  ReplicationOptions,
  'quorumThreshold' | 'paidGroupSize' | 'paidEdge' | 'paidQuorumFloor'
>

/** What is known of a group's answers so far; nobody counts twice. */
export interface PresenceVotes {
  /** Peers asked: the 7 closest without self. */
  readonly targets: number
  readonly positive: number
  readonly unresolved: number
}

/** Of the paid group: `members` counts self, who neither votes nor is asked. */
export interface PaidVotes {
  readonly members: number
  readonly confirmed: number
  readonly unresolved: number
  /** Of the farthest members of a full group; 0 when it is not full. */
  readonly edge: number
  readonly edgeConfirmed: number
  readonly edgeUnresolved: number
}

export type QuorumResult = 'quorumVerified' | 'paidListVerified' | 'quorumFailed' | 'quorumInconclusive'

export function quorumNeeded(targets: number, { quorumThreshold }: QuorumOptions): number {
  return targets === 0 ? 0 : Math.min(quorumThreshold, Math.floor(targets / 2) + 1)
}

/**
 * So many of the close group lack the key, by their own word, that a bare quorum holds it at most; whoever says that he
 * holds it may lie.
 */
export function isShort(
  absent: number,
  { closeGroupSize, quorumThreshold }: Pick<ReplicationOptions, 'closeGroupSize' | 'quorumThreshold'>,
): boolean {
  return absent >= closeGroupSize - quorumThreshold
}

/** At least 1. An edge member is in the denominator only when it confirms; an unreachable other member stays in it. */
export function paidNeeded(members: number, edgeSilent: number, { paidQuorumFloor }: QuorumOptions): number {
  return Math.max(Math.floor((members - edgeSilent) / 2) + 1, Math.min(paidQuorumFloor, members))
}

/** Presence wins over paid when both hold. */
export function decide(presence: PresenceVotes, paid: PaidVotes, options: QuorumOptions): QuorumResult {
  const needed = quorumNeeded(presence.targets, options)
  const present = (positive: number) => positive >= needed && positive > 0
  if (present(presence.positive)) return 'quorumVerified'
  const paidBy = (confirmed: number, edgeConfirmed: number) =>
    confirmed >= paidNeeded(paid.members, paid.edge - edgeConfirmed, options)
  if (paidBy(paid.confirmed, paid.edgeConfirmed)) return 'paidListVerified'
  const mayBePresent = present(presence.positive + presence.unresolved)
  const mayBePaid = paidBy(paid.confirmed + paid.unresolved, paid.edgeConfirmed + paid.edgeUnresolved)
  return mayBePresent || mayBePaid ? 'quorumInconclusive' : 'quorumFailed'
}
