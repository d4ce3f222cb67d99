import { CodedError } from '../base/index.ts'

export type NetworkErrorCode =
  /** No address worked, or none may be tried now. */
  | 'NETWORK_UNREACHABLE'
  /** Connected, but no announce in time; or that happened less than 5 minutes ago. */
  | 'NETWORK_IDENTITY_FAILED'
  /** Somebody else answers at the peer's addresses; or did less than 30 minutes ago. */
  | 'NETWORK_IDENTITY_MISMATCH'
  /** The peer is ourselves. */
  | 'NETWORK_SELF'
  | 'NETWORK_SEND_FAILED'
  | 'NETWORK_MESSAGE_TOO_LARGE'
  | 'NETWORK_REQUEST_TIMEOUT'
  /** The peer's last connection ended before it answered. */
  | 'NETWORK_REQUEST_LOST'
  | 'NETWORK_REQUESTS_FULL'
  /** Too many messages of ours wait for their turn (`SendLaneOptions`), or this one did for longer than it had. */
  | 'NETWORK_BUSY'
  | 'NETWORK_NOT_RUNNING'

/** A peer could not be reached or did not answer. What peers do wrong never surfaces as an error. */
export class NetworkError extends CodedError<NetworkErrorCode> {}

const OWN_FAULTS: ReadonlySet<string> = new Set<NetworkErrorCode>([
  ...(['NETWORK_REQUESTS_FULL', 'NETWORK_NOT_RUNNING', 'NETWORK_SELF', 'NETWORK_BUSY'] as const),
  'NETWORK_MESSAGE_TOO_LARGE',
])

/** Our own limits and stops: of the peer and the way to it nothing was seen (dht.md 5). */
export function isOwnFault(error: CodedError): boolean {
  return error instanceof NetworkError && OWN_FAULTS.has(error.code)
}
