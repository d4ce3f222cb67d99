import type { Counter, Registry } from '../base/index.ts'

export interface ReplicationMetrics {
  /** Labels: `kind` of the request, `outcome` answered | ignored | busy | undecodable. */
  readonly requests: Counter
}

export function replicationMetrics(registry: Registry): ReplicationMetrics {
  return {
    requests: registry.counter(
      'myrmex_replication_requests_total',
      'Replication and audit messages of neighbours by kind and outcome',
    ),
  }
}
