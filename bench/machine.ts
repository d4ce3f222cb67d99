/** What a figure is worth nothing without. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { backend } from '../src/crypto/index.ts'

export interface MachineFacts {
  readonly cpu: string | null
  readonly arch: string
  readonly cores: number
  /** null: the system does not say, as in most virtual machines. */
  readonly governor: string | null
  readonly memory_bytes: number
  /** Limit of the control group, when it is below the machine's memory. */
  readonly cgroup_memory_bytes: number | null
  /** Processors' worth of time that the control group may use, when limited. */
  readonly cgroup_cpus: number | null
  readonly kernel: string
  readonly node: string
  readonly backend: string
  readonly revision: string | null
  /** Files differ from the revision. */
  readonly dirty: boolean | null
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly number[]
}

export function machineFacts(): MachineFacts {
  return { ...hardware(), backend: backend().name, ...revision(), load: load() }
}

/** What has to be equal before the figures of two files may be set side by side. */
export function differingFacts(a: Partial<MachineFacts>, b: Partial<MachineFacts>): string[] {
  const keys = [
    'cpu',
    'arch',
    'cores',
    'governor',
    'memory_bytes',
    'cgroup_memory_bytes',
    'cgroup_cpus',
    'kernel',
    'node',
    'backend',
  ] as const
  return keys
    .filter((key) => (a[key] ?? null) !== (b[key] ?? null))
    .map((key) => `${key}: ${a[key] ?? '?'} and ${b[key] ?? '?'}`)
}

export function load(): number[] {
  return loadavg().map((value) => Number(value.toFixed(2)))
}

/** Everything but the program under test. */
export function hardware(): Omit<MachineFacts, 'backend' | 'revision' | 'dirty' | 'load'> {
  return {
    cpu: cpus()[0]?.model ?? null,
    arch: process.arch,
    cores: availableParallelism(),
    governor: text('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? null,
    memory_bytes: totalmem(),
    cgroup_memory_bytes: cgroupMemory() ?? null,
    cgroup_cpus: cgroupCpus() ?? null,
    kernel: `${type()} ${release()}`,
    node: process.version,
  }
}

function revision(): Pick<MachineFacts, 'revision' | 'dirty'> {
  const git = (...args: string[]) => {
    try {
      const cwd = join(import.meta.dirname, '..')
      return execFileSync('git', args, { cwd, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim()
    } catch {
      return null
    }
  }
  const status = git('status', '--porcelain', '--untracked-files=no')
  return { revision: git('rev-parse', '--short', 'HEAD'), dirty: status === null ? null : status !== '' }
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The folder of our own group, for version 2 and for one controller of version 1. */
function cgroupFolder(controller: string): string | undefined {
  const lines = (text('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'))
  const first = lines.find(([, names]) => names?.split(',').includes(controller))
  if (first) return `/sys/fs/cgroup/${controller}${first[2] === '/' ? '' : first[2]}`
  const unified = lines.find(([id, names]) => id === '0' && names === '')
  return unified && `/sys/fs/cgroup${unified[2] === '/' ? '' : unified[2]}`
}

function cgroupMemory(): number | undefined {
  const folder = cgroupFolder('memory')
  const limit = Number(text(`${folder}/memory.max`) ?? text(`${folder}/memory.limit_in_bytes`) ?? Number.NaN)
  return limit > 0 && limit < totalmem() ? limit : undefined
}

function cgroupCpus(): number | undefined {
  const folder = cgroupFolder('cpu')
  const [quota, period] = text(`${folder}/cpu.max`)?.split(' ') ?? [
    text(`${folder}/cpu.cfs_quota_us`),
    text(`${folder}/cpu.cfs_period_us`),
  ]
  const share = Number(quota) / Number(period)
  return share > 0 && share < availableParallelism() ? Number(share.toFixed(2)) : undefined
}
