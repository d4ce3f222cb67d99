import type { Counter, Gauge, Registry } from '../base/index.ts'

export type ReceiveOutcome =
  | 'delivered'
  | 'announce'
  | 'empty'
  | 'queueFull'
  | 'tooLarge'
  | 'undecodable'
  | 'foreignKey'
  | 'unsigned'
  | 'badSignature'
  | 'unknownTopic'
  | 'unmatchedResponse'
  | 'busy'
  | 'handlerFailed'
export type SendOutcome = 'sent' | 'failed'
export type DialOutcome = 'connected' | 'failed' | 'mismatch' | 'noIdentity' | 'self'
export type RefusedInbound = 'rate' | 'perIp' | 'total' | 'self' | 'stopped'

export interface NetworkMetrics {
  readonly receivedMessages: Counter
  readonly receivedBytes: Counter
  readonly sentMessages: Counter
  readonly sentBytes: Counter
  readonly dials: Counter
  readonly inboundRefused: Counter
  readonly peers: Gauge
  readonly requests: Counter
  /** Labels: `lane`. */
  readonly laneWaitingBytes: Gauge
  readonly laneMovingBytes: Gauge
}

export interface NetworkFigures {
  peers(): number
  connections(): number
  queuedMessages(): number
  queuedBytes(): number
  runningHandlers(): number
  awaitedAnswers(): number
}

export function networkMetrics(registry: Registry, read: NetworkFigures): NetworkMetrics {
  registry.gauge('myrmex_network_queued_messages', 'Messages that wait for verification', read.queuedMessages)
  registry.gauge('myrmex_network_queued_bytes', 'Bytes of messages that wait for verification', read.queuedBytes)
  registry.gauge('myrmex_network_running_handlers', 'Messages that are being handled', read.runningHandlers)
  registry.gauge('myrmex_network_awaited_answers', 'Requests of ours without an answer yet', read.awaitedAnswers)
  registry.gauge('myrmex_network_connections_count', 'Live connections, identified or not', read.connections)
  return {
    receivedMessages: registry.counter('myrmex_network_received_messages_total', 'Messages by topic and outcome'),
    receivedBytes: registry.counter('myrmex_network_received_bytes_total', 'Bytes of verified messages by topic'),
    sentMessages: registry.counter('myrmex_network_sent_messages_total', 'Messages by topic and outcome'),
    sentBytes: registry.counter('myrmex_network_sent_bytes_total', 'Bytes of sent messages by topic'),
    dials: registry.counter('myrmex_network_dials_total', 'Dials of one address by outcome'),
    inboundRefused: registry.counter('myrmex_network_inbound_refused_total', 'Accepted connections closed at once'),
    peers: registry.gauge('myrmex_network_peers_count', 'Peers with an identified connection', read.peers),
    laneWaitingBytes: registry.gauge('myrmex_network_lane_waiting_bytes', 'Large messages that wait for their turn'),
    laneMovingBytes: registry.gauge('myrmex_network_lane_moving_bytes', 'Large messages on their way'),
    requests: registry.counter('myrmex_network_requests_total', 'Requests of /rr/ protocols by outcome'),
  }
}
