import type { Counter, Registry } from '../base/index.ts'

export interface ReplicationMetrics {
  /** Labels: `outcome` admitted | overCapacity. */
  readonly hints: Counter
  /** Keys told to peers that became responsible for them. */
  readonly repairHints: Counter
  /** Keys told to peers because some of their close group do not hold them. */
  readonly extended: Counter
  /** Labels: `result`. */
  readonly verified: Counter
  /** Labels: `outcome`. */
  readonly fetches: Counter
  /** Chunk bytes that came, labels: `by` fetch | offer. */
  readonly receivedBytes: Counter
  /** Chunk bytes that went, labels: `by` fetch | offer. */
  readonly sentBytes: Counter
  /** Labels: `outcome` stored | held | refused. */
  readonly offers: Counter
  /** Chunks spread once more. */
  readonly respread: Counter
  /** Labels: `audit` digest | possession | prune | subtree, `outcome`. */
  readonly challenges: Counter
  /** Labels: `outcome` answer | bootstrapping | silent | malformed. */
  readonly syncs: Counter
  /** Peers that were paid, labels: `outcome` queued | ignored. */
  readonly nominations: Counter
  readonly pruned: Counter
  /** Labels: `kind` of the request, `outcome` answered | ignored | busy | stale | undecodable. */
  readonly requests: Counter
}

/** Read when somebody asks for the metrics. */
export interface ReplicationFigures {
  pending(): number
  fetching(): number
  paid(): number
}

export function replicationMetrics(registry: Registry, figures: ReplicationFigures): ReplicationMetrics {
  registry.gauge('myrmex_replication_pending', 'Keys that wait for verification', figures.pending)
  registry.gauge('myrmex_replication_fetching', 'Verified keys that wait for their bytes', figures.fetching)
  registry.gauge('myrmex_replication_paid', 'Keys listed as paid', figures.paid)
  const name = (what: string) => `myrmex_replication_${what}_total`
  return {
    hints: registry.counter(name('hints'), 'Keys hinted to us by outcome'),
    repairHints: registry.counter(name('repair_hints'), 'Keys told to peers that became responsible for them'),
    extended: registry.counter(
      name('extended'),
      'Keys told to peers because some of their close group do not hold them',
    ),
    verified: registry.counter(name('verified'), 'Keys verified by result'),
    fetches: registry.counter(name('fetches'), 'Chunks fetched from neighbours by outcome'),
    receivedBytes: registry.counter(name('received_bytes'), 'Chunk bytes received from neighbours'),
    sentBytes: registry.counter(name('sent_bytes'), 'Chunk bytes sent to neighbours'),
    offers: registry.counter(name('offers'), 'Offers of fresh chunks by outcome'),
    respread: registry.counter(name('respread'), 'Fresh chunks spread again, to neighbours that missed their payment'),
    challenges: registry.counter(name('challenges'), 'Challenges of ours by kind of audit and outcome'),
    syncs: registry.counter(name('syncs'), 'Syncs that we asked neighbours for, by outcome'),
    nominations: registry.counter(name('nominations'), 'Peers that were paid and may be audited, by outcome'),
    pruned: registry.counter(name('pruned'), 'Chunks deleted because others are responsible'),
    requests: registry.counter(
      'myrmex_replication_requests_total',
      'Replication and audit messages of neighbours by kind and outcome',
    ),
  }
}
