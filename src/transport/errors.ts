import { CodedError } from '../base/index.ts'

export type TransportErrorCode =
  | 'TRANSPORT_ADDRESS_IN_USE'
  | 'TRANSPORT_BIND_FAILED'
  | 'TRANSPORT_UNAVAILABLE'
  | 'TRANSPORT_DIAL_FAILED'
  | 'TRANSPORT_DIAL_TIMEOUT'
  | 'TRANSPORT_CLOSED'
  | 'TRANSPORT_SEND_FAILED'
  | 'TRANSPORT_SEND_STALLED'
  | 'TRANSPORT_MESSAGE_TOO_LARGE'

export class TransportError extends CodedError<TransportErrorCode> {}
