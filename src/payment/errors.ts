import { CodedError } from '../base/index.ts'

export type PaymentErrorCode =
  /** A quote or candidate could not be signed. */
  | 'PAYMENT_QUOTE_FAILED'
  /** Bytes that should be a quote or proof are not. */
  | 'PAYMENT_DECODE'
  | 'PAYMENT_REWARDS_ADDRESS'

export class PaymentError extends CodedError<PaymentErrorCode> {}
