/** Request and answer over topics that begin `/rr/` (wire.md 11). */
import type { Bytes } from '../base/index.ts'
import { REQUEST_PREFIX } from './constants.ts'
import { ProtocolError } from './errors.ts'
import { Reader, Writer } from './postcard.ts'

export interface RequestEnvelope {
  /** UUID v4 text; an answer repeats it. */
  readonly messageId: string
  readonly isResponse: boolean
  /** A view into the message when decoded. */
  readonly payload: Uint8Array
}

/** Id, two lengths and the flag. */
const OVERHEAD_BYTES = 48

/** Fresh bytes; the payload is copied. */
export function encodeRequestEnvelope({ messageId, isResponse, payload }: RequestEnvelope): Bytes {
  const writer = new Writer(payload.length + messageId.length + OVERHEAD_BYTES)
  return writer.string(messageId).bool(isResponse).byteString(payload).finish()
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
