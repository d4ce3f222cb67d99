import { fromUtf8, latin1 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { type PeerId, parsePeerId } from './key.ts'
import type { Reader } from './postcard.ts'

/** A PeerId as postcard has it: a string of 64 hex digits of either case (wire.md 2.2). Written with `string`. */
export function readPeerId(reader: Reader): PeerId {
  const bytes = reader.byteString()
  if (isCanonical(bytes)) return latin1(bytes) as PeerId
  const text = fromUtf8(bytes)
  if (text === undefined) throw new ProtocolError('PROTOCOL_DECODE', `no peer id before byte ${reader.offset}`)
  try {
    return parsePeerId(text)
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_DECODE', `no peer id before byte ${reader.offset}`, { cause })
  }
}

/** 64 lower-case hex digits. Nearly all ids are, and every message has dozens. */
function isCanonical(bytes: Uint8Array): boolean {
  if (bytes.length !== 64) return false
  for (let i = 0; i < 64; i++) {
    const byte = bytes[i] as number
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false
  }
  return true
}
