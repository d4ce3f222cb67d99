/** The endpoint class of the native addon, and whether it is there. */
import { type Bytes, KiB, messageOf } from '../../base/index.ts'
import { loadAddon } from '../../crypto/index.ts'
import { TransportError } from '../errors.ts'

/** What a native call says at once; everything else comes as an event. */
export const STATUS = { ok: 0, argument: -1, gone: -2, queueFull: -3 } as const

/** Bits in the kind of a drained event. */
export const HAS_TEXT = 1 << 8
export const HAS_DATA = 1 << 9

/** Implemented by native/addon/shell/endpoint.cc. Request numbers are ours, from 1 to 2^32 - 1. */
export interface AddonEndpoint {
  /** Bound address, `ip:port`. */
  address(): string
  /** 1952 bytes. */
  publicKey(): Uint8Array
  dial(request: number, address: string, timeoutMs: number): number
  /** Copies the message before it returns, unless it lies in memory of `allocateMessage`. */
  send(request: number, connection: number, message: Uint8Array, acknowledged: boolean, priority: number): number
  cancel(request: number): void
  closeConnection(connection: number, code: number, reason: string): number
  ping(connection: number): number
  setReceiveWindow(connection: number, bytes: number): number
  /** RTT in ms, bytes sent and received, packets sent and lost, congestion window, MTU; undefined when it is over. */
  stats(connection: number): Float64Array | undefined
  counters(): Float64Array
  /** From now on datagrams from and to these ports of this machine are lost; at most 1024 each way. */
  cutLinks(from: Uint16Array, to: Uint16Array): number
  close(request: number, code: number, reason: string): number
  /** Closes and blocks until peers are told, at most `limitMs`. For the end of a process. */
  shutdown(code: number, reason: string, limitMs: number): void
  /**
   * How many events: at most 256, and as many as fit. Each puts kind, a, b and code into `numbers`; its text and its
   * data are added to `values`, which is empty before, where the kind has `HAS_TEXT` or `HAS_DATA` set.
   */
  drain(numbers: Float64Array, values: unknown[]): number
  /** Whether the endpoint keeps the process alive. */
  setReferenced(referenced: boolean): void
  free(): void
}

export type AddonEndpointClass = new (
  secretKey: Uint8Array,
  bind: string,
  options: Float64Array,
  wake: () => void,
) => AddonEndpoint

export type QuicAvailability =
  | { readonly available: true; readonly engine: string }
  | { readonly available: false; readonly reason: string }

/** From here on a message may lie in memory of the endpoint; smaller ones are copied (kQuicBodyBytes of the shell). */
const BODY_BYTES = 64 * KiB

/** Memory that a send takes without a copy. Throws as `addonEndpointClass`. */
export function allocateMessage(bytes: number): Bytes {
  if (bytes < BODY_BYTES) return new Uint8Array(bytes)
  addonEndpointClass()
  return (loadAddon().exports['allocateMessage'] as (bytes: number) => Bytes)(bytes)
}

/** Whether QUIC can be spoken here, for `myrmex doctor`: one sentence how to get it when not. */
export function quicAvailability(): QuicAvailability {
  try {
    const { exports } = loadAddon()
    if (typeof exports['QuicEndpoint'] === 'function') return { available: true, engine: String(exports['quicEngine']) }
    return { available: false, reason: 'the native addon has no QUIC endpoint: npm run build:native builds it anew' }
  } catch (error) {
    return { available: false, reason: messageOf(error) }
  }
}

/** Throws TRANSPORT_UNAVAILABLE with the sentence of `quicAvailability`. */
export function addonEndpointClass(): AddonEndpointClass {
  const availability = quicAvailability()
  if (!availability.available) {
    throw new TransportError('TRANSPORT_UNAVAILABLE', `QUIC is not available: ${availability.reason}`)
  }
  return loadAddon().exports['QuicEndpoint'] as AddonEndpointClass
}
