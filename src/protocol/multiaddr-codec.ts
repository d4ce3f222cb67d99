import { LruMap } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { parseMultiaddr } from './multiaddr.ts'
import type { Multiaddr } from './peer-address.ts'
import type { Reader } from './postcard.ts'

/** Longer ones carry certificates, and are rare. */
const MAX_KEPT_TEXT = 128
/** Parsed ones by their text: answers name the same peers again and again. */
const known = new LruMap<string, Multiaddr>(4096)

/** A multiaddr as postcard has it: its text. Written with `string(address.text)`. */
export function readMultiaddr(reader: Reader): Multiaddr {
  const text = reader.string()
  const before = known.get(text)
  if (before !== undefined) return before
  try {
    const address = parseMultiaddr(text)
    if (text.length <= MAX_KEPT_TEXT) known.set(text, address)
    return address
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_DECODE', `no multiaddr before byte ${reader.offset}`, { cause })
  }
}
