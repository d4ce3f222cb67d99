/**
 * Coded errors. Each room has one class: `class DhtError extends CodedError<DhtErrorCode> {}`.
 * A message says what was tried, with what, and the limit that stopped it.
 */
export type ErrorData = Readonly<Record<string, string | number | boolean | null>>

export interface PlainError {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly data: ErrorData
  readonly cause?: PlainError
}

export class CodedError<Code extends string = string> extends Error {
  readonly code: Code
  readonly data: ErrorData

  constructor(code: Code, message: string, options: { data?: ErrorData; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.data = options.data ?? {}
  }
}

/** Form that survives a thread border: an Error posted from a worker loses name, code and data (measured). */
export function toPlain(error: unknown): PlainError {
  if (error instanceof CodedError) {
    const { name, code, message, data } = error
    return { name, code, message, data, ...(error.cause === undefined ? {} : { cause: toPlain(error.cause) }) }
  }
  if (error instanceof Error)
    return { name: error.name, code: codeOf(error) ?? 'UNKNOWN', message: error.message, data: {} }
  return { name: 'Error', code: 'UNKNOWN', message: String(error), data: {} }
}

export function fromPlain(plain: PlainError): CodedError {
  const cause = plain.cause === undefined ? undefined : fromPlain(plain.cause)
  const error = new CodedError(plain.code, plain.message, {
    data: plain.data,
    ...(cause === undefined ? {} : { cause }),
  })
  error.name = plain.name
  return error
}

/** The code of any error that has one (ours, or a system error such as ENOSPC). */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
