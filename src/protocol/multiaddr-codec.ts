import { ProtocolError } from './errors.ts'
import { parseMultiaddr } from './multiaddr.ts'
import type { Multiaddr } from './peer-address.ts'
import type { Reader } from './postcard.ts'

/** A multiaddr as postcard has it: its text. Written with `string(address.text)`. */
export function readMultiaddr(reader: Reader): Multiaddr {
  const text = reader.name()
  try {
    return parseMultiaddr(text)
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_DECODE', `no multiaddr before byte ${reader.offset}`, { cause })
  }
}
