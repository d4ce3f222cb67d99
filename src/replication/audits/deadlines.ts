/** How long an auditor waits for our answer (replication.md 2.2), told by what it asks. Pure. */
import { digestDeadlineMs, type Pin, pinOf, sliceDeadlineMs, subtreeSpan } from '../../audit/index.ts'
import type { ReplicationBody } from '../../protocol/index.ts'

/**
 * Milliseconds; undefined for what is no audit, and for round 1 under a pin that is not ours: refused at once.
 * `committed`: keys of the tree that we showed under a pin.
 */
export function auditDeadlineMs(
  body: ReplicationBody,
  committed: (pin: Pin) => number | undefined,
): number | undefined {
  switch (body.kind) {
    case 'auditChallenge':
      return digestDeadlineMs(body.keys.length)
    case 'subtreeAuditChallenge': {
      const keys = committed(pinOf(body.expectedCommitmentHash))
      return keys === undefined ? undefined : digestDeadlineMs(subtreeSpan(keys))
    }
    case 'subtreeSliceChallenge':
      return sliceDeadlineMs(body.openings.length)
    default:
      return undefined
  }
}
