/** Facts in, one frozen object of values with reasons out (pure). */
import type { ChunkServerOptions } from '../chunk-server/index.ts'
import type { ClientOptions } from '../client/index.ts'
import type { ComputeOptions } from '../compute/index.ts'
import {
  type Choice,
  chooseProfile,
  coresOf,
  type MachineFacts,
  ProfileError,
  parseSettings,
  resolveSetting,
  type Setting,
  show,
  sizeText,
} from '../machine/index.ts'
import type { NetworkOptions } from '../network/index.ts'
import type { ScrubberOptions } from '../storage/index.ts'
import type { QuicOptions } from '../transport/index.ts'
import { AT_MOST, SETTING_SPECS, type SettingKey } from './profile-specs.ts'

export interface ProfileRequest {
  /** `auto` without. */
  readonly profile?: string | undefined
  /** `KEY=VALUE` each. */
  readonly set?: readonly string[]
}

/** What the wiring hands to each room. */
export interface Tuning {
  readonly compute: Partial<ComputeOptions>
  readonly quic: Partial<QuicOptions>
  readonly network: Partial<NetworkOptions>
  readonly chunkServer: Partial<ChunkServerOptions>
  readonly scrubber: Partial<ScrubberOptions>
  readonly client: Partial<ClientOptions>
}

export interface Profile {
  readonly choice: Choice
  readonly facts: MachineFacts
  readonly settings: Readonly<Record<SettingKey, Setting>>
  readonly tuning: Tuning
  /** Sentences for people: what does not fit together. */
  readonly warnings: readonly string[]
}

/** Throws ProfileError with one sentence for an unknown name, an unknown key or a value out of range. */
export function resolveProfile(facts: MachineFacts, request: ProfileRequest = {}): Profile {
  const choice = chooseProfile(facts, request.profile)
  const set = parseSettings(request.set ?? [], SETTING_SPECS)
  const settings = resolveAll(choice, facts, set)
  checkPairs(settings, set)
  const warnings = [...(choice.warning === undefined ? [] : [choice.warning]), ...limitWarnings(facts)]
  return Object.freeze({ choice, facts, settings: Object.freeze(settings), tuning: tuningOf(settings), warnings })
}

type Settings = Record<SettingKey, Setting>

function resolveAll(choice: Choice, facts: MachineFacts, set: ReadonlyMap<string, number>): Settings {
  const keys = Object.keys(SETTING_SPECS) as SettingKey[]
  const settings = Object.fromEntries(
    keys.map((key) => [key, resolveSetting(SETTING_SPECS[key], choice, set.get(key))]),
  ) as Settings
  settings['compute.threads'] = threadsFor(settings['compute.threads'], facts)
  if (facts.openFiles !== undefined && !set.has('chunkServer.permits'))
    settings['chunkServer.permits'] = permitsFor(settings['chunkServer.permits'], facts.openFiles)
  return capPartners(settings, set)
}

/** More threads than cores only add memory; the profile's number is the most it takes. */
function threadsFor(setting: Setting, facts: MachineFacts): Setting {
  if (setting.from === 'set' && setting.value > 0) return setting
  const cores = coresOf(facts)
  const value = setting.value === 0 ? cores : Math.min(setting.value, cores)
  const { quota, processors } = facts.cgroup
  const limit = [quota, processors].find((candidate) => candidate && Math.ceil(candidate.value) === cores)
  const why = limit && cores < facts.cores ? `${cores} by ${limit.file}` : `${cores} here`
  return { ...setting, value, from: 'machine', reason: `cores that may be used: ${why}; ${setting.reason}` }
}

/** Files that the process keeps open for itself: sockets, logs, lock, modules, pipes of the threads. */
const OWN_FILES = 64

/** A request has two files open at most: the chunk, and its folder while that is synced. */
function permitsFor(setting: Setting, openFiles: number): Setting {
  const most = Math.max(1, Math.floor((openFiles - OWN_FILES) / 2))
  if (setting.value <= most) return setting
  return { ...setting, value: most, from: 'machine', reason: `only ${openFiles} files may be open (ulimit -n)` }
}

/** A share of a value that became smaller becomes smaller with it, unless it was set itself. */
function capPartners(settings: Settings, set: ReadonlyMap<string, number>): Settings {
  const result = { ...settings }
  for (const [less, more] of AT_MOST) {
    const limit = result[more].value
    if (set.has(less) || result[less].value <= limit) continue
    result[less] = { ...result[less], value: limit, from: 'machine', reason: `not more than ${more}` }
  }
  return result
}

function checkPairs(settings: Settings, set: ReadonlyMap<string, number>): void {
  for (const [less, more] of AT_MOST) {
    const [small, large] = [settings[less], settings[more]]
    if (small.value <= large.value) continue
    const [key, other] = set.has(less) ? [less, more] : [more, less]
    const text = `--set ${key}: ${less} (${show(small.value, small.unit)}) may not be above ${more} (${show(large.value, large.unit)})`
    throw new ProfileError('PROFILE_VALUE', text, { data: { key, other } })
  }
}

/** Node maps addresses for several GiB of code and heap cages that it never fills. */
const LEAST_ADDRESS_SPACE = 4 * 1024 ** 3

function limitWarnings({ addressSpaceBytes, openFiles }: MachineFacts): string[] {
  const warnings: string[] = []
  if (addressSpaceBytes !== undefined && addressSpaceBytes < LEAST_ADDRESS_SPACE)
    warnings.push(
      `addresses are limited to ${sizeText(addressSpaceBytes)} (ulimit -v): Node needs 4 GiB of them; use a memory cgroup instead`,
    )
  if (openFiles !== undefined && openFiles < 256)
    warnings.push(`only ${openFiles} files may be open: raise the limit (ulimit -n 1024)`)
  return warnings
}

function tuningOf(settings: Settings): Tuning {
  const room = (name: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(settings)
        .filter(([key]) => key.startsWith(`${name}.`))
        .map(([key, { value }]) => [key.slice(name.length + 1), value]),
    )
  const network = room('network')
  // Both rooms count connections; one limit is meant.
  const quic = { ...room('quic'), maxConnections: settings['network.maxConnections'].value }
  const [compute, chunkServer, scrubber, client] = ['compute', 'chunkServer', 'scrubber', 'client'].map(room)
  const tuning = { compute, quic, network, chunkServer, scrubber, client } as Tuning
  return Object.freeze(tuning)
}
