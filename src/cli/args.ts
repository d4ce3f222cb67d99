/** Flags of a command: one table gives parsing, checks, help text and the nearest name of a misspelt one. */
import { CodedError } from '../base/index.ts'

export class UsageError extends CodedError<'CLI_USAGE'> {
  constructor(message: string) {
    super('CLI_USAGE', message)
  }
}

/** A failure with a sentence of ours that is no misuse. */
export class CliError extends CodedError<'CLI_FAILED'> {
  constructor(message: string, cause?: unknown) {
    super('CLI_FAILED', message, cause === undefined ? {} : { cause })
  }
}

interface Common {
  readonly short?: string
  readonly env?: string
  readonly help: string
  /** Accepted for compatibility, not shown. */
  readonly hidden?: boolean
}
export type Flag =
  | (Common & { readonly type: 'boolean' })
  | (Common & { readonly type: 'string' | 'path'; readonly values?: readonly string[]; readonly placeholder?: string })
  | (Common & { readonly type: 'integer'; readonly min: number; readonly max: number; readonly placeholder?: string })
  | (Common & { readonly type: 'list'; readonly placeholder?: string })

export type Flags = Readonly<Record<string, Flag>>

type ValueOf<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'integer'
    ? number | undefined
    : F['type'] extends 'list'
      ? readonly string[]
      : string | undefined
export type Values<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> }

export interface Parsed<F extends Flags> {
  readonly values: Values<F>
  readonly positionals: readonly string[]
}

/** Command line over environment over nothing. Throws UsageError. */
export function parseArgs<F extends Flags>(
  argv: readonly string[],
  flags: F,
  env: Readonly<Record<string, string | undefined>>,
): Parsed<F> {
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(flags)) {
    const text = flag.env === undefined ? undefined : env[flag.env]
    values[name] = flag.type === 'boolean' ? false : flag.type === 'list' ? [] : undefined
    if (text === undefined || text === '') continue
    if (flag.type === 'boolean') values[name] = booleanOf(`${flag.env}`, text)
    else if (flag.type === 'list') values[name] = splitList(text)
    else values[name] = convert(`${flag.env}`, flag, text)
  }
  const positionals: string[] = []
  const givenLists = new Set<string>()
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] as string
    if (arg === '--') {
      positionals.push(...argv.slice(i + 1))
      break
    }
    if (!arg.startsWith('-') || arg === '-') {
      positionals.push(arg)
      continue
    }
    const [name, inline] = splitFlag(arg, flags)
    const flag = flags[name] as Flag
    if (flag.type === 'boolean') {
      if (inline !== undefined && inline !== 'true' && inline !== 'false')
        throw new UsageError(`--${name} takes no value`)
      values[name] = inline !== 'false'
      continue
    }
    const text = inline ?? argv[++i]
    if (text === undefined) throw new UsageError(`--${name} needs a value`)
    if (flag.type === 'list') {
      values[name] = [...(givenLists.has(name) ? (values[name] as string[]) : []), ...splitList(text)]
      givenLists.add(name)
    } else values[name] = convert(`--${name}`, flag, text)
  }
  return { values: values as Values<F>, positionals }
}

function splitFlag(arg: string, flags: Flags): [name: string, inline: string | undefined] {
  if (arg.startsWith('--')) {
    const equals = arg.indexOf('=')
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
    if (Object.hasOwn(flags, name)) return [name, equals < 0 ? undefined : arg.slice(equals + 1)]
    const near = nearest(name, Object.keys(flags))
    throw new UsageError(`unknown option --${name}${near === undefined ? '' : `; did you mean --${near}?`}`)
  }
  const found = Object.entries(flags).find(([, flag]) => flag.short === arg[1])
  if (!found) throw new UsageError(`unknown option ${arg}`)
  return [found[0], arg.length > 2 ? arg.slice(2).replace(/^=/, '') : undefined]
}

function convert(name: string, flag: Flag, text: string): string | number {
  if (flag.type === 'integer') {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < flag.min || value > flag.max)
      throw new UsageError(`${name} takes a whole number from ${flag.min} to ${flag.max}, not "${text}"`)
    return value
  }
  if (flag.type === 'string' && flag.values && !flag.values.includes(text))
    throw new UsageError(`${name} takes one of ${flag.values.join(', ')}, not "${text}"`)
  if (text === '') throw new UsageError(`${name} must not be empty`)
  return text
}

function booleanOf(name: string, text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  if (/^(0|false|no|off)$/i.test(text)) return false
  throw new UsageError(`${name} takes true or false, not "${text}"`)
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** The known name within two edits (Levenshtein), if any. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** Lines of the help text, one a flag. */
export function describeFlags(flags: Flags): string[] {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden)
  const heads = shown.map(([name, flag]) => {
    const value =
      flag.type === 'boolean'
        ? ''
        : ` ${'placeholder' in flag && flag.placeholder ? flag.placeholder : flag.type === 'integer' ? 'N' : flag.type === 'path' ? 'PATH' : 'TEXT'}`
    return `${flag.short ? `-${flag.short}, ` : '    '}--${name}${value}`
  })
  const width = Math.max(0, ...heads.map((head) => head.length))
  return shown.map(([, flag], i) => {
    const values = flag.type === 'string' && flag.values ? ` (${flag.values.join(', ')})` : ''
    const env = flag.env === undefined ? '' : ` [${flag.env}]`
    return `  ${(heads[i] as string).padEnd(width)}  ${flag.help}${values}${env}`
  })
}
