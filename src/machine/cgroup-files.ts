/** Reads the control groups of this process: a dozen small files of the kernel, once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CgroupMount,
  type CgroupPath,
  coresOf,
  foldersOf,
  parseCpuList,
  parseCpuMax,
  parseMemoryLimit,
  parseMounts,
  parsePaths,
} from './cgroup.ts'

export interface Limit {
  readonly value: number
  /** The file that says so. */
  readonly file: string
}

export interface CgroupLimits {
  /** Which hierarchies are mounted. */
  readonly version: 'none' | 'v1' | 'v2' | 'hybrid'
  /** Bytes. */
  readonly memory: Limit | undefined
  /** Cores as a share of time; may be a fraction. */
  readonly quota: Limit | undefined
  /** Processors that may be used at all. */
  readonly processors: Limit | undefined
}

/** `root` stands for `/`, for tests. What cannot be read is no limit. */
export function readCgroupLimits(root = '/'): CgroupLimits {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(join(root, path), 'utf8')
    } catch {
      return undefined
    }
  }
  const mounts = parseMounts(read('/proc/self/mountinfo') ?? '')
  const paths = parsePaths(read('/proc/self/cgroup') ?? '')
  return {
    version: versionOf(mounts),
    memory: smallest(collect('memory', mounts, paths, read, MEMORY)),
    quota: smallest(collect('cpu', mounts, paths, read, QUOTA)),
    processors: smallest(collect('cpuset', mounts, paths, read, PROCESSORS)),
  }
}

/** Reads the limits of one folder; the file named is the one that holds it. */
type Reader = (folder: string, read: (path: string) => string | undefined) => readonly (Limit | undefined)[]

const file = (path: string, value: number | undefined): Limit | undefined =>
  value === undefined ? undefined : { value, file: path }

const MEMORY: Readonly<Record<1 | 2, Reader>> = {
  1: (folder, read) => [`${folder}/memory.limit_in_bytes`].map((path) => file(path, parseMemoryLimit(read(path)))),
  // Above `high` the kernel slows a group down until it has given memory back: for us as hard as `max`.
  2: (folder, read) =>
    [`${folder}/memory.max`, `${folder}/memory.high`].map((path) => file(path, parseMemoryLimit(read(path)))),
}
const QUOTA: Readonly<Record<1 | 2, Reader>> = {
  1: (folder, read) => {
    const path = `${folder}/cpu.cfs_quota_us`
    return [file(path, coresOf(read(path), read(`${folder}/cpu.cfs_period_us`)))]
  },
  2: (folder, read) => [`${folder}/cpu.max`].map((path) => file(path, parseCpuMax(read(path)))),
}
const PROCESSORS: Readonly<Record<1 | 2, Reader>> = {
  1: (folder, read) =>
    [`${folder}/cpuset.effective_cpus`, `${folder}/cpuset.cpus`].map((path) => file(path, parseCpuList(read(path)))),
  2: (folder, read) => [`${folder}/cpuset.cpus.effective`].map((path) => file(path, parseCpuList(read(path)))),
}

/** In a hybrid a controller is in one of the two hierarchies; its files are missing in the other. */
function collect(
  controller: string,
  mounts: readonly CgroupMount[],
  paths: readonly CgroupPath[],
  read: (path: string) => string | undefined,
  readers: Readonly<Record<1 | 2, Reader>>,
): Limit[] {
  return ([1, 2] as const)
    .flatMap((version) =>
      foldersOf(controller, version, mounts, paths).flatMap((folder) => readers[version](folder, read)),
    )
    .filter((limit) => limit !== undefined)
}

function smallest(limits: readonly Limit[]): Limit | undefined {
  return limits.reduce<Limit | undefined>(
    (least, limit) => (least && least.value <= limit.value ? least : limit),
    undefined,
  )
}

function versionOf(mounts: readonly CgroupMount[]): CgroupLimits['version'] {
  const [one, two] = [mounts.some(({ version }) => version === 1), mounts.some(({ version }) => version === 2)]
  return one && two ? 'hybrid' : one ? 'v1' : two ? 'v2' : 'none'
}
