/** In which lane a body goes out (replication.md 30.3 nr 4). Pure. */
import type { Lane } from '../../network/index.ts'
import type { ReplicationBody } from '../../protocol/index.ts'

const LANE_OF: Readonly<Partial<Record<ReplicationBody['kind'], Lane>>> = {
  auditResponse: 'audit',
  subtreeAuditResponse: 'audit',
  subtreeSliceResponse: 'audit',
  getCommitmentByPinResponse: 'audit',
  freshOffer: 'spread',
  fetchResponse: 'spread',
  pointerFetchResponse: 'spread',
}

/** What is not named here are questions, hints and their answers. */
export function laneOf({ kind }: ReplicationBody): Lane {
  return LANE_OF[kind] ?? 'hints'
}
