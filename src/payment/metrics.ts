import type { Counter, Registry } from '../base/index.ts'
import type { PaymentVerdict } from './ports.ts'

export interface PaymentMetrics {
  /** By verdict; `cached` are accepted ones for which no proof was read. */
  verdict(kind: PaymentVerdict['kind'] | 'cached'): void
}

export function createPaymentMetrics(registry: Registry): PaymentMetrics {
  const verdicts = registry.counter('myrmex_payment_verdicts_total', 'Payments looked at, by verdict.')
  return { verdict: (kind) => verdicts.add(1, { verdict: kind }) }
}

export interface QuoterMetrics {
  readonly quotes: Counter
}

export function createQuoterMetrics(registry: Registry): QuoterMetrics {
  return { quotes: registry.counter('myrmex_payment_quotes_total', 'Quotes and merkle candidates signed.') }
}
