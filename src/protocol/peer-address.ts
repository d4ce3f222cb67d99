/** Network addresses as the wire has them: canonical multiaddr texts with a type (wire.md 5). */
import type { PeerId } from './key.ts'

/** Numbers and priority of wire.md 5.3. */
export const ADDRESS_TYPE = { relay: 0, direct: 1, unverified: 2, lan: 3 } as const
export type AddressType = (typeof ADDRESS_TYPE)[keyof typeof ADDRESS_TYPE]

/** A UDP endpoint. `ip` is canonical text: dotted IPv4, or compressed lower-case IPv6 (IPv4-mapped is IPv4 here). */
export interface SocketAddress {
  readonly ip: string
  readonly port: number
}

/** A parsed multiaddr; `text` is canonical and is what travels. Only `quic` ones are dialable. */
export interface Multiaddr {
  readonly text: string
  readonly transport: 'quic' | 'webrtc-direct' | 'tcp' | 'udp' | 'bluetooth' | 'ble' | 'lora' | 'lorawan'
  readonly socket?: SocketAddress
  readonly peerId?: PeerId
}

export interface TypedAddress {
  readonly address: Multiaddr
  readonly type: AddressType
}

/** `1.2.3.4:5` or `[::1]:5`. */
export function formatSocketAddress({ ip, port }: SocketAddress): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}
