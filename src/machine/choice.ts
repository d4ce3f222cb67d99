/** Which profile fits a machine (pure). */
import { GiB, MiB } from '../base/index.ts'
import { ProfileError } from './errors.ts'
import { type MachineFacts, memoryOf } from './facts.ts'

/** Machines that a profile is made for: boards of 1 GiB and groups of 512 MiB; boards and old laptops; the rest. */
export const PROFILES = ['tiny', 'small', 'server'] as const
export type ProfileName = (typeof PROFILES)[number]
export const PROFILE_CHOICES = ['auto', ...PROFILES] as const

/** What `tiny` is measured to live in; below it byte budgets shrink in proportion. */
export const TINY_MEMORY_BYTES = 512 * MiB
/** A board sold as 1 GiB shows 0.9 GiB, one of 2 GiB about 1.8. */
const TINY_BELOW_BYTES = 1.5 * GiB
/** The queues of `server` may hold about 1 GiB when all are full. */
const SMALL_BELOW_BYTES = 6 * GiB

export interface Choice {
  readonly name: ProfileName
  readonly asked: (typeof PROFILE_CHOICES)[number]
  /** One sentence for people. */
  readonly reason: string
  /** Below 1: what `tiny` allows is too much for this group. */
  readonly scale: number
  /** The profile that was asked for does not fit. */
  readonly warning: string | undefined
}

/** `asked` undefined or `auto`: by memory, then by the kind of machine. */
export function chooseProfile(facts: MachineFacts, asked = 'auto'): Choice {
  const known = PROFILE_CHOICES.find((name) => name === asked)
  if (known === undefined) {
    const choices = PROFILE_CHOICES.join(', ')
    throw new ProfileError('PROFILE_UNKNOWN', `--profile takes one of ${choices}, not "${asked}"`)
  }
  const fitting = fit(facts)
  const name = known === 'auto' ? fitting.name : known
  const scale = name === 'tiny' ? Math.min(1, memoryOf(facts).value / TINY_MEMORY_BYTES) : 1
  if (known === 'auto') return { name, asked: known, reason: fitting.reason, scale, warning: undefined }
  const tooLarge = PROFILES.indexOf(name) > PROFILES.indexOf(fitting.name)
  return {
    name,
    asked: known,
    reason: 'asked for',
    scale,
    warning: tooLarge
      ? `${name} is made for more than this: ${fitting.reason}, so auto would be ${fitting.name}`
      : undefined,
  }
}

function fit(facts: MachineFacts): { readonly name: ProfileName; readonly reason: string } {
  const { value, file } = memoryOf(facts)
  const memory = `${sizeText(value)} of memory${file === '' ? '' : ` by the limit in ${file}`}`
  if (value < TINY_BELOW_BYTES) return { name: 'tiny', reason: `${memory}, less than 1.5 GiB` }
  if (value < SMALL_BELOW_BYTES) return { name: 'small', reason: `${memory}, less than 6 GiB` }
  // A board is bought to run several things, on an SD card and without a fan.
  if (facts.board !== undefined) return { name: 'small', reason: `a single-board computer (${facts.board}), ${memory}` }
  return { name: 'server', reason: `${memory}, 6 GiB or more` }
}

/** `512 MiB`, `23.5 GiB`. */
export function sizeText(bytes: number): string {
  const [value, unit] =
    bytes >= GiB ? [bytes / GiB, 'GiB'] : bytes >= MiB ? [bytes / MiB, 'MiB'] : [bytes / 1024, 'KiB']
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`
}
