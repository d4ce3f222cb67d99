/** Bytes of replication bodies (wire.md 19.2); audits are in `audit-codec.ts`. */
import { MAX_POINTER_HINTS, MAX_POINTER_STATES, MAX_VERIFICATION_KEYS } from '../constants.ts'
import type { ChunkAddress } from '../key.ts'
import { MIN_POINTER_SUMMARY_BYTES, readPointerSummary, writePointerSummary } from '../pointer.ts'
import type { Reader, Writer } from '../postcard.ts'
import { readStorageCommitment, type StorageCommitment, writeStorageCommitment } from '../storage-commitment.ts'
import { readAuditBody, writeAuditBody } from './audit-codec.ts'
import { readHash, readKey, readKeys, writeKey, writeKeys } from './hash-codec.ts'
import type {
  CommitmentByPinResult,
  FetchResult,
  FreshResult,
  NeighborHints,
  ReplicationBody,
  VerificationResult,
} from './replication.ts'

/** In the order of their discriminants. */
const BODIES = [
  'freshOffer',
  'freshResponse',
  'paidNotify',
  'neighborSyncRequest',
  'neighborSyncResponse',
  'verificationRequest',
  'verificationResponse',
  'fetchRequest',
  'fetchResponse',
  'auditChallenge',
  'auditResponse',
  'subtreeAuditChallenge',
  'subtreeAuditResponse',
  'subtreeSliceChallenge',
  'subtreeSliceResponse',
  'getCommitmentByPin',
  'getCommitmentByPinResponse',
  'pointerFreshOffer',
  'pointerHints',
  'pointerFetchRequest',
  'pointerFetchResponse',
  'pointerStateRequest',
  'pointerStateResponse',
] as const satisfies readonly ReplicationBody['kind'][]

/** Discriminants below this are known. */
export const VARIANTS = BODIES.length
const MIN_RESULT_BYTES = 34

export function variantOf({ kind }: ReplicationBody): number {
  return BODIES.indexOf(kind)
}

export function kindOfVariant(variant: number): ReplicationBody['kind'] | undefined {
  return BODIES[variant]
}

/** Subtree audits: 11 to 14. */
export function isSubtreeVariant(variant: number): boolean {
  return variant >= 11 && variant <= 14
}

export function writeReplicationBody(writer: Writer, body: ReplicationBody): unknown {
  writer.uint(variantOf(body))
  switch (body.kind) {
    case 'freshOffer':
      return writeKey(writer, body.key).byteString(body.data).byteString(body.paymentProof)
    case 'freshResponse':
      return writeFreshResult(writer, body.result)
    case 'paidNotify':
      return writeKey(writer, body.key).byteString(body.paymentProof)
    case 'neighborSyncRequest':
      return writeHints(writer, body)
    case 'neighborSyncResponse':
      return writeHints(writer, body, body.rejectedKeys)
    case 'verificationRequest':
      return writeKeys(writer, body.keys).list(body.paidListCheckIndices, (w, index) => w.uint(index))
    case 'verificationResponse':
      return writer.list(body.results, writeVerification)
    case 'fetchRequest':
      return writeKey(writer, body.key)
    case 'fetchResponse':
      return writeFetchResult(writer, body.result)
    case 'getCommitmentByPin':
      return writer.raw(body.pin)
    case 'getCommitmentByPinResponse':
      return writeByPinResult(writer, body.result)
    case 'pointerFreshOffer':
      return writer.byteString(body.record).byteString(body.paymentProof)
    case 'pointerHints':
      return writer.list(body.hints, writePointerSummary)
    case 'pointerFetchRequest':
      return writeKey(writer, body.address)
    case 'pointerFetchResponse':
      return writeKey(writer, body.address).option(body.record, (w, record) => w.byteString(record))
    case 'pointerStateRequest':
      return writeKeys(writer, body.addresses)
    case 'pointerStateResponse':
      return writer.list(body.states, (w, state) => w.option(state, writePointerSummary))
    default:
      return writeAuditBody(writer, body)
  }
}

export function readReplicationBody(reader: Reader): ReplicationBody {
  const kind = BODIES[reader.variant(VARIANTS)] as ReplicationBody['kind']
  switch (kind) {
    case 'freshOffer':
      return { kind, key: readKey(reader), data: reader.byteString(), paymentProof: reader.byteString() }
    case 'freshResponse':
      return { kind, result: readFreshResult(reader) }
    case 'paidNotify':
      return { kind, key: readKey(reader), paymentProof: reader.byteString() }
    case 'neighborSyncRequest':
      return readSyncRequest(reader)
    case 'neighborSyncResponse':
      return readSyncResponse(reader)
    case 'verificationRequest': {
      const keys = readKeys(reader, MAX_VERIFICATION_KEYS + 1)
      return { kind, keys, paidListCheckIndices: reader.list(1, (r) => r.u32(), MAX_VERIFICATION_KEYS + 1) }
    }
    case 'verificationResponse':
      // The asker looks at twice the keys it asked for at most.
      return { kind, results: reader.list(MIN_RESULT_BYTES, readVerification, 2 * MAX_VERIFICATION_KEYS + 1) }
    case 'fetchRequest':
      return { kind, key: readKey(reader) }
    case 'fetchResponse':
      return { kind, result: readFetchResult(reader) }
    case 'getCommitmentByPin':
      return { kind, pin: readHash(reader) }
    case 'getCommitmentByPinResponse':
      return { kind, result: readByPinResult(reader) }
    case 'pointerFreshOffer':
      return { kind, record: reader.byteString(), paymentProof: reader.byteString() }
    case 'pointerHints':
      return { kind, hints: reader.list(MIN_POINTER_SUMMARY_BYTES, readPointerSummary, MAX_POINTER_HINTS + 1) }
    case 'pointerFetchRequest':
      return { kind, address: readKey(reader) }
    case 'pointerFetchResponse': {
      const address = readKey(reader)
      const record = reader.option((r) => r.byteString())
      return { kind, address, ...(record === undefined ? {} : { record }) }
    }
    case 'pointerStateRequest':
      return { kind, addresses: readKeys(reader, MAX_POINTER_STATES + 1) }
    case 'pointerStateResponse':
      return { kind, states: reader.list(1, (r) => r.option(readPointerSummary), MAX_POINTER_STATES + 1) }
    default:
      return readAuditBody(reader, kind)
  }
}

function writeHints(writer: Writer, hints: NeighborHints, rejected?: readonly ChunkAddress[]): void {
  writeKeys(writer, hints.replicaHints)
  writeKeys(writer, hints.paidHints).bool(hints.bootstrapping)
  if (rejected) writeKeys(writer, rejected)
  writer.option(hints.commitment, writeStorageCommitment)
}

function readCommitment(reader: Reader): { commitment?: StorageCommitment } {
  const commitment = reader.option(readStorageCommitment)
  return commitment === undefined ? {} : { commitment }
}

function readSyncRequest(reader: Reader): ReplicationBody {
  return {
    kind: 'neighborSyncRequest',
    replicaHints: readKeys(reader),
    paidHints: readKeys(reader),
    bootstrapping: reader.bool(),
    ...readCommitment(reader),
  }
}

function readSyncResponse(reader: Reader): ReplicationBody {
  return {
    kind: 'neighborSyncResponse',
    replicaHints: readKeys(reader),
    paidHints: readKeys(reader),
    bootstrapping: reader.bool(),
    rejectedKeys: readKeys(reader),
    ...readCommitment(reader),
  }
}

function writeFreshResult(writer: Writer, result: FreshResult): void {
  if (result.kind === 'accepted') writeKey(writer.uint(0), result.key)
  else writeKey(writer.uint(1), result.key).string(result.reason)
}

function readFreshResult(reader: Reader): FreshResult {
  if (reader.variant(2) === 0) return { kind: 'accepted', key: readKey(reader) }
  return { kind: 'rejected', key: readKey(reader), reason: reader.string() }
}

function writeVerification(writer: Writer, { key, present, paid }: VerificationResult): void {
  writeKey(writer, key)
    .bool(present)
    .option(paid, (w, value) => w.bool(value))
}

function readVerification(reader: Reader): VerificationResult {
  const key = readKey(reader)
  const present = reader.bool()
  const paid = reader.option((r) => r.bool())
  return paid === undefined ? { key, present } : { key, present, paid }
}

function writeFetchResult(writer: Writer, result: FetchResult): void {
  if (result.kind === 'success') writeKey(writer.uint(0), result.key).byteString(result.data)
  else if (result.kind === 'notFound') writeKey(writer.uint(1), result.key)
  else writeKey(writer.uint(2), result.key).string(result.reason)
}

function readFetchResult(reader: Reader): FetchResult {
  const variant = reader.variant(3)
  const key = readKey(reader)
  if (variant === 0) return { kind: 'success', key, data: reader.byteString() }
  return variant === 1 ? { kind: 'notFound', key } : { kind: 'error', key, reason: reader.string() }
}

function writeByPinResult(writer: Writer, result: CommitmentByPinResult): void {
  if (result.kind === 'found') writeStorageCommitment(writer.uint(0), result.commitment)
  else writer.uint(1).raw(result.pin)
}

function readByPinResult(reader: Reader): CommitmentByPinResult {
  if (reader.variant(2) === 0) return { kind: 'found', commitment: readStorageCommitment(reader) }
  return { kind: 'notRetained', pin: readHash(reader) }
}
