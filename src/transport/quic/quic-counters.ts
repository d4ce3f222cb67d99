/** Counters of an endpoint since its start. */
export interface QuicCounters {
  readonly connections: number
  readonly halfOpen: number
  readonly dialled: number
  readonly accepted: number
  readonly refused: number
  readonly retried: number
  readonly handshakesFailed: number
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Too long, too slow or reset. */
  readonly messagesDropped: number
  /** Bytes of received messages that JS has not taken yet. */
  readonly inboundBytes: number
  readonly datagramsReceived: number
  /** Datagrams whose first two bits are 00. */
  readonly notQuicDatagrams: number
}

/** The order of `mx_quic_counters`. */
const ORDER: readonly (keyof QuicCounters)[] = [
  ...(['connections', 'halfOpen', 'dialled', 'accepted', 'refused', 'retried', 'handshakesFailed'] as const),
  ...([
    'messagesReceived',
    'messagesSent',
    'messagesDropped',
    'inboundBytes',
    'datagramsReceived',
    'notQuicDatagrams',
  ] as const),
]

export function quicCounters(numbers: Float64Array): QuicCounters {
  return Object.fromEntries(ORDER.map((name, i) => [name, numbers[i] ?? 0])) as unknown as QuicCounters
}

/** Before start and after stop. */
export const NO_COUNTERS: QuicCounters = quicCounters(new Float64Array())
