/** Small builders for the tests of this room. */
import { blake3 } from '@noble/hashes/blake3.js'
import { utf8 } from '../../../../src/base/index.ts'
import {
  ADDRESS_TYPE,
  type AddressType,
  effectiveType,
  type Key,
  keyOf,
  type PeerId,
  parseMultiaddr,
  peerIdOf,
  type TypedAddress,
} from '../../../../src/protocol/index.ts'

/** Address of a text `ip:port` or of a whole multiaddr; the type is what a reader would make of the claim. */
export function typed(text: string, type: AddressType = ADDRESS_TYPE.unverified): TypedAddress {
  const address = parseMultiaddr(text.startsWith('/') ? text : multiaddrText(text))
  return { address, type: effectiveType(address, type) }
}

function multiaddrText(text: string): string {
  const at = text.lastIndexOf(':')
  const ip = text.slice(0, at).replace(/^\[|\]$/g, '')
  return `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/udp/${text.slice(at + 1)}/quic`
}

export const relay = (text: string) => typed(text, ADDRESS_TYPE.relay)
export const direct = (text: string) => typed(text, ADDRESS_TYPE.direct)

/** `ip:port/type` of each address, for short comparisons. */
export function brief(addresses: readonly TypedAddress[]): string[] {
  const names = ['relay', 'direct', 'unverified', 'lan']
  return addresses.map(({ address, type }) => `${address.socket?.ip}:${address.socket?.port}/${names[type]}`)
}

export function peerOf(label: string): PeerId {
  return peerIdOf(blake3(utf8(label)))
}

/** A peer id that shares exactly `bits` leading bits with `base`; the rest from the label. */
export function peerAt(base: PeerId | Key, bits: number, label: string): PeerId {
  const key = typeof base === 'string' ? keyOf(base) : base
  const result = Uint8Array.from(blake3(utf8(label)))
  const whole = bits >> 3
  result.set(key.subarray(0, whole))
  const bit = 0x80 >> (bits & 7)
  const own = key[whole] as number
  result[whole] = (own & ~((bit << 1) - 1) & 0xff) | (~own & bit) | ((result[whole] as number) & (bit - 1))
  return peerIdOf(result)
}
