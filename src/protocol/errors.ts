import { CodedError } from '../base/index.ts'

export type ProtocolErrorCode =
  | 'PROTOCOL_DECODE'
  | 'PROTOCOL_ENCODE'
  | 'PROTOCOL_TOO_LARGE'
  | 'PROTOCOL_PEER_ID'
  | 'PROTOCOL_CHUNK_ADDRESS'
  | 'PROTOCOL_MULTIADDR'

/** What cannot be read or written. Thrown by decoders on bad input; a driver drops the message and counts it. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {}
