import type { Counter, Histogram, Registry } from '../base/index.ts'

export type RequestName = 'put' | 'get' | 'quote' | 'candidate' | 'pointerPut' | 'pointerGet'
/** Why a message got no handler. */
export type TurnedAway = 'undecodable' | 'response' | 'busy' | 'dropped' | 'stopping'

export interface ChunkServerMetrics {
  answered(request: RequestName, outcome: string, seconds: number): void
  turnedAway(reason: TurnedAway): void
  readonly unversionedQuotes: Counter
  /** Chunk bytes that clients sent, and were sent. */
  readonly putBytes: Counter
  readonly getBytes: Counter
  readonly sendFailures: Counter
}

const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

export interface LineFigures {
  readonly outstanding: number
  readonly bytes: number
  readonly running: number
}

export function createChunkServerMetrics(registry: Registry, line: LineFigures): ChunkServerMetrics {
  const requests = registry.counter('myrmex_chunk_server_requests_total', 'Requests answered, by kind and outcome.')
  const seconds: Histogram = registry.histogram(
    'myrmex_chunk_server_request_seconds',
    'Time from arrival to the end of sending the answer.',
    SECONDS,
  )
  const away = registry.counter('myrmex_chunk_server_turned_away_total', 'Messages that got no handler, by reason.')
  registry.gauge('myrmex_chunk_server_outstanding_requests', 'Requests waiting or running.', () => line.outstanding)
  registry.gauge('myrmex_chunk_server_outstanding_bytes', 'Bytes of the requests waiting or running.', () => line.bytes)
  registry.gauge('myrmex_chunk_server_running_requests', 'Requests that hold a permit.', () => line.running)
  return {
    answered: (request, outcome, duration) => {
      requests.add(1, { request, outcome })
      seconds.observe(duration, { request })
    },
    turnedAway: (reason) => away.add(1, { reason }),
    unversionedQuotes: registry.counter(
      'myrmex_chunk_server_unversioned_quotes_total',
      'Quote requests without a settlement version.',
    ),
    putBytes: registry.counter('myrmex_chunk_server_put_bytes_total', 'Chunk bytes that came with puts.'),
    getBytes: registry.counter('myrmex_chunk_server_get_bytes_total', 'Chunk bytes that were sent for gets.'),
    sendFailures: registry.counter('myrmex_chunk_server_send_failures_total', 'Answers that could not be sent.'),
  }
}
