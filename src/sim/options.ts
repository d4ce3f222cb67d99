/** What a simulated network is like; limits of a transport are TransportOptions. All times are virtual milliseconds. */
import { KiB, MiB } from '../base/index.ts'

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
  windowBytes: 1 * MiB, // stream window of a real connection (design.md 3)
  idleTimeoutMs: 30_000, // wire.md 7.4
  diallerKeepAliveMs: 10_000, // wire.md 7.4
  acceptorKeepAliveMs: 25_000, // wire.md 7.4
  stallMs: 2_000, // wire.md 8
})
