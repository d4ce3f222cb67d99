/** Figures of the transport, read from the endpoint when somebody asks. */
import type { Gauge, Registry } from '../base/index.ts'

const HELP = {
  connections: 'Open connections.',
  halfOpen: 'Handshakes begun by peers and not done.',
  dialled: 'Connections that we dialled since the start.',
  accepted: 'Connections that we accepted since the start.',
  refused: 'Handshakes refused by a limit since the start.',
  retried: 'Handshakes asked to prove their address since the start.',
  handshakesFailed: 'Handshakes of peers that failed since the start.',
  messagesReceived: 'Messages received since the start.',
  messagesSent: 'Messages sent since the start.',
  messagesDropped: 'Messages of peers that were too long, too slow or reset since the start.',
  inboundBytes: 'Bytes of received messages that wait for the main thread.',
  datagramsReceived: 'Datagrams received since the start.',
  notQuicDatagrams: 'Datagrams that are not QUIC since the start.',
} as const

export type TransportFigures = { readonly [Name in keyof typeof HELP]: number }

export function registerTransportMetrics(
  registry: Registry,
  read: () => TransportFigures,
): { readonly [Name in keyof TransportFigures]: Gauge } {
  const names = Object.keys(HELP) as (keyof TransportFigures)[]
  const gauges = names.map((name) => [
    name,
    registry.gauge(`myrmex_transport_${snake(name)}`, HELP[name], () => read()[name]),
  ])
  return Object.fromEntries(gauges) as { readonly [Name in keyof TransportFigures]: Gauge }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
