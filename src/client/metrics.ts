import type { Counter, Histogram, Registry } from '../base/index.ts'

export interface ClientMetrics {
  /** Label `outcome`: new, existing, or an error code. */
  readonly puts: Counter
  /** Label `outcome`: found or an error code. */
  readonly gets: Counter
  readonly putSeconds: Histogram
  readonly getSeconds: Histogram
  /** Label `class`: full, payment, timeout, dial, other. */
  readonly storeFailures: Counter
  /** Peers that kept a put waiting, so that the next one was asked in their place. */
  readonly lateStores: Counter
  readonly hedges: Counter
  readonly corruptReplies: Counter
  readonly uploadedBytes: Counter
  readonly downloadedBytes: Counter
  readonly droppedReplies: Counter
}

const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]

export function clientMetrics(registry: Registry): ClientMetrics {
  return {
    puts: registry.counter('myrmex_client_puts_total', 'Chunk puts by outcome'),
    gets: registry.counter('myrmex_client_gets_total', 'Chunk gets by outcome'),
    putSeconds: registry.histogram('myrmex_client_put_seconds', 'Time of a chunk put', SECONDS),
    getSeconds: registry.histogram('myrmex_client_get_seconds', 'Time of a chunk get', SECONDS),
    storeFailures: registry.counter('myrmex_client_store_failures_total', 'Failed stores at one peer by class'),
    lateStores: registry.counter('myrmex_client_late_stores_total', 'Peers that kept a put waiting'),
    hedges: registry.counter('myrmex_client_hedges_total', 'Second GETs sent because the first was slow'),
    corruptReplies: registry.counter('myrmex_client_corrupt_replies_total', 'GET answers with wrong bytes'),
    uploadedBytes: registry.counter('myrmex_client_uploaded_bytes', 'Encrypted bytes of chunks stored'),
    downloadedBytes: registry.counter('myrmex_client_downloaded_bytes', 'Encrypted bytes of chunks read'),
    droppedReplies: registry.counter('myrmex_client_dropped_replies_total', 'Chunk messages nobody waited for'),
  }
}
