/** The rule that ties a price to a commitment, checked on every quote and candidate in this order (payments.md 7; pure). */
import { MAX_COMMITTED_KEYS, priceOf } from './pricing.ts'

export interface Priced {
  readonly price: bigint
  readonly committedKeyCount: number
  /** Hash of the storage commitment that the count is taken from. */
  readonly commitmentPin?: Uint8Array
}

/** `shape`: a count without a pin or the reverse. `tooManyKeys`: above 1 000 000. `offCurve`: not the exact price. */
export type BindingFault = 'shape' | 'tooManyKeys' | 'offCurve'

/** undefined: the price is bound to its commitment. */
export function bindingFault({ price, committedKeyCount, commitmentPin }: Priced): BindingFault | undefined {
  if (committedKeyCount > 0 !== (commitmentPin !== undefined)) return 'shape'
  if (committedKeyCount > MAX_COMMITTED_KEYS) return 'tooManyKeys'
  return price === priceOf(committedKeyCount) ? undefined : 'offCurve'
}
