/**
 * The envelope of every message (wire.md 9): one WireMessage is one QUIC stream. Fields 0-4 are signed in their
 * canonical form, so a message in an odd but legal form verifies over its re-encoding.
 */
import { type Bytes, equal, utf8Length } from '../base/index.ts'
import { ML_DSA_PUBLIC_KEY_BYTES, ML_DSA_SIGNATURE_BYTES, type Signer, type Verifier } from '../crypto/index.ts'
import { TOPIC_IDENTITY } from './constants.ts'
import type { PeerId } from './key.ts'
import { lengthOf, type MessageData, partsOf } from './message-data.ts'
import { peerIdOfPublicKey } from './peer-id.ts'
import { readPeerId } from './peer-id-codec.ts'
import { Reader, varintBytes, Writer } from './postcard.ts'

export interface WireMessageFields {
  readonly topic: string
  readonly data: Uint8Array
  readonly from: PeerId
  /** Unix seconds; nobody checks freshness. */
  readonly timestamp: number | bigint
  readonly userAgent: string
}

export type OutgoingFields = Omit<WireMessageFields, 'data'> & { readonly data: MessageData }

export interface WireMessage extends WireMessageFields {
  readonly timestamp: bigint
  /** 1952 bytes, or empty. */
  readonly publicKey: Uint8Array
  /** 3309 bytes, or empty. */
  readonly signature: Uint8Array
  /** What the signature covers: a view into the message when it came in canonical form, else a re-encoding. */
  readonly signedBytes: Uint8Array
}

export type WireVerdict =
  | { readonly kind: 'ok'; readonly peer: PeerId }
  /** No signature: to be delivered without a source, or dropped. */
  | { readonly kind: 'unsigned' }
  /** The key is absent or has the wrong length. */
  | { readonly kind: 'badKey' }
  /** `from` is not the hash of the key. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'badSignature' }

/** Key and signature with their length prefixes. */
const TAIL_BYTES =
  varintBytes(ML_DSA_PUBLIC_KEY_BYTES) +
  ML_DSA_PUBLIC_KEY_BYTES +
  varintBytes(ML_DSA_SIGNATURE_BYTES) +
  ML_DSA_SIGNATURE_BYTES

/** Signs and encodes; `data` is copied once, into the memory that is signed and returned. */
export async function encodeWireMessage(
  fields: OutgoingFields,
  signer: Signer,
  allocate: (bytes: number) => Bytes = (bytes) => new Uint8Array(bytes),
): Promise<Bytes> {
  const size = signedSize(fields)
  const writer = new Writer(allocate(size + TAIL_BYTES))
  writeSigned(writer, fields)
  const signature = await signer.sign(writer.finish())
  return writer.byteString(signer.publicKey).byteString(signature).finish()
}

/** A signed message without content: who we are, sent first on every connection (wire.md 10). */
export function encodeIdentityAnnounce(
  fields: Omit<WireMessageFields, 'topic' | 'data'>,
  signer: Signer,
): Promise<Bytes> {
  return encodeWireMessage({ ...fields, topic: TOPIC_IDENTITY, data: new Uint8Array(0) }, signer)
}

/** The canonical bytes of fields 0-4. */
export function wireSignedBytes(fields: WireMessageFields): Bytes {
  const writer = new Writer(signedSize(fields))
  writeSigned(writer, fields)
  return writer.finish()
}

/** Throws PROTOCOL_DECODE. All byte fields are views into `bytes`; trailing bytes are ignored. */
export function decodeWireMessage(bytes: Uint8Array): WireMessage {
  const reader = new Reader(bytes)
  const topic = reader.name()
  const data = reader.byteString()
  const fromAt = reader.offset
  const from = readPeerId(reader)
  const lowerCase = isLowerCase(bytes.subarray(fromAt, reader.offset))
  const timestamp = reader.u64()
  const userAgent = reader.name()
  const fields = { topic, data, from, timestamp, userAgent }
  const end = reader.offset
  const publicKey = reader.byteString()
  const signature = reader.byteString()
  // Every odd form of a number is longer than the minimal one, so equal sizes mean equal bytes.
  const canonical = lowerCase && end === signedSize(fields)
  const signedBytes = canonical ? bytes.subarray(0, end) : wireSignedBytes(fields)
  return { ...fields, publicKey, signature, signedBytes }
}

/**
 * In the order of wire.md 9: key, owner of the key, signature. Never throws. `known`: a key whose owner is known
 * already, as that of a connection; the hash that would say so again is spared.
 */
export async function verifyWireMessage(
  message: WireMessage,
  verifier: Verifier,
  known?: { readonly peer: PeerId; readonly publicKey: Uint8Array },
): Promise<WireVerdict> {
  const { from, publicKey, signature, signedBytes } = message
  if (signature.length === 0) return { kind: 'unsigned' }
  if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES) return { kind: 'badKey' }
  const isKnown = known?.peer === from && equal(known.publicKey, publicKey)
  if (!isKnown && peerIdOfPublicKey(publicKey) !== from) return { kind: 'mismatch' }
  if (signature.length !== ML_DSA_SIGNATURE_BYTES) return { kind: 'badSignature' }
  const valid = await verifier.verify(publicKey, signedBytes, signature)
  return valid ? { kind: 'ok', peer: from } : { kind: 'badSignature' }
}

function writeSigned(writer: Writer, { topic, data, from, timestamp, userAgent }: OutgoingFields): void {
  writer.string(topic).uint(lengthOf(data))
  for (const part of partsOf(data)) writer.raw(part)
  writer.string(from).uint(timestamp).string(userAgent)
}

function signedSize({ topic, data, from, timestamp, userAgent }: OutgoingFields): number {
  const prefixed = (length: number) => varintBytes(length) + length
  return (
    prefixed(utf8Length(topic)) +
    prefixed(lengthOf(data)) +
    prefixed(from.length) +
    varintBytes(timestamp) +
    prefixed(utf8Length(userAgent))
  )
}

function isLowerCase(hex: Uint8Array): boolean {
  for (let i = 0; i < hex.length; i++) {
    const byte = hex[i] as number
    if (byte >= 0x41 && byte <= 0x46) return false
  }
  return true
}
