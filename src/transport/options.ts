/** Limits that every driver keeps. Options that only sockets know are in quic/quic-options.ts. */
import { MiB } from '../base/index.ts'

export interface TransportOptions {
  /** Largest message taken from a peer and sent to one, bytes. */
  readonly maxMessageBytes: number
  /** Connections at once, dialled and accepted together. */
  readonly maxConnections: number
  /** Bytes of messages that wait in sends of one connection; a send above it fails at once. */
  readonly sendQueueBytes: number
}

export const TRANSPORT_DEFAULTS: TransportOptions = Object.freeze({
  maxMessageBytes: 10 * MiB, // what stock nodes read (wire.md 24)
  maxConnections: 10_000, // wire.md 24
  sendQueueBytes: 64 * MiB, // room for sixteen chunks on their way to one peer; more is a runaway caller
})

/** Code and reason a stopping transport gives its peers. */
export const STOP_CODE = 0
export const STOP_REASON = 'shutdown'
