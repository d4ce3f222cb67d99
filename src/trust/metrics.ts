import type { Counter, Registry } from '../base/index.ts'

export interface TrustMetrics {
  /** Label `event`: the name of the event, or `application`. */
  readonly events: Counter
}

export function createTrustMetrics(registry: Registry): TrustMetrics {
  return { events: registry.counter('myrmex_trust_events_total', 'Observations of peers, with or without a weight') }
}
