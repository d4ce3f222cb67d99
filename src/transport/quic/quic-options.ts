/** Options of the QUIC driver; all of them live in the native endpoint, which takes them as numbers in a fixed order. */
import { MiB, minute, resolveOptions, second } from '../../base/index.ts'
import { TRANSPORT_DEFAULTS, type TransportOptions } from '../options.ts'

export interface QuicOptions extends TransportOptions {
  /** Handshakes begun by others and not done, in all and from one address. */
  readonly maxHalfOpen: number
  readonly maxHalfOpenPerIp: number
  /** Accepted connections from one address. */
  readonly maxConnectionsPerIp: number
  /** From so many half-open handshakes on, an address must be proved real first (Retry). */
  readonly retryAboveHalfOpen: number
  /** New accepted connections from one address: pace and burst. */
  readonly newConnectionsPerMinute: number
  readonly newConnectionsBurst: number
  /** A dialled address that has not answered at all by then is given up. */
  readonly firstAnswerMs: number
  readonly handshakeMs: number
  readonly idleMs: number
  readonly diallerKeepAliveMs: number
  readonly acceptorKeepAliveMs: number
  readonly maxUniStreams: number
  readonly maxBidiStreams: number
  /** Messages of one connection that are read at once. */
  readonly concurrentReads: number
  readonly streamWindowBytes: number
  readonly connectionWindowBytes: number
  /** Bounds of `setReceiveWindow`: for one connection, and for what all have above the default together. */
  readonly maxConnectionWindowBytes: number
  readonly windowBudgetBytes: number
  readonly sendWindowBytes: number
  /** Received message bytes in memory, in all and for one connection, until JS takes them. */
  readonly inboundBudgetBytes: number
  readonly connectionInboundBytes: number
  /** Whole messages that may wait for JS before reading pauses. */
  readonly eventQueueBytes: number
  readonly eventQueueMessages: number
  /** A write without progress, a read without progress, and a whole read, end after this. */
  readonly writeStallMs: number
  readonly readStallMs: number
  readonly readTotalMs: number
  readonly initialMtu: number
  readonly maxMtu: number
  readonly initialCongestionWindowBytes: number
  /** Socket buffers asked of the system; it may give less. */
  readonly socketBufferBytes: number
  /** Messages above 64 KiB that one connection writes at once. */
  readonly concurrentLargeSends: number
}

export const QUIC_DEFAULTS: QuicOptions = Object.freeze({
  ...TRANSPORT_DEFAULTS,
  maxHalfOpen: 512, // a handshake holds about 50 KB here
  maxHalfOpenPerIp: 64, // a whole local network behind one address starts at once
  maxConnectionsPerIp: 512, // many behind one NAT, and still not all 10 000
  retryAboveHalfOpen: 64, // Retry costs the honest one round trip, so only under load
  newConnectionsPerMinute: 1000, // wire.md 24
  newConnectionsBurst: 100, // wire.md 24
  firstAnswerMs: 1.25 * second, // wire.md 6.4: a dead address costs a lookup this much and not the whole dial
  handshakeMs: 10 * second, // three retransmissions at an initial RTT of 333 ms; the engine alone waits for 30 s
  idleMs: 30 * second, // wire.md 7.4
  diallerKeepAliveMs: 10 * second, // wire.md 7.4
  acceptorKeepAliveMs: 25 * second, // wire.md 7.4
  maxUniStreams: 100, // wire.md 6.3
  maxBidiStreams: 100, // wire.md 6.3; each is refused until somebody serves them
  concurrentReads: 100, // as many as streams: unread ones would hold the small connection window and stop the others
  streamWindowBytes: MiB, // the engine ends healthy streams with larger windows
  connectionWindowBytes: 2 * MiB, // memory is about twice the window of every connection; enough for 20 MB/s at 100 ms
  maxConnectionWindowBytes: 16 * MiB, // 160 MB/s at 100 ms
  windowBudgetBytes: 1024 * MiB, // 64 active transfers at full width; beyond 256 connections new ones start small
  sendWindowBytes: 8 * MiB, // two chunks on their way
  inboundBudgetBytes: 256 * MiB, // 64 chunks on their way in
  connectionInboundBytes: 64 * MiB, // a quarter of all for one peer
  eventQueueBytes: 64 * MiB, // sixteen chunks for a busy thread
  eventQueueMessages: 4096, // a tenth of a second of small requests
  writeStallMs: 10 * second, // 20 streams share 260 kB/s: credit comes by 128 KiB. Stock senders: 2 s (wire.md 8)
  readStallMs: 10 * second, // five times what a stock sender allows itself
  readTotalMs: 10 * minute, // 4 MiB at 7 KB/s; who needs longer than a minute is hurried when memory is short
  initialMtu: 1350, // wire.md 6.4
  maxMtu: 1452, // wire.md 6.4
  initialCongestionWindowBytes: MiB, // wire.md 6.4; halves the time of the first chunk at 100 ms
  socketBufferBytes: 4 * MiB, // the usual 208 KiB lose hundreds of packets in a burst
  concurrentLargeSends: 16, // 64 KiB of the connection window each at least, so that every one makes progress
})

/** The order of the fields of `Options` in native/quic/src/options.rs. */
const ORDER: readonly (keyof QuicOptions)[] = [
  ...(['maxMessageBytes', 'maxConnections', 'sendQueueBytes', 'maxHalfOpen', 'maxHalfOpenPerIp'] as const),
  ...(['maxConnectionsPerIp', 'retryAboveHalfOpen', 'newConnectionsPerMinute', 'newConnectionsBurst'] as const),
  ...([
    'firstAnswerMs',
    'handshakeMs',
    'idleMs',
    'diallerKeepAliveMs',
    'acceptorKeepAliveMs',
    'maxUniStreams',
  ] as const),
  ...(['maxBidiStreams', 'concurrentReads', 'streamWindowBytes', 'connectionWindowBytes'] as const),
  ...(['maxConnectionWindowBytes', 'windowBudgetBytes', 'sendWindowBytes', 'inboundBudgetBytes'] as const),
  ...(['connectionInboundBytes', 'eventQueueBytes', 'eventQueueMessages', 'writeStallMs', 'readStallMs'] as const),
  ...(['readTotalMs', 'initialMtu', 'maxMtu', 'initialCongestionWindowBytes', 'socketBufferBytes'] as const),
  'concurrentLargeSends',
]

export function resolveQuicOptions(given: Partial<QuicOptions> | undefined): Readonly<QuicOptions> {
  return resolveOptions('transport', QUIC_DEFAULTS, given)
}

export function nativeOptions(options: QuicOptions): Float64Array {
  return Float64Array.from(ORDER, (name) => options[name])
}
