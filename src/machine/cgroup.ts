/**
 * Limits that control groups set, read from the kernel's texts (pure): cgroup v1, v2, and hybrids of both. A group can
 * never use more than the groups above it allow, so along the path of a process the smallest limit counts
 * (Linux admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst; cgroups(7), proc_pid_mountinfo(5)).
 */

/** One hierarchy in the file system. `controllers` is empty for v2, where the folders say which there are. */
export interface CgroupMount {
  readonly version: 1 | 2
  readonly controllers: readonly string[]
  /** Folder of the hierarchy that is mounted: `/` unless a container sees only its own part. */
  readonly root: string
  readonly point: string
}

/** Where a process is in one hierarchy. */
export interface CgroupPath {
  readonly controllers: readonly string[]
  readonly path: string
}

/** Text of `/proc/self/mountinfo`; other file systems and lines that make no sense are passed over. */
export function parseMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of mountinfo.split('\n')) {
    const [head = '', tail = ''] = line.split(' - ')
    const [, , , root, point] = head.split(' ')
    const [type, , options = ''] = tail.split(' ')
    if (root === undefined || point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue
    const version = type === 'cgroup' ? 1 : 2
    const controllers = version === 1 ? options.split(',').filter((name) => !/^r[wo]$/.test(name)) : []
    mounts.push({ version, controllers, root: unescapeOctal(root), point: unescapeOctal(point) })
  }
  return mounts
}

/** Text of `/proc/self/cgroup`: `ID:CONTROLLERS:PATH`, of which a path may hold colons. */
export function parsePaths(text: string): CgroupPath[] {
  const paths: CgroupPath[] = []
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (!match) continue
    const [, controllers, path] = match as unknown as [string, string, string]
    // The kernel marks the group of a process that outlived it.
    paths.push({ controllers: controllers.split(',').filter(Boolean), path: path.replace(/ \(deleted\)$/, '') })
  }
  return paths
}

/**
 * Folders that may hold a limit of the controller for this process, its own group first. For v1 the hierarchy of that
 * controller; for v2 the unified one.
 */
export function foldersOf(
  controller: string,
  version: 1 | 2,
  mounts: readonly CgroupMount[],
  paths: readonly CgroupPath[],
): string[] {
  const wanted = ({ controllers }: { readonly controllers: readonly string[] }) =>
    version === 1 ? controllers.includes(controller) : controllers.length === 0
  const mount = mounts.find((candidate) => candidate.version === version && wanted(candidate))
  const own = paths.find(wanted)
  if (mount === undefined || own === undefined) return []
  const parts = within(mount.root, own.path)
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    [mount.point.replace(/\/$/, ''), ...parts.slice(0, parts.length - i)].join('/'),
  )
}

/** Below the mounted part; a group outside of it (seen from within a container) leaves the mounted folder alone. */
function within(root: string, path: string): string[] {
  const split = (text: string) => text.split('/').filter((part) => part !== '')
  const [above, own] = [split(root), split(path)]
  if (own.includes('..') || !above.every((part, i) => own[i] === part)) return []
  return own.slice(above.length)
}

/** v1 writes "no limit" as the largest number of whole pages. */
const UNLIMITED = 2 ** 62

/** `memory.max`, `memory.high`, `memory.limit_in_bytes`. undefined: no limit, or no such text. */
export function parseMemoryLimit(text: string | undefined): number | undefined {
  const bytes = wholeNumber(text)
  return bytes === undefined || bytes === 0 || bytes >= UNLIMITED ? undefined : bytes
}

/** `cpu.max` of v2, `QUOTA PERIOD` in microseconds: how many cores that is. */
export function parseCpuMax(text: string | undefined): number | undefined {
  const [quota, period] = text?.trim().split(/\s+/) ?? []
  return coresOf(quota, period ?? '100000')
}

/** `cpu.cfs_quota_us` and `cpu.cfs_period_us` of v1; a quota of -1 is none. */
export function coresOf(quota: string | undefined, period: string | undefined): number | undefined {
  const [share, whole] = [wholeNumber(quota), wholeNumber(period)]
  return share === undefined || whole === undefined || share === 0 || whole === 0 ? undefined : share / whole
}

/** How many processors a list as `0-3,8` names; undefined when it is empty (v2 before it is set) or no list. */
export function parseCpuList(text: string | undefined): number | undefined {
  let count = 0
  for (const part of text?.trim().split(',') ?? []) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part)
    if (!match) return undefined
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (last < first) return undefined
    count += last - first + 1
  }
  return count === 0 ? undefined : count
}

/** Nothing but digits; `max`, `-1` and whatever else are no number. */
function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text.trim()) ? Number(text) : undefined
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
