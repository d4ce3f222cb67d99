/**
 * A memory control group for one process, made here and removed after: where the hierarchy of `memory` is v1, v2 or a
 * hybrid. Needs root, or a delegated v2 subtree. One core comes from `taskset`, else from the group's quota.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { foldersOf, parseMounts, parsePaths } from '../../src/machine/cgroup.ts'

export interface MemoryGroup {
  readonly version: 1 | 2
  readonly path: string
  /** How the process is held to one core. */
  readonly oneCore: string
  /** Program and arguments that run a program inside. */
  wrap(program: readonly string[]): readonly string[]
  usage(): GroupUsage
  remove(): void
}

export interface GroupUsage {
  /** Bytes charged now, page cache included, which the kernel takes back when needed. */
  readonly currentBytes: number
  /** Of these, memory of processes and kernel that it cannot take back. */
  readonly anonBytes: number
  readonly peakBytes: number
  /** Processes killed for memory. */
  readonly oomKills: number
  /** Times the limit was met, page cache included. */
  readonly limitHits: number
}

/** The group, or one sentence why none can be made. */
export function createMemoryGroup(limitBytes: number): MemoryGroup | string {
  if (process.platform !== 'linux') return 'control groups are a part of Linux'
  const mounts = parseMounts(text('/proc/self/mountinfo'))
  const paths = parsePaths(text('/proc/self/cgroup'))
  const tried: string[] = []
  for (const version of [1, 2] as const) {
    // Below ourselves first: that is where a delegated subtree lets us, and nobody else's groups are touched.
    for (const parent of foldersOf('memory', version, mounts, paths)) {
      if (!existsSync(join(parent, 'cgroup.procs'))) continue
      const made = make(version, parent, limitBytes)
      if (typeof made !== 'string') return made
      tried.push(made)
    }
  }
  if (tried.length === 0) return 'no memory control group is mounted here'
  return `no memory control group can be made (root or a delegated group is needed): ${tried.join('; ')}`
}

function make(version: 1 | 2, parent: string, limitBytes: number): MemoryGroup | string {
  const path = join(parent, `myrmex-low-memory-${process.pid}`)
  try {
    if (version === 2) {
      const has = text(join(parent, 'cgroup.subtree_control')).split(/\s+/)
      if (!has.includes('memory')) writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory')
    }
    mkdirSync(path)
  } catch (error) {
    return `${parent}: ${(error as Error).message}`
  }
  try {
    const files = FILES[version]
    writeFileSync(join(path, files.limit), String(limitBytes))
    // Without swap, or the limit is none. Where swap is not counted there is no such file.
    for (const [file, value] of version === 1 ? [['memory.swappiness', '0']] : [['memory.swap.max', '0']])
      if (existsSync(join(path, file as string))) writeFileSync(join(path, file as string), value as string)
    const oneCore = holdToOneCore(version, path)
    const procs = join(path, 'cgroup.procs')
    return {
      ...{ version, path, oneCore: oneCore.name },
      // The shell enters the group and becomes the program: not a byte of it is charged elsewhere.
      wrap: (program) => ['sh', '-c', 'echo $$ > "$0" && exec "$@"', procs, ...oneCore.prefix, ...program],
      usage: () => usageOf(version, path),
      remove: () => rmdirSync(path),
    }
  } catch (error) {
    rmdirSync(path)
    return `${path}: ${(error as Error).message}`
  }
}

const FILES = {
  1: { limit: 'memory.limit_in_bytes', current: 'memory.usage_in_bytes', peak: 'memory.max_usage_in_bytes' },
  2: { limit: 'memory.max', current: 'memory.current', peak: 'memory.peak' },
} as const

function holdToOneCore(version: 1 | 2, path: string): { readonly name: string; readonly prefix: readonly string[] } {
  const core = String(cpus().length - 1)
  if (version === 2 && existsSync(join(path, 'cpu.max'))) {
    writeFileSync(join(path, 'cpu.max'), '100000 100000')
    return { name: 'cpu.max of the group', prefix: [] }
  }
  try {
    execFileSync('taskset', ['-c', core, 'true'], { stdio: 'ignore' })
    return { name: `taskset to core ${core}`, prefix: ['taskset', '-c', core] }
  } catch {
    return { name: 'not held: neither cpu.max nor taskset is here', prefix: [] }
  }
}

function usageOf(version: 1 | 2, path: string): GroupUsage {
  const files = FILES[version]
  const stat = table(text(join(path, 'memory.stat')))
  const events = table(text(join(path, version === 1 ? 'memory.oom_control' : 'memory.events')))
  const currentBytes = Number(text(join(path, files.current)))
  return {
    currentBytes,
    anonBytes: (version === 1 ? stat.get('total_rss') : stat.get('anon')) ?? Number.NaN,
    // Since Linux 5.19; before, the samples have to do.
    peakBytes: Number(text(join(path, files.peak)) || currentBytes),
    oomKills: events.get('oom_kill') ?? 0,
    limitHits: version === 1 ? Number(text(join(path, 'memory.failcnt'))) : (events.get('max') ?? 0),
  }
}

function table(lines: string): ReadonlyMap<string, number> {
  return new Map(
    lines.split('\n').map((line) => {
      const [name = '', value] = line.split(' ')
      return [name, Number(value)]
    }),
  )
}

function text(path: string): string {
  try {
    accessSync(path, constants.R_OK)
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
