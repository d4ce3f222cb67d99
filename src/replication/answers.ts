/**
 * What a node without a replication engine truthfully answers (wire.md 15.3, 19): it is bootstrapping, hints nothing,
 * says which chunks it holds and hands them out. Neighbours tolerate this for 24 h.
 */
import { CodedError } from '../base/index.ts'
import {
  MAX_POINTER_STATES,
  MAX_VERIFICATION_KEYS,
  type ReplicationBody,
  type VerificationResult,
} from '../protocol/index.ts'
import type { ChunkStore } from '../storage/index.ts'

type BodyOf<Kind extends ReplicationBody['kind']> = Extract<ReplicationBody, { kind: Kind }>

/** undefined: no answer. */
export async function answerTo(
  body: ReplicationBody,
  store: Pick<ChunkStore, 'has' | 'get'>,
): Promise<ReplicationBody | undefined> {
  switch (body.kind) {
    case 'neighborSyncRequest':
      return { kind: 'neighborSyncResponse', replicaHints: [], paidHints: [], bootstrapping: true, rejectedKeys: [] }
    case 'verificationRequest':
      return { kind: 'verificationResponse', results: verificationResults(body, store) }
    case 'fetchRequest':
      return fetchResponse(body, store)
    case 'auditChallenge':
      return { kind: 'auditResponse', result: { kind: 'bootstrapping', challengeId: body.challengeId } }
    case 'subtreeAuditChallenge':
      return { kind: 'subtreeAuditResponse', result: { kind: 'bootstrapping', challengeId: body.challengeId } }
    case 'subtreeSliceChallenge':
      return { kind: 'subtreeSliceResponse', result: { kind: 'bootstrapping', challengeId: body.challengeId } }
    case 'getCommitmentByPin':
      return { kind: 'getCommitmentByPinResponse', result: { kind: 'notRetained', pin: body.pin } }
    case 'pointerFetchRequest':
      return { kind: 'pointerFetchResponse', address: body.address }
    case 'pointerStateRequest':
      if (body.addresses.length > MAX_POINTER_STATES) return undefined
      return { kind: 'pointerStateResponse', states: body.addresses.map(() => undefined) }
    default:
      return undefined
  }
}

/** replication.md 9.2: too many keys, or more indexes than keys, gets an empty list; an index out of range is ignored. */
function verificationResults(
  body: BodyOf<'verificationRequest'>,
  store: Pick<ChunkStore, 'has'>,
): VerificationResult[] {
  const { keys, paidListCheckIndices } = body
  if (keys.length > MAX_VERIFICATION_KEYS || paidListCheckIndices.length > keys.length) return []
  const paidAsked = new Set(paidListCheckIndices)
  return keys.map((key, index) => ({ key, present: store.has(key), ...(paidAsked.has(index) ? { paid: false } : {}) }))
}

async function fetchResponse(
  { key }: BodyOf<'fetchRequest'>,
  store: Pick<ChunkStore, 'get'>,
): Promise<ReplicationBody> {
  try {
    const data = await store.get(key)
    return { kind: 'fetchResponse', result: data ? { kind: 'success', key, data } : { kind: 'notFound', key } }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return { kind: 'fetchResponse', result: { kind: 'error', key, reason: 'the chunk cannot be read' } }
  }
}
