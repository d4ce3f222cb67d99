/** Which of a peer's addresses are dialled, in which order (dht.md 7). Pure. */
import {
  ADDRESS_TYPE,
  dialable,
  isUnspecifiedIp,
  parseIp,
  type SocketAddress,
  type TypedAddress,
} from '../protocol/index.ts'

/** What we know of our own place; IP texts are canonical. */
export interface DialContext {
  readonly ownWanIps: readonly string[]
  readonly ownLanIps: readonly string[]
  readonly allowLoopback: boolean
}

export interface DialStep {
  readonly socket: SocketAddress
  readonly relay: boolean
}

interface Candidate {
  readonly socket: SocketAddress
  readonly bytes: Uint8Array
  readonly type: TypedAddress['type']
  readonly index: number
  readonly score: number
}

/** At most five: one relay, one WAN and one LAN address per family. */
export function dialPlan(addresses: readonly TypedAddress[], context: DialContext): DialStep[] {
  const own = new Set(context.ownWanIps)
  const candidates = addresses.flatMap((typed, index) => candidateOf(typed, index, context) ?? [])
  const relay = candidates.filter((c) => c.type === ADDRESS_TYPE.relay && !own.has(c.socket.ip)).slice(0, 1)
  const wan = bestPerFamily(candidates, isWan, (c) => c.type).toSorted((a, b) => a.index - b.index)
  const lan = bestPerFamily(candidates, isLan, (c) => c.score).toSorted(
    (a, b) => a.score - b.score || a.index - b.index,
  )
  const sharesWan = candidates.some((c) => isWan(c) && own.has(c.socket.ip))
  const outside = [...relay, ...wan]
  const order = lan.length > 0 && sharesWan ? [...lan, ...outside] : outside.length > 0 ? outside : lan
  return order.map(({ socket, type }) => ({ socket, relay: type === ADDRESS_TYPE.relay }))
}

function candidateOf({ address, type }: TypedAddress, index: number, context: DialContext): Candidate | undefined {
  const socket = dialable(address)
  const bytes = socket && parseIp(socket.ip)
  if (!socket || !bytes || socket.port === 0 || isUnspecifiedIp(bytes)) return undefined
  return { socket, bytes, type, index, score: type === ADDRESS_TYPE.lan ? lanScore(socket.ip, bytes, context) : 0 }
}

/** 0 our own machine, 1 same network, 3 some other LAN, 4 a loopback that is not ours to use. */
function lanScore(ip: string, bytes: Uint8Array, { ownLanIps, allowLoopback }: DialContext): number {
  if (bytes.length === 4 ? bytes[0] === 127 : ip === '::1') return allowLoopback ? 0 : 4
  if (ownLanIps.includes(ip)) return 0
  return ownLanIps.some((own) => sameNetwork(bytes, parseIp(own))) ? 1 : 3
}

/** Same /24 of IPv4, same first 64 bits of IPv6. */
function sameNetwork(a: Uint8Array, b: Uint8Array | undefined): boolean {
  if (b?.length !== a.length) return false
  const shared = a.length === 4 ? 3 : 8
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return false
  return true
}

/** The best candidate of each family that passes; the first of equals. */
function bestPerFamily(
  candidates: readonly Candidate[],
  passes: (candidate: Candidate) => boolean,
  rank: (candidate: Candidate) => number,
): Candidate[] {
  const best = new Map<number, Candidate>()
  for (const candidate of candidates) {
    if (!passes(candidate)) continue
    const held = best.get(candidate.bytes.length)
    if (held === undefined || rank(candidate) < rank(held)) best.set(candidate.bytes.length, candidate)
  }
  return [...best.values()]
}

function isWan({ type }: Candidate): boolean {
  return type === ADDRESS_TYPE.direct || type === ADDRESS_TYPE.unverified
}

function isLan({ type }: Candidate): boolean {
  return type === ADDRESS_TYPE.lan
}
