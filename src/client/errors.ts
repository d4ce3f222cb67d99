import { Aborted, CodedError, type ErrorData, messageOf } from '../base/index.ts'

export type ClientErrorCode =
  /** Well-formed address, nothing there: enough peers were asked and all said so. */
  | 'CLIENT_NOT_FOUND'
  /** Too few peers were reachable or answered; trying again may help. */
  | 'CLIENT_INSUFFICIENT_PEERS'
  /** The peers answered and refused to store. */
  | 'CLIENT_REFUSED'
  /** The peers want a payment, or refuse the one that was shown. */
  | 'CLIENT_PAYMENT_REFUSED'
  /** Some chunks of an upload could not be stored; what was stored stays. */
  | 'CLIENT_PARTIAL_UPLOAD'
  /** Every copy that was offered has bytes that do not match the address. */
  | 'CLIENT_CORRUPT'
  /** The target exists and overwriting was not asked for. */
  | 'CLIENT_EXISTS'
  /** Fewer than 3 bytes cannot be self-encrypted. */
  | 'CLIENT_TOO_SMALL'
  | 'CLIENT_CHUNK_TOO_LARGE'
  | 'CLIENT_CANCELLED'
  | 'CLIENT_BAD_DATA_MAP'
  /** A directory manifest that is damaged, hostile or of a later version. */
  | 'CLIENT_BAD_MANIFEST'
  /** A name or link that must not be stored or restored. */
  | 'CLIENT_UNSAFE_PATH'
  /** A local file or folder could not be read. */
  | 'CLIENT_SOURCE'
  /** The file changed while it was read. */
  | 'CLIENT_SOURCE_CHANGED'
  | 'CLIENT_DISK_FULL'
  /** A local file or folder could not be written. */
  | 'CLIENT_TARGET'
  | 'CLIENT_STOPPED'

export class ClientError extends CodedError<ClientErrorCode> {}

export function clientError(
  code: ClientErrorCode,
  message: string,
  data: ErrorData = {},
  cause?: unknown,
): ClientError {
  return new ClientError(code, message, cause === undefined ? { data } : { data, cause })
}

/** What leaves the facade: coded errors as they are, an abort of the caller as CLIENT_CANCELLED. */
export function outward(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof ClientError && error.code !== 'CLIENT_CANCELLED') return error
  if (!signal.aborted) return error
  if (signal.reason instanceof ClientError || error instanceof ClientError) return signal.reason ?? error
  const why = signal.reason instanceof Aborted ? `: ${messageOf(signal.reason)}` : ''
  return clientError('CLIENT_CANCELLED', `cancelled before it was done${why}`, {}, signal.reason)
}
