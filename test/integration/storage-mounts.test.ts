/** The states of a disk on real mounts of Linux: unmounted, read-only, full. Needs root, for a mount namespace. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { backendsUnderTest } from '../support/backends.ts'
import { tempFolder } from '../support/temp.ts'

const run = promisify(execFile)
const native = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false
const skip = process.getuid?.() === 0 && (await mayMount()) ? native : 'needs root and a mount namespace on Linux'

async function mayMount(): Promise<boolean> {
  return run('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).then(
    () => true,
    () => false,
  )
}

test('a real disk that goes, comes back, turns read-only and fills up', { skip }, async () => {
  await using folder = await tempFolder()
  const child = join(import.meta.dirname, 'storage-mounts-child.ts')
  const { stdout } = await run('unshare', ['--mount', process.execPath, child, folder.path], { timeout: 60_000 })
  const { said, ...result } = JSON.parse(stdout) as Record<string, unknown> & { said: string[] }
  assert.deepEqual(result, {
    away: ['STORAGE_GONE', 'STORAGE_GONE', 'gone'],
    back: [5000, 'stored', 'writable'],
    emptyMountPoint: [],
    readOnly: [5000, 'STORAGE_READ_ONLY', 'readOnly'],
    writable: [5000, 'stored', 'writable'],
    full: ['STORAGE_FULL', 'full', 'STORAGE_FULL', 'full', true],
    freed: [true, 'writable', true],
    startedFull: [
      ['ENOSPC', 5000],
      ['ENOSPC', 5000],
    ],
    startedReadOnly: 'STORAGE_READ_ONLY',
  })
  assert.equal(said.filter((line) => line === 'the disk takes chunks again').length, 2)
})
