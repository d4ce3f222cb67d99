import { CodedError } from './errors.ts'

export class OptionsError extends CodedError<'OPTIONS_UNKNOWN' | 'OPTIONS_INVALID'> {}

/** Defaults overlaid by what was given: unknown names are refused, undefined means "as the default", the result is frozen. */
export function resolveOptions<T extends object>(
  room: string,
  defaults: T,
  given: Partial<T> | undefined,
): Readonly<T> {
  const result = { ...defaults }
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!(name in defaults)) throw new OptionsError('OPTIONS_UNKNOWN', `${room} has no option "${name}"`)
    if (value !== undefined) (result as Record<string, unknown>)[name] = value
  }
  return Object.freeze(result)
}
