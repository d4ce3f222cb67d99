import { ProtocolError } from './errors.ts'
import { type PeerId, parsePeerId } from './key.ts'
import type { Reader } from './postcard.ts'

/** A PeerId as postcard has it: a string of 64 hex digits of either case (wire.md 2.2). Written with `string`. */
export function readPeerId(reader: Reader): PeerId {
  const text = reader.string()
  try {
    return parsePeerId(text)
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_DECODE', `no peer id before byte ${reader.offset}`, { cause })
  }
}
