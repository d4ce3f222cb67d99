/** The relay canary (wire.md 21.3): asking a witness whether a relay's address answers with the right key. */
import { type Bytes, concat, utf8 } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { ProtocolError } from './errors.ts'
import { formatIp, parseIp } from './ip.ts'
import { keyOf, type PeerId } from './key.ts'
import type { SocketAddress } from './peer-address.ts'
import { readPeerId } from './peer-id-codec.ts'
import { Reader, Writer } from './postcard.ts'

export interface RelayCanaryRequest {
  readonly target: PeerId
  /** Where the target claims to be reachable; an IPv4-mapped address stays IPv6 here. */
  readonly relay: SocketAddress
  /** Unix hours. */
  readonly epoch: bigint
}

export type RelayCanaryResult = 'success' | 'failure' | 'refused'

/** In the order of their discriminants. */
const RESULTS = ['success', 'failure', 'refused'] as const satisfies readonly RelayCanaryResult[]
const WITNESS_PREFIX = utf8('saorsa-relay-canary-witness-v1\0')
const EPOCH_SECONDS = 3_600

export function encodeRelayCanaryRequest({ target, relay, epoch }: RelayCanaryRequest): Bytes {
  const ip = parseIp(relay.ip)
  if (!ip) throw new ProtocolError('PROTOCOL_ENCODE', `${JSON.stringify(relay.ip)} is no IP address`)
  const writer = new Writer(128).string(target).uint(ip.length === 4 ? 0 : 1)
  return writer.raw(ip).uint(relay.port).uint(epoch).finish()
}

/** Throws PROTOCOL_DECODE. */
export function decodeRelayCanaryRequest(bytes: Uint8Array): RelayCanaryRequest {
  const reader = new Reader(bytes)
  const target = readPeerId(reader)
  const ip = formatIp(reader.raw(reader.variant(2) === 0 ? 4 : 16))
  return { target, relay: { ip, port: reader.u16() }, epoch: reader.u64() }
}

export function encodeRelayCanaryResult(result: RelayCanaryResult): Bytes {
  return new Writer(1).u8(RESULTS.indexOf(result)).finish()
}

/** Throws PROTOCOL_DECODE. */
export function decodeRelayCanaryResult(bytes: Uint8Array): RelayCanaryResult {
  return RESULTS[new Reader(bytes).variant(RESULTS.length)] as RelayCanaryResult
}

export function relayCanaryEpoch(unixSeconds: number): bigint {
  return BigInt(Math.floor(unixSeconds / EPOCH_SECONDS))
}

/** One peer in four may witness for a target in any hour. */
export function isRelayWitness(target: PeerId, witness: PeerId, epoch: bigint): boolean {
  const hour = new Uint8Array(8)
  new DataView(hour.buffer).setBigUint64(0, epoch, true)
  const hash = backend().blake3(concat([WITNESS_PREFIX, keyOf(target), keyOf(witness), hour]))
  return (hash[0] as number) < 0x40
}
