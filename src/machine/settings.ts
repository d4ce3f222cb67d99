/** Single values of a profile: how they are described, written by people, and resolved (pure). */
import { assert, GiB, KiB, MiB } from '../base/index.ts'
import { type Choice, PROFILES, type ProfileName, sizeText } from './choice.ts'
import { ProfileError } from './errors.ts'

export interface SettingSpec {
  readonly unit: 'bytes' | 'count' | 'ms'
  readonly min: number
  readonly max: number
  readonly tiny: number
  readonly small: number
  readonly server: number
  readonly why: string
  /** What 0 means, where it is allowed. */
  readonly zero?: string
  /** Shrinks with the memory of a group that is smaller than `tiny` is made for. */
  readonly scales?: boolean
}

export interface Setting {
  readonly value: number
  readonly unit: SettingSpec['unit']
  readonly from: 'profile' | 'machine' | 'set'
  readonly reason: string
}

const SUFFIXES: Readonly<Record<string, number>> = {
  ...{ '': 1, b: 1, k: KiB, kb: KiB, kib: KiB, m: MiB, mb: MiB, mib: MiB, g: GiB, gb: GiB, gib: GiB },
}
const TIMES: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000 }

/** `KEY=VALUE` texts to values: 8, 16MiB, 2s. Throws PROFILE_VALUE with one sentence that says what would do. */
export function parseSettings(
  texts: readonly string[],
  specs: Readonly<Record<string, SettingSpec>>,
): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const text of texts) {
    const equals = text.indexOf('=')
    const key = text.slice(0, Math.max(0, equals)).trim()
    const refuse = (why: string, data: { key: string } = { key }) => new ProfileError('PROFILE_VALUE', why, { data })
    if (equals < 1) throw refuse(`--set takes KEY=VALUE, not "${text}"`)
    if (!Object.hasOwn(specs, key))
      throw new ProfileError('PROFILE_UNKNOWN', `there is no setting "${key}": myrmex doctor lists them`, {
        data: { key },
      })
    const spec = specs[key] as SettingSpec
    const value = readValue(text.slice(equals + 1).trim(), spec.unit)
    const allowed = spec.zero !== undefined && value === 0
    if (value === undefined || (!allowed && (value < spec.min || value > spec.max))) {
      const range = `${show(spec.min, spec.unit)} to ${show(spec.max, spec.unit)}`
      const zero = spec.zero === undefined ? '' : `, or 0 for ${spec.zero}`
      throw refuse(`--set ${key} takes ${KINDS[spec.unit]} from ${range}${zero}, not "${text.slice(equals + 1)}"`)
    }
    values.set(key, value)
  }
  return values
}

const KINDS = { bytes: 'a size (as 16MiB)', count: 'a whole number', ms: 'a time (as 500ms or 2s)' } as const

function readValue(text: string, unit: SettingSpec['unit']): number | undefined {
  const match = /^(\d{1,15})\s*([a-zA-Z]{0,3})$/.exec(text)
  const factors = unit === 'bytes' ? SUFFIXES : unit === 'ms' ? TIMES : { '': 1 }
  const factor = factors[(match?.[2] ?? '-').toLowerCase()]
  const value = factor === undefined ? Number.NaN : Number(match?.[1]) * factor
  return Number.isSafeInteger(value) ? value : undefined
}

/** For people and for the text of `--set`. */
export function show(value: number, unit: SettingSpec['unit']): string {
  if (unit === 'bytes') return sizeText(value)
  return unit === 'ms' ? (value % 1000 === 0 ? `${value / 1000} s` : `${value} ms`) : String(value)
}

/** The profile's value, shrunk when the group is smaller than the profile, replaced by what was set alone. */
export function resolveSetting(spec: SettingSpec, choice: Choice, set: number | undefined): Setting {
  const { unit, why } = spec
  if (set !== undefined)
    return { value: set, unit, from: 'set', reason: `set alone; ${choice.name} has ${show(spec[choice.name], unit)}` }
  const value = spec[choice.name]
  if (!spec.scales || choice.scale >= 1) return { value, unit, from: 'profile', reason: why }
  const shrunk = Math.max(
    spec.min,
    unit === 'bytes' ? floorTo(value * choice.scale, 64 * KiB) : Math.floor(value * choice.scale),
  )
  return {
    value: shrunk,
    unit,
    from: 'machine',
    reason: `${Math.round(choice.scale * 100)} % of tiny for this group: ${why}`,
  }
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step
}

/** Bugs of a table: a column outside its range, or columns that do not grow. */
export function assertSpecs(specs: Readonly<Record<string, SettingSpec>>): void {
  for (const [key, spec] of Object.entries(specs)) {
    for (const name of PROFILES satisfies readonly ProfileName[]) {
      const value = spec[name]
      const inside = (value >= spec.min && value <= spec.max) || (value === 0 && spec.zero !== undefined)
      assert(inside && Number.isSafeInteger(value), `${key}: ${name} is outside of its range`)
    }
  }
}
