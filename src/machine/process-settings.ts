/**
 * Limits that a process can only be given when it starts (pure). Measured with Node 26.10: `v8.setFlagsFromString`
 * after the start leaves heap limit and semi-space as they are; the flags on the command line work, and so do the
 * `resourceLimits` of a Worker. glibc reads its tunables before the first line of ours runs.
 */
import { MiB } from '../base/index.ts'
import type { Choice } from './choice.ts'
import { resolveSetting, type Setting, type SettingSpec } from './settings.ts'

export const PROCESS_SPECS = {
  'heap.oldSpaceBytes': {
    ...{ unit: 'bytes', min: 64 * MiB, max: 65_536 * MiB, zero: "V8's own choice" },
    ...{ tiny: 192 * MiB, small: 512 * MiB, server: 0 },
    why: 'JS objects that live: the list of held chunks grows with the disk; when it is reached the process ends',
  },
  'heap.semiSpaceBytes': {
    ...{ unit: 'bytes', min: MiB, max: 256 * MiB, zero: "V8's own choice" },
    ...{ tiny: 2 * MiB, small: 4 * MiB, server: 0 },
    why: 'young JS objects: V8 grows it to 32 MiB under load, which costs 60 MiB more memory than 2 MiB do (measured)',
  },
  'malloc.arenas': {
    ...{ unit: 'count', min: 1, max: 1024, zero: 'two, by the native core' },
    ...{ tiny: 0, small: 0, server: 0 },
    why: 'pools of the C library; each keeps what its threads have freed',
  },
  'malloc.mmapThresholdBytes': {
    ...{ unit: 'bytes', min: 131_072, max: 32 * MiB, zero: '4 MiB, by the native core' },
    ...{ tiny: MiB, small: 0, server: 0 },
    why: 'buffers of this size go back to the system when they are freed',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>

export type ProcessKey = keyof typeof PROCESS_SPECS

export function resolveProcessSettings(
  choice: Choice,
  set: ReadonlyMap<string, number>,
): Readonly<Record<ProcessKey, Setting>> {
  const keys = Object.keys(PROCESS_SPECS) as ProcessKey[]
  return Object.fromEntries(
    keys.map((key) => [key, resolveSetting(PROCESS_SPECS[key], choice, set.get(key))]),
  ) as unknown as Record<ProcessKey, Setting>
}

export interface StartSettings {
  /** Flags of Node, in front of the program. */
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What is missing of the settings in a running process; what its operator gave it stays. */
export function missingStart(
  settings: Readonly<Record<ProcessKey, Setting>>,
  running: { readonly flags: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> },
): StartSettings {
  const given = [...running.flags, ...(running.env['NODE_OPTIONS'] ?? '').split(/\s+/)].map((flag) =>
    flag.replaceAll('_', '-'),
  )
  const flag = (name: string, { value }: Setting): string[] =>
    value === 0 || given.some((other) => other === name || other.startsWith(`${name}=`))
      ? []
      : [`${name}=${Math.max(1, Math.round(value / MiB))}`]
  const variable = (name: string, { value }: Setting): [string, string][] =>
    value === 0 || running.env[name] !== undefined ? [] : [[name, String(value)]]
  return {
    flags: [
      ...flag('--max-old-space-size', settings['heap.oldSpaceBytes']),
      ...flag('--max-semi-space-size', settings['heap.semiSpaceBytes']),
    ],
    env: Object.fromEntries([
      ...variable('MALLOC_ARENA_MAX', settings['malloc.arenas']),
      ...variable('MALLOC_MMAP_THRESHOLD_', settings['malloc.mmapThresholdBytes']),
    ]),
  }
}

/** A replaced process that still lacks something must not be replaced for ever. */
export const STARTED_VARIABLE = 'MYRMEX_STARTED'
