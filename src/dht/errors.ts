import { CodedError } from '../base/index.ts'

/**
 * DHT_OPTIONS: an option outside its range. DHT_INSUFFICIENT_PEERS: a witnessed close group stayed too small.
 * DHT_REQUEST_FAILED: a DHT request got no usable answer (cause kept). DHT_PEER_FAILED_ELSEWHERE: the peer failed in
 * another lookup of ours meanwhile. DHT_BUSY: a queue of ours is full.
 */
export type DhtErrorCode =
  | 'DHT_OPTIONS'
  | 'DHT_INSUFFICIENT_PEERS'
  | 'DHT_REQUEST_FAILED'
  | 'DHT_PEER_FAILED_ELSEWHERE'
  | 'DHT_BUSY'

export class DhtError extends CodedError<DhtErrorCode> {}
