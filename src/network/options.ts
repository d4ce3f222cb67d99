/** Every number of the room, with its reason. What all nodes must agree on stands in protocol/constants.ts. */
import { KiB, MiB, minute, second } from '../base/index.ts'
import { SEND_LANE_DEFAULTS, type SendLaneOptions } from './send-lanes.ts'

export interface NetworkOptions {
  /** Goes out in every message; only the prefix `node/` has a meaning (wire.md 10). */
  readonly userAgent: string
  /** Loopback addresses count as our own LAN (local networks and tests). */
  readonly allowLoopback: boolean

  readonly dialTimeoutMs: number
  readonly identityWaitMs: number
  readonly bootstrapIdentityWaitMs: number
  readonly inboundIdentityWaitMs: number
  readonly dialFailureMemoryMs: number
  readonly relayPortsSuppressing: number
  readonly publicationExemptionMs: number
  readonly identityFailureMemoryMs: number
  readonly identityMismatchMemoryMs: number
  readonly failureMemoryEntries: number
  readonly savedAddressPeers: number

  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  readonly maxConnectionsPerPeer: number
  readonly inboundBurstPerIp: number
  readonly inboundPerSecondPerIp: number
  readonly rememberedIps: number
  readonly simultaneousOpenMs: number
  readonly duplicateGraceMs: number

  readonly acknowledgedFromBytes: number
  readonly announceReuseMs: number
  readonly lanes: SendLaneOptions
  readonly queueMessages: number
  readonly queueBytes: number
  readonly queueMessagesPerConnection: number
  readonly verifyConcurrency: number
  readonly maxRunningHandlers: number
  readonly maxRunningHandlersPerPeer: number
  readonly handlerBudgetMs: number
  readonly maxHandlerBudgetMs: number

  readonly maxOutstandingRequests: number
  readonly maxRequestTimeoutMs: number
}

export const NETWORK_DEFAULTS: NetworkOptions = Object.freeze({
  userAgent: 'client/0.1.0', // never `node/` by accident: the composition root says what it is
  allowLoopback: false, // as in production (dht.md 3)

  dialTimeoutMs: 5.25 * second, // 1.25 s to connect and 4 s of handshake (dht.md 2)
  identityWaitMs: 5 * second, // wire.md 24
  bootstrapIdentityWaitMs: 3 * second, // wire.md 24
  inboundIdentityWaitMs: 30 * second, // our own: a silent stranger keeps no connection longer than the idle time
  dialFailureMemoryMs: 30 * minute, // dht.md 7
  relayPortsSuppressing: 4, // dht.md 7 (b)
  publicationExemptionMs: 2 * minute, // dht.md 7
  identityFailureMemoryMs: 5 * minute, // dht.md 7
  identityMismatchMemoryMs: 30 * minute, // dht.md 7
  failureMemoryEntries: 16_384, // several addresses for each peer of a large table, 2 MiB at most
  savedAddressPeers: 1_024, // twice the connections of a busy node

  maxConnections: 10_000, // wire.md 24
  maxConnectionsPerIp: 512, // as the QUIC endpoint counts (docs/adr/0006); here for the other drivers, loopback exempt
  maxConnectionsPerPeer: 3, // both directions and one that is about to time out
  inboundBurstPerIp: 100, // wire.md 24
  inboundPerSecondPerIp: 1000 / 60, // wire.md 24
  rememberedIps: 100_000, // wire.md 24
  simultaneousOpenMs: 6 * second, // longer than one dial may take
  duplicateGraceMs: 500, // wire.md 7.3: what is still under way on the losing connection may arrive

  acknowledgedFromBytes: 16 * KiB, // wire.md 8
  announceReuseMs: 10 * second, // nobody checks freshness, so a storm of connections costs one signature
  lanes: SEND_LANE_DEFAULTS, // what goes out first (docs/adr/0012)
  queueMessages: 256, // wire.md 24
  queueBytes: 64 * MiB, // a dozen chunks that wait for verification; more would be a flood
  queueMessagesPerConnection: 64, // a quarter: one peer cannot fill the queue for all
  verifyConcurrency: 16, // enough to keep a pool of workers busy, few enough to keep memory low
  maxRunningHandlers: 512, // two times the DHT's own 256 (dht.md 14)
  maxRunningHandlersPerPeer: 128, // a quarter: one peer that reads our answers slowly cannot hold all of them
  handlerBudgetMs: 60 * second, // longest step of a put is the payment check; routes and requests may set another
  maxHandlerBudgetMs: 300 * second, // as maxRequestTimeoutMs: nobody waits longer for an answer

  maxOutstandingRequests: 256, // wire.md 11
  maxRequestTimeoutMs: 300 * second, // wire.md 11
})
