/** transport: authenticated messages between two sockets. */
export * from './errors.ts'
export { Inbox } from './inbox.ts'
export * from './memory-transport.ts'
export * from './options.ts'
export { type QuicAvailability, quicAvailability } from './quic/addon.ts'
export type { QuicCounters } from './quic/quic-counters.ts'
export { QUIC_DEFAULTS, type QuicOptions } from './quic/quic-options.ts'
export {
  createQuicTransport,
  type LinkCuts,
  type QuicTransport,
  type QuicTransportConfig,
} from './quic/quic-transport.ts'
export * from './transport.ts'
