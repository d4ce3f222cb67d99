/** What a simulated network is like; limits of a transport are TransportOptions. All times are virtual milliseconds. */
import { KiB } from '../base/index.ts'
import { QUIC_DEFAULTS } from '../transport/index.ts'

export interface SimNetworkOptions {
  /** Share of packets that are lost, 0..1. QUIC hides it: a message with a lost packet comes later. */
  readonly packetLoss: number
  /** Arrivals are moved to the next multiple of this, so that one turn of the pump serves many of them. */
  readonly quantumMs: number
  /** Bytes per second of a host's line, each way, unless the host says otherwise. */
  readonly bandwidth: number
  /** Messages below this share the line with larger ones instead of waiting behind them. */
  readonly smallMessageBytes: number
  /** Bytes that fit into the windows of a connection whose peer does not answer. */
  readonly windowBytes: number
  readonly idleTimeoutMs: number
  readonly diallerKeepAliveMs: number
  readonly acceptorKeepAliveMs: number
  /** A write that makes no progress for this long fails. */
  readonly stallMs: number
}

export const SIM_NETWORK_DEFAULTS: SimNetworkOptions = Object.freeze({
  packetLoss: 0.001, // an ordinary day of the internet
  quantumMs: 1, // a tenth of the shortest path between regions
  bandwidth: 12_500_000, // 100 Mbit/s, a home line with fibre
  smallMessageBytes: 16 * KiB, // what is sent without waiting for an acknowledgement (wire.md 8)
  // As the real driver does, whose numbers have their reasons there.
  windowBytes: QUIC_DEFAULTS.streamWindowBytes,
  idleTimeoutMs: QUIC_DEFAULTS.idleMs,
  diallerKeepAliveMs: QUIC_DEFAULTS.diallerKeepAliveMs,
  acceptorKeepAliveMs: QUIC_DEFAULTS.acceptorKeepAliveMs,
  stallMs: QUIC_DEFAULTS.writeStallMs,
})
