import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import {
  coresOf,
  foldersOf,
  parseCpuList,
  parseCpuMax,
  parseMemoryLimit,
  parseMounts,
  parsePaths,
} from '../../../src/machine/cgroup.ts'
import { readCgroupLimits } from '../../../src/machine/cgroup-files.ts'
import { tempFolder } from '../../support/temp.ts'

/** Lines as the kernel writes them. */
const V1 = [
  '23 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
]
const V2 = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw'
const V2_ONLY = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const UNLIMITED = '9223372036854771712\n'

/** A tree of kernel files in a temporary folder. */
async function tree(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await tempFolder()
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder.path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  return folder
}

describe('limits of a tree', () => {
  test('v1: the smallest limit of the path counts, whichever group sets it', async () => {
    await using root = await tree({
      'proc/self/mountinfo': V1.join('\n'),
      'proc/self/cgroup': '9:memory:/app/node\n8:cpu,cpuacct:/app\n3:cpuset:/\n1:name=systemd:/x\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED,
      'sys/fs/cgroup/memory/app/memory.limit_in_bytes': '536870912\n',
      'sys/fs/cgroup/memory/app/node/memory.limit_in_bytes': '1073741824\n',
      'sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us': '150000\n',
      'sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpuset/cpuset.cpus': '0-2,7\n',
    })
    assert.deepEqual(readCgroupLimits(root.path), {
      version: 'v1',
      memory: { value: 512 * 2 ** 20, file: '/sys/fs/cgroup/memory/app/memory.limit_in_bytes' },
      quota: { value: 1.5, file: '/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us' },
      processors: { value: 4, file: '/sys/fs/cgroup/cpuset/cpuset.cpus' },
    })
  })

  test('v2: high counts like max, of every group above', async () => {
    await using root = await tree({
      'proc/self/mountinfo': V2_ONLY,
      'proc/self/cgroup': '0::/user.slice/run 7:x\n',
      'sys/fs/cgroup/cpuset.cpus.effective': '0-3\n',
      'sys/fs/cgroup/user.slice/memory.max': '1073741824\n',
      'sys/fs/cgroup/user.slice/memory.high': '805306368\n',
      'sys/fs/cgroup/user.slice/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/user.slice/run 7:x/memory.max': 'max\n',
      'sys/fs/cgroup/user.slice/run 7:x/memory.high': 'max\n',
      'sys/fs/cgroup/user.slice/run 7:x/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/user.slice/run 7:x/cpuset.cpus.effective': '1\n',
    })
    assert.deepEqual(readCgroupLimits(root.path), {
      version: 'v2',
      memory: { value: 768 * 2 ** 20, file: '/sys/fs/cgroup/user.slice/memory.high' },
      quota: { value: 0.5, file: '/sys/fs/cgroup/user.slice/cpu.max' },
      processors: { value: 1, file: '/sys/fs/cgroup/user.slice/run 7:x/cpuset.cpus.effective' },
    })
  })

  test('hybrid: memory in v1, nothing but hugetlb in v2', async () => {
    await using root = await tree({
      'proc/self/mountinfo': [...V1, V2].join('\n'),
      'proc/self/cgroup': '9:memory:/a\n0::/b\n',
      'sys/fs/cgroup/memory/a/memory.limit_in_bytes': '268435456',
      'sys/fs/cgroup/unified/b/hugetlb.2MB.max': '0\n',
    })
    const limits = readCgroupLimits(root.path)
    assert.equal(limits.version, 'hybrid')
    assert.equal(limits.memory?.value, 256 * 2 ** 20)
    assert.equal(limits.quota, undefined)
  })

  test('hybrid: memory moved to v2', async () => {
    await using root = await tree({
      'proc/self/mountinfo': [...V1.slice(0, 3), V2].join('\n'),
      'proc/self/cgroup': '8:cpu,cpuacct:/\n0::/b\n',
      'sys/fs/cgroup/unified/b/memory.max': '268435456\n',
    })
    assert.equal(readCgroupLimits(root.path).memory?.file, '/sys/fs/cgroup/unified/b/memory.max')
  })

  test('in a container without a namespace the mounted part is where the path of the host begins', async () => {
    await using root = await tree({
      'proc/self/mountinfo': '35 31 0:32 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
      'proc/self/cgroup': '9:memory:/docker/ab/inner\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '104857600\n',
      'sys/fs/cgroup/memory/inner/memory.limit_in_bytes': UNLIMITED,
    })
    assert.equal(readCgroupLimits(root.path).memory?.value, 100 * 2 ** 20)
  })

  test('odd content and no content are no limit, and nothing throws', async () => {
    await using root = await tree({
      'proc/self/mountinfo': `${V2_ONLY}\ngarbage\n- cgroup2\n1 2 3\n\0`,
      'proc/self/cgroup': '0::/a\nnonsense\n::\n5:memory\n',
      'sys/fs/cgroup/a/memory.max': '-5',
      'sys/fs/cgroup/a/memory.high': '12e9',
      'sys/fs/cgroup/a/cpu.max': '',
      'sys/fs/cgroup/a/cpuset.cpus.effective': '3-1,x',
    })
    const nothing = { memory: undefined, quota: undefined, processors: undefined }
    assert.deepEqual(readCgroupLimits(root.path), { version: 'v2', ...nothing })
    assert.deepEqual(readCgroupLimits(join(root.path, 'missing')), { version: 'none', ...nothing })
  })
})

describe('texts', () => {
  test('mounts: paths with spaces, other file systems passed over', () => {
    assert.deepEqual(parseMounts('1 2 0:3 / /my\\040groups rw - cgroup2 none rw\n4 2 0:5 / /proc rw - proc proc rw'), [
      { version: 2, controllers: [], root: '/', point: '/my groups' },
    ])
  })

  test('paths: colons stay, the mark of a removed group goes', () => {
    assert.deepEqual(parsePaths('4:memory,cpu:/a:b\n0::/gone (deleted)\n'), [
      { controllers: ['memory', 'cpu'], path: '/a:b' },
      { controllers: [], path: '/gone' },
    ])
  })

  test('folders from the own group up; outside of the mounted part only the mount', () => {
    const mounts = parseMounts('1 2 0:3 /pod /m rw - cgroup2 none rw')
    const at = (path: string) => foldersOf('memory', 2, mounts, [{ controllers: [], path }])
    assert.deepEqual(at('/pod/a/b'), ['/m/a/b', '/m/a', '/m'])
    for (const outside of ['/', '/podother/a', '/../x']) assert.deepEqual(at(outside), ['/m'], outside)
    assert.deepEqual(foldersOf('memory', 1, mounts, [{ controllers: ['memory'], path: '/' }]), [])
  })

  test('numbers', () => {
    assert.equal(parseMemoryLimit('max\n'), undefined)
    assert.equal(parseMemoryLimit('0\n'), undefined)
    assert.equal(parseMemoryLimit(UNLIMITED), undefined)
    assert.equal(parseMemoryLimit('4096\n'), 4096)
    assert.equal(parseCpuMax('max 100000'), undefined)
    assert.equal(parseCpuMax('200000'), 2)
    assert.equal(coresOf('25000', '100000'), 0.25)
    assert.equal(coresOf('-1', '100000'), undefined)
    assert.equal(coresOf('25000', '0'), undefined)
    assert.equal(parseCpuList('0,2-4'), 4)
    for (const odd of ['', '\n', '4-2', 'a', '1,', undefined]) assert.equal(parseCpuList(odd), undefined, String(odd))
  })
})
