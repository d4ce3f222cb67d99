/**
 * Multiaddr texts (wire.md 5.1): read with the network's leniency, always written canonically. Also the predicates of
 * wire.md 5.2. Parsing is pure text work; nothing is resolved.
 */
import { LruMap } from '../base/index.ts'
import { ProtocolError } from './errors.ts'
import { formatIp, isLanIp, isLoopbackIp, isMulticastIp, isUnspecifiedIp, parseIp, subnetOfIp, unmapIp } from './ip.ts'
import { type PeerId, parsePeerId } from './key.ts'
import type { Multiaddr, SocketAddress } from './peer-address.ts'

/** Longest legal form is a WebRTC one on IPv6 with certhash and peer id, about 200. */
const MAX_TEXT = 512
const PEER_ID_PART = '/p2p/'

function refused(text: string, reason: string): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_MULTIADDR',
    `cannot use multiaddr ${JSON.stringify(text.slice(0, 120))}: ${reason}`,
  )
}

/** The same peers are named in answer after answer. A megabyte at most. */
const remembered = new LruMap<string, Multiaddr>(4096)
const REMEMBERED_TEXT = 128

/** Reads any known form; throws PROTOCOL_MULTIADDR. The result may be shared. */
export function parseMultiaddr(text: string): Multiaddr {
  if (text.length > MAX_TEXT) throw refused(text, `longer than ${MAX_TEXT} characters`)
  if (text.length > REMEMBERED_TEXT) return parseText(text)
  const known = remembered.get(text)
  if (known !== undefined) return known
  const address = parseText(text)
  remembered.set(text, address)
  return address
}

function parseText(text: string): Multiaddr {
  const at = text.indexOf(PEER_ID_PART)
  if (at < 0) return parseTransport(text, text)
  const transport = parseTransport(text, text.slice(0, at))
  const peerText = text.slice(at + PEER_ID_PART.length)
  const id = transport.transport === 'webrtc-direct' ? peerText : peerText.replace(/\/+$/, '')
  const peerId = peerIdIn(text, id)
  return { ...transport, text: transport.text + PEER_ID_PART + peerId, peerId }
}

/** undefined in place of an error. */
export function tryParseMultiaddr(text: string): Multiaddr | undefined {
  try {
    return parseMultiaddr(text)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** The natively dialable form of an endpoint. `ip` may be any text of an IP; the result is canonical. */
export function quicMultiaddr({ ip, port }: SocketAddress, peerId?: PeerId): Multiaddr {
  const parsed = parseIp(ip)
  if (!parsed) throw refused(ip, 'no IP address')
  const bytes = unmapIp(parsed)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw refused(`${ip} ${port}`, 'a port is 0 to 65535')
  const canonical = formatIp(bytes)
  const text = `/${bytes.length === 4 ? 'ip4' : 'ip6'}/${canonical}/udp/${port}/quic`
  const socket = { ip: canonical, port }
  if (peerId === undefined) return { text, transport: 'quic', socket }
  return { text: text + PEER_ID_PART + peerId, transport: 'quic', socket, peerId }
}

/** The same address with this peer id, or without any. */
export function withPeerId(address: Multiaddr, peerId: PeerId | undefined): Multiaddr {
  const { peerId: old, ...rest } = address
  const text = old === undefined ? rest.text : rest.text.slice(0, rest.text.lastIndexOf(PEER_ID_PART))
  return peerId === undefined ? { ...rest, text } : { ...rest, text: text + PEER_ID_PART + peerId, peerId }
}

function peerIdIn(text: string, id: string): PeerId {
  try {
    return parsePeerId(id)
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_MULTIADDR', refused(text, 'no peer id of 64 hex digits after /p2p/').message, {
      cause,
    })
  }
}

function parseTransport(whole: string, text: string): Multiaddr {
  const parts = text.split('/').filter((part) => part !== '')
  switch (parts[0]) {
    case 'ip4':
    case 'ip6':
      return parseIpTransport(whole, text, parts)
    case 'bt':
      return parseMac(whole, parts, 'rfcomm', 255, 'bluetooth')
    case 'ble':
      return parseMac(whole, parts, 'l2cap', 65_535, 'ble')
    case 'lora':
      return parseLora(whole, parts)
    case 'lorawan':
      if (parts.length !== 2) throw refused(whole, 'a lorawan address is /lorawan/<device>')
      return { text: `/lorawan/${parts[1]}`, transport: 'lorawan' }
    default:
      throw refused(whole, 'unknown scheme')
  }
}

function parseIpTransport(whole: string, text: string, parts: readonly string[]): Multiaddr {
  const [scheme, ipText, protocol, portText, suffix, ...rest] = parts
  const bytes = parseIp(ipText ?? '')
  if (!bytes || bytes.length !== (scheme === 'ip4' ? 4 : 16)) throw refused(whole, `no ${scheme} address`)
  if (!/^\+?[0-9]{1,8}$/.test(portText ?? '') || Number(portText) > 65_535) throw refused(whole, 'no port')
  // The text keeps an IPv4-mapped address as it is; the socket, which is compared and dialled, has it as IPv4.
  const socket = { ip: formatIp(unmapIp(bytes)), port: Number(portText) }
  const base = `/${scheme}/${formatIp(bytes)}/${protocol}/${socket.port}`
  if (protocol === 'tcp' || protocol === 'udp') {
    if (suffix === undefined) return { text: base, transport: protocol, socket }
    if (protocol === 'udp' && suffix === 'quic' && rest.length === 0) {
      return { text: `${base}/quic`, transport: 'quic', socket }
    }
    if (protocol === 'udp' && suffix === 'webrtc-direct') return parseWebrtc(whole, text, base, socket, rest)
  }
  throw refused(whole, 'unknown transport, or more than an address')
}

/** WebRTC forms are strict: canonical slashes, a real port, exactly one SHA-256 certhash. */
function parseWebrtc(
  whole: string,
  text: string,
  base: string,
  socket: SocketAddress,
  rest: readonly string[],
): Multiaddr {
  const [label, hash] = rest
  if (rest.length !== 2 || label !== 'certhash' || !isSha256Multihash(hash ?? '')) {
    throw refused(whole, 'a WebRTC address has exactly one /certhash/u<base64url of 12 20 and a SHA-256>')
  }
  if (socket.port === 0) throw refused(whole, 'a WebRTC address needs a port')
  const canonical = `${base}/webrtc-direct/certhash/${hash}`
  const slashes = (value: string) => value.split('/').length
  if (!text.startsWith('/') || slashes(text) !== slashes(canonical)) throw refused(whole, 'stray slashes')
  return { text: canonical, transport: 'webrtc-direct', socket }
}

/** `u` and 46 digits of base64url without padding: 34 bytes that begin 12 20, the last two bits zero. */
function isSha256Multihash(text: string): boolean {
  // 12 20 is the bit string 000100 100010 0000xx: digits E, i, and one of A-D.
  return /^uEi[A-D][A-Za-z0-9_-]{42}[AQgw]$/.test(text)
}

function parseMac(
  whole: string,
  parts: readonly string[],
  label: string,
  max: number,
  transport: 'bluetooth' | 'ble',
): Multiaddr {
  const [scheme, mac, protocol, channel] = parts
  const valid = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(mac ?? '') && /^[0-9]{1,5}$/.test(channel ?? '')
  if (parts.length !== 4 || !valid || protocol !== label || Number(channel) > max) {
    throw refused(whole, `the form is /${scheme}/<MAC>/${label}/<number>`)
  }
  return { text: `/${scheme}/${mac?.toUpperCase()}/${label}/${Number(channel)}`, transport }
}

function parseLora(whole: string, parts: readonly string[]): Multiaddr {
  const [, device, frequency] = parts
  if (parts.length !== 3 || !/^[0-9]{1,10}$/.test(frequency ?? '')) {
    throw refused(whole, 'the form is /lora/<device>/<frequency>')
  }
  return { text: `/lora/${device}/${Number(frequency)}`, transport: 'lora' }
}

/** The endpoint to dial; undefined for anything but QUIC. */
export function dialable({ transport, socket }: Multiaddr): SocketAddress | undefined {
  return transport === 'quic' ? socket : undefined
}

/** Fit for a published record or the routing table: no IP at all, or a specified IP and a port. */
export function isStorable({ socket }: Multiaddr): boolean {
  return socket === undefined || (socket.port !== 0 && !holds(socket.ip, isUnspecifiedIp))
}

export function isLan({ socket }: Multiaddr): boolean {
  return socket !== undefined && holds(socket.ip, isLanIp)
}

export function isLoopback({ socket }: Multiaddr): boolean {
  return socket !== undefined && holds(socket.ip, isLoopbackIp)
}

export function isUnspecified({ socket }: Multiaddr): boolean {
  return socket !== undefined && holds(socket.ip, isUnspecifiedIp)
}

export function isMulticast({ socket }: Multiaddr): boolean {
  return socket !== undefined && holds(socket.ip, isMulticastIp)
}

/** `a.b.c.0/24` or `xxxx:xxxx:xxxx::/48` of an IP text; undefined when it is no IP. */
export function subnetOf(ip: string): string | undefined {
  const bytes = parseIp(ip)
  return bytes && subnetOfIp(bytes)
}

function holds(ip: string, predicate: (bytes: Uint8Array) => boolean): boolean {
  const bytes = parseIp(ip)
  return bytes !== undefined && predicate(bytes)
}
