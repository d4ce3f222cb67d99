import { fromUtf8 } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { KEY_BYTES, type PeerId, parsePeerId, peerIdOf } from './key.ts'
import type { Reader } from './postcard.ts'

/** Filled and read in one go. */
const scratch = new Uint8Array(KEY_BYTES)

/** A PeerId as postcard has it: a string of 64 hex digits of either case (wire.md 2.2). Written with `string`. */
export function readPeerId(reader: Reader): PeerId {
  const length = reader.length(1)
  const at = reader.skip(length)
  // Nearly all are in lower case, and every message has dozens.
  if (length === 2 * KEY_BYTES && lowerCaseInto(scratch, reader.bytes, at)) return peerIdOf(scratch)
  const text = fromUtf8(reader.bytes.subarray(at, at + length))
  if (text === undefined) throw new ProtocolError('PROTOCOL_DECODE', `no peer id before byte ${reader.offset}`)
  try {
    return parsePeerId(text)
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_DECODE', `no peer id before byte ${reader.offset}`, { cause })
  }
}

/** false when not all of the characters are lower-case hex digits. */
function lowerCaseInto(into: Uint8Array, characters: Uint8Array, at: number): boolean {
  let wrong = 0
  for (let i = 0; i < into.length; i++) {
    const high = digit(characters[at + 2 * i] as number)
    const low = digit(characters[at + 2 * i + 1] as number)
    wrong |= high | low
    into[i] = (high << 4) | low
  }
  return wrong < 16
}

/** 16 or more for what is no digit. */
function digit(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30
  return character >= 0x61 && character <= 0x66 ? character - 0x57 : 16
}
