/** Answers that need no state of the engine: who holds what, and the bytes of a chunk (replication.md 9.2, 10). */
import { CodedError } from '../../base/index.ts'
import {
  type ChunkAddress,
  MAX_POINTER_STATES,
  MAX_VERIFICATION_KEYS,
  type ReplicationBody,
  type VerificationResult,
} from '../../protocol/index.ts'
import type { ChunkStore } from '../../storage/index.ts'
import type { ReplicationMetrics } from '../metrics.ts'

type BodyOf<Kind extends ReplicationBody['kind']> = Extract<ReplicationBody, { kind: Kind }>

export interface Holder {
  stored(key: ChunkAddress): boolean
  paid(key: ChunkAddress): boolean
}

/** Too many keys, or more indexes than keys, gets an empty list; an index out of range is ignored. */
export function verificationResponse(
  { keys, paidListCheckIndices }: BodyOf<'verificationRequest'>,
  holder: Holder,
): ReplicationBody {
  const tooMuch = keys.length > MAX_VERIFICATION_KEYS || paidListCheckIndices.length > keys.length
  if (tooMuch) return { kind: 'verificationResponse', results: [] }
  const paidAsked = new Set(paidListCheckIndices)
  const result = (key: ChunkAddress, index: number): VerificationResult => ({
    ...{ key, present: holder.stored(key) },
    ...(paidAsked.has(index) ? { paid: holder.paid(key) } : {}),
  })
  return { kind: 'verificationResponse', results: keys.map(result) }
}

/** What a peer may still take. */
export interface PeerBudget {
  isOpen(): boolean
  charge(bytes: number): void
}

/** Any stored key to any authenticated peer, verified on read. */
export async function fetchResponse(
  { key }: BodyOf<'fetchRequest'>,
  store: Pick<ChunkStore, 'get'>,
  metrics: Pick<ReplicationMetrics, 'sentBytes'>,
  budget: PeerBudget,
): Promise<ReplicationBody> {
  if (!budget.isOpen())
    return { kind: 'fetchResponse', result: { kind: 'error', key, reason: 'too many bytes for one peer' } }
  try {
    const data = await store.get(key)
    if (data) {
      budget.charge(data.length)
      metrics.sentBytes.add(data.length, { by: 'fetch' })
    }
    return { kind: 'fetchResponse', result: data ? { kind: 'success', key, data } : { kind: 'notFound', key } }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return { kind: 'fetchResponse', result: { kind: 'error', key, reason: 'the chunk cannot be read' } }
  }
}

/** No pointers are held yet; undefined: no answer. */
export function pointerAnswer(body: ReplicationBody): ReplicationBody | undefined {
  if (body.kind === 'pointerFetchRequest') return { kind: 'pointerFetchResponse', address: body.address }
  if (body.kind !== 'pointerStateRequest' || body.addresses.length > MAX_POINTER_STATES) return undefined
  return { kind: 'pointerStateResponse', states: body.addresses.map(() => undefined) }
}
