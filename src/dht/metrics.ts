import type { Counter, Gauge, Histogram, Registry } from '../base/index.ts'

export interface DhtMetrics {
  /** Label `end`: converged, exhausted, iterationLimit, timedOut. */
  readonly lookups: Counter
  readonly lookupRounds: Histogram
  readonly lookupSeconds: Histogram
  /** Label `kind`: the operation; label `outcome`: answered or failed. */
  readonly requests: Counter
  /** Label `kind`: the operation. */
  readonly handled: Counter
  /** Label `reason`: tooBusy, rateLimited, undecodable, illegal, overBudget. */
  readonly dropped: Counter
  /** Label `outcome`: admitted, known or the reason of the refusal. */
  readonly admissions: Counter
  /** Label `reason`: why an entry left. */
  readonly removals: Counter
  /** Labels: `state` suspect | gone | returned. */
  readonly neighbours: Counter
  /** Label `version`: v1 or v2; label `outcome`: applied or ignored. */
  readonly publications: Counter
  readonly tableSize: Gauge
}

export function createDhtMetrics(registry: Registry, tableSize: () => number): DhtMetrics {
  return {
    lookups: registry.counter('myrmex_dht_lookups_total', 'Finished lookups by end'),
    lookupRounds: registry.histogram('myrmex_dht_lookup_rounds', 'Rounds of a lookup', [1, 2, 3, 4, 5, 6, 8, 12, 20]),
    lookupSeconds: registry.histogram(
      'myrmex_dht_lookup_seconds',
      'Duration of a lookup',
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    ),
    requests: registry.counter('myrmex_dht_requests_total', 'DHT requests of ours'),
    handled: registry.counter('myrmex_dht_handled_total', 'DHT requests answered'),
    dropped: registry.counter('myrmex_dht_dropped_total', 'DHT messages dropped'),
    admissions: registry.counter('myrmex_dht_admissions_total', 'Decisions about new peers'),
    neighbours: registry.counter('myrmex_dht_neighbours_total', 'What became of our closest peers'),
    removals: registry.counter('myrmex_dht_removals_total', 'Entries removed from the table'),
    publications: registry.counter('myrmex_dht_publications_total', 'Address publications received'),
    tableSize: registry.gauge('myrmex_dht_table_entries', 'Peers in the routing table', tableSize),
  }
}
