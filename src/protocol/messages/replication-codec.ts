/** Frame of replication messages (wire.md 19.1): two topics, two ceilings, known before anything is decoded. */
import type { Bytes } from '../../base/index.ts'
import { MAX_MESSAGE_BYTES, MAX_SUBTREE_MESSAGE_BYTES, TOPIC_REPLICATION, TOPIC_SUBTREE_AUDIT } from '../constants.ts'
import { ProtocolError } from '../errors.ts'
import { lengthOf } from '../message-data.ts'
import { Reader, RopeWriter, Writer } from '../postcard.ts'
import type { ReplicationBody, ReplicationMessage } from './replication.ts'
import {
  isSubtreeVariant,
  kindOfVariant,
  readReplicationBody,
  VARIANTS,
  variantOf,
  writeReplicationBody,
} from './replication-body-codec.ts'

/** Kinds that are sent as they are, outside the request envelope. */
const PLAIN: ReadonlySet<ReplicationBody['kind']> = new Set([
  'freshOffer',
  'freshResponse',
  'paidNotify',
  'pointerFreshOffer',
  'pointerHints',
])
/** Room for what is not content or proof; lists grow the buffer. */
const FIXED_BYTES = 512

/** Throws PROTOCOL_TOO_LARGE above the ceiling of the body's topic. */
export function encodeReplicationMessage({ requestId, body }: ReplicationMessage): Bytes {
  const bytes = write(new Writer(FIXED_BYTES + bulk(body)), requestId, body).finish()
  assertSize(bytes.length, body)
  return bytes
}

/** The same bytes in parts: a chunk, and other large byte strings, are borrowed, not copied. */
export function replicationMessageParts({ requestId, body }: ReplicationMessage): readonly Uint8Array[] {
  const parts = write(new RopeWriter(FIXED_BYTES), requestId, body).finishParts()
  assertSize(lengthOf(parts), body)
  return parts
}

function write<W extends Writer>(writer: W, requestId: bigint, body: ReplicationBody): W {
  writer.uint(requestId)
  writeReplicationBody(writer, body)
  return writer
}

function assertSize(length: number, body: ReplicationBody): void {
  const ceiling = isSubtreeVariant(variantOf(body)) ? MAX_SUBTREE_MESSAGE_BYTES : MAX_MESSAGE_BYTES
  if (length > ceiling) throw tooLarge(length, ceiling)
}

/**
 * Throws PROTOCOL_TOO_LARGE above the ceiling (given, or found by looking at the head), PROTOCOL_DECODE otherwise.
 * Byte fields are views into `bytes`; trailing bytes are ignored. The caller drops a body on the wrong topic.
 */
export function decodeReplicationMessage(bytes: Uint8Array, ceiling = replicationCeiling(bytes)): ReplicationMessage {
  if (bytes.length > ceiling) throw tooLarge(bytes.length, ceiling)
  const reader = new Reader(bytes)
  return { requestId: reader.u64(), body: readReplicationBody(reader) }
}

/** Bytes that a message with this head may have; 512 KiB for audits, unknown kinds and unreadable heads. */
export function replicationCeiling(bytes: Uint8Array): number {
  const variant = headVariant(bytes)
  const core = variant !== undefined && variant < VARIANTS && !isSubtreeVariant(variant)
  return core ? MAX_MESSAGE_BYTES : MAX_SUBTREE_MESSAGE_BYTES
}

/** What a message with this head says it is; undefined for unknown kinds and unreadable heads. */
export function replicationKindOf(bytes: Uint8Array): ReplicationBody['kind'] | undefined {
  const variant = headVariant(bytes)
  return variant === undefined ? undefined : kindOfVariant(variant)
}

function headVariant(bytes: Uint8Array): number | undefined {
  const reader = new Reader(bytes)
  try {
    reader.u64()
    return reader.u32()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** The topic on which a body is legal. */
export function replicationTopicOf(body: ReplicationBody): string {
  return isSubtreeVariant(variantOf(body)) ? TOPIC_SUBTREE_AUDIT : TOPIC_REPLICATION
}

/** Whether a body is sent plainly; all others go through the request envelope. */
export function isPlainReplication({ kind }: ReplicationBody): boolean {
  return PLAIN.has(kind)
}

function bulk(body: ReplicationBody): number {
  if (body.kind === 'freshOffer') return body.data.length + body.paymentProof.length
  if (body.kind === 'paidNotify') return body.paymentProof.length
  return body.kind === 'fetchResponse' && body.result.kind === 'success' ? body.result.data.length : 0
}

function tooLarge(length: number, ceiling: number): ProtocolError {
  return new ProtocolError('PROTOCOL_TOO_LARGE', `a replication message of ${length} bytes exceeds ${ceiling}`)
}
