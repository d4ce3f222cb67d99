/** Request and answer over topics that begin `/rr/` (wire.md 11). */
import { type Bytes, concat } from '../base/index.ts'
import { REQUEST_PREFIX } from './constants.ts'
import { ProtocolError } from './errors.ts'
import { lengthOf, type MessageData, partsOf } from './message-data.ts'
import { Reader, Writer } from './postcard.ts'

export interface RequestEnvelope {
  /** UUID v4 text; an answer repeats it. */
  readonly messageId: string
  readonly isResponse: boolean
  /** A view into the message when decoded. */
  readonly payload: Uint8Array
}

/** What is sent: the payload may come in parts. */
export type OutgoingEnvelope = Omit<RequestEnvelope, 'payload'> & { readonly payload: MessageData }

/** Id, two lengths and the flag. */
const OVERHEAD_BYTES = 48

/** Fresh bytes; the payload is copied. */
export function encodeRequestEnvelope(envelope: OutgoingEnvelope): Bytes {
  return concat(requestEnvelopeParts(envelope))
}

/** The same bytes in parts: the payload is borrowed, not copied. */
export function requestEnvelopeParts({ messageId, isResponse, payload }: OutgoingEnvelope): readonly Uint8Array[] {
  const head = new Writer(messageId.length + OVERHEAD_BYTES)
  head.string(messageId).bool(isResponse).uint(lengthOf(payload))
  return [head.finish(), ...partsOf(payload)]
}

/** Throws PROTOCOL_DECODE; trailing bytes are ignored. */
export function decodeRequestEnvelope(bytes: Uint8Array): RequestEnvelope {
  const reader = new Reader(bytes)
  return { messageId: reader.string(), isResponse: reader.bool(), payload: reader.byteString() }
}

/** `/rr/` and the name, which must not be empty and has no slash, backslash or NUL. Throws PROTOCOL_ENCODE. */
export function requestTopic(protocol: string): string {
  if (!isProtocolName(protocol)) {
    throw new ProtocolError('PROTOCOL_ENCODE', `${JSON.stringify(protocol)} is no name of a request protocol`)
  }
  return REQUEST_PREFIX + protocol
}

/** The protocol name of a `/rr/` topic; undefined for any other topic. */
export function protocolOfTopic(topic: string): string | undefined {
  if (!topic.startsWith(REQUEST_PREFIX)) return undefined
  const name = topic.slice(REQUEST_PREFIX.length)
  return isProtocolName(name) ? name : undefined
}

function isProtocolName(name: string): boolean {
  return name !== '' && !/[/\\\0]/.test(name)
}
