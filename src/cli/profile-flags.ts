/** `--profile` and `--set`, and what they make of this machine. */
import { PROFILE_CHOICES, ProfileError, readMachineFacts } from '../machine/index.ts'
import { type Profile, resolveProfile, SETTING_SPECS } from '../node/index.ts'
import { nearest, UsageError } from './args.ts'

export const PROFILE_FLAGS = {
  profile: {
    type: 'string',
    env: 'MYRMEX_PROFILE',
    values: PROFILE_CHOICES,
    help: 'how much of the machine is used (default auto: by memory, cores and control group)',
  },
  set: {
    type: 'list',
    env: 'MYRMEX_SET',
    help: 'one value of the profile, repeatable; myrmex doctor lists them',
    placeholder: 'KEY=VALUE',
  },
} as const

export interface ProfileValues {
  readonly profile: string | undefined
  readonly set: readonly string[]
}

/** Throws UsageError before anything is made. */
export function profileOf({ profile, set }: ProfileValues): Profile {
  try {
    return resolveProfile(readMachineFacts(), { profile, set })
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error
    const near = nearest(String(error.data['key'] ?? ''), Object.keys(SETTING_SPECS))
    const hint = error.code === 'PROFILE_UNKNOWN' && near !== undefined ? `; did you mean ${near}?` : ''
    throw new UsageError(`${error.message}${hint}`)
  }
}
