/** Profiles and the bench as a user meets them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { quicAvailability } from '../../src/transport/index.ts'
import { cli, cliJson } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const LOCAL = ['--network-mode', 'development', '--payment', 'free']
const quic = quicAvailability()

interface Doctor {
  readonly profile: {
    readonly name: string
    readonly asked: string
    readonly detected: { readonly usable_cores: number }
    readonly settings: Record<string, { value: number; from: string; reason: string }>
  }
}

describe('doctor', () => {
  test('every value with its reason; flag over environment', async () => {
    const env = { MYRMEX_PROFILE: 'small', MYRMEX_SET: 'chunkServer.permits=9' }
    const { profile } = await cliJson<Doctor>(['doctor'], { env })
    assert.deepEqual([profile.name, profile.asked], ['small', 'small'])
    assert.deepEqual(
      [profile.settings['chunkServer.permits']?.value, profile.settings['chunkServer.permits']?.from],
      [9, 'set'],
    )
    assert.ok(Object.values(profile.settings).every(({ reason }) => reason !== ''))
    const flags = ['doctor', '--profile', 'tiny', '--set', 'network.queueBytes=32MiB,compute.threads=3']
    const over = await cliJson<Doctor>(flags, { env })
    assert.equal(over.profile.name, 'tiny')
    assert.equal(over.profile.settings['network.queueBytes']?.value, 32 * 1024 * 1024)
    assert.equal(over.profile.settings['chunkServer.permits']?.value, 8)
  })
})

describe('wrong values', () => {
  const cases: [string[], RegExp][] = [
    [['--profile', 'huge'], /--profile takes one of auto, tiny, small, server/],
    [['--set', 'network.queuBytes=1MiB'], /did you mean network.queueBytes\?/],
    [['--set', 'heap.oldSpaceBytes=1'], /from 64 MiB to/],
    [['--set', 'chunkServer.permits'], /KEY=VALUE/],
  ]
  for (const [args, pattern] of cases)
    test(args.join(' '), async () => {
      await using folder = await tempFolder()
      const root = join(folder.path, 'node')
      const { code, stderr } = await cli(['node', 'run', '--root-dir', root, ...LOCAL, ...args])
      assert.equal(code, 2, stderr)
      assert.match(stderr, pattern)
      assert.deepEqual(await readdir(folder.path), [], 'nothing is made')
      const local = await cli(['start', ...args], { env: { TMPDIR: folder.path } })
      assert.deepEqual([local.code, local.stderr.match(pattern) !== null], [2, true], local.stderr)
      assert.deepEqual(await readdir(folder.path), [], 'nothing is made')
    })
})

test('a node is given the heap of its profile, in the process that was started', {
  skip: !quic.available || process.platform !== 'linux',
}, async () => {
  await using folder = await tempFolder()
  const args = [
    'node',
    'run',
    '--root-dir',
    folder.path,
    ...LOCAL,
    '--profile',
    'tiny',
    '--set',
    'heap.oldSpaceBytes=200MiB',
  ]
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  try {
    let status: { pid: number } | undefined
    while (status === undefined && child.exitCode === null) {
      await pause(50)
      const text = await readFile(join(folder.path, 'node.json'), 'utf8').catch(() => undefined)
      if (text !== undefined) status = JSON.parse(text) as { pid: number }
    }
    assert.equal(status?.pid, child.pid)
    const command = (await readFile(`/proc/${child.pid}/cmdline`, 'utf8')).split('\0')
    assert.ok(
      command.includes('--max-old-space-size=200') && command.includes('--max-semi-space-size=2'),
      command.join(' '),
    )
    const env = (await readFile(`/proc/${child.pid}/environ`, 'utf8')).split('\0')
    assert.ok(env.includes('MALLOC_MMAP_THRESHOLD_=1048576'))
    child.kill('SIGTERM')
    assert.equal(await ended, 0)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
})

test('start hands its profile to the nodes', { skip: !quic.available || process.platform !== 'linux' }, async () => {
  const args = ['start', '--nodes', '3', '--profile', 'tiny', '--set', 'heap.oldSpaceBytes=200MiB']
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  try {
    let said = ''
    for await (const text of child.stdout) {
      said += text
      if (said.includes('Press Ctrl-C')) break
    }
    const folder = /devnet status --data '([^']+)'/.exec(said)?.[1] as string
    const { nodes } = await cliJson<{ nodes: { pid: number }[] }>(['devnet', 'status', '--data', folder])
    assert.equal(nodes.length, 3)
    for (const { pid } of nodes) {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
      assert.equal(command[command.indexOf('--profile') + 1], 'tiny', command.join(' '))
      assert.ok(command.includes('--max-old-space-size=200'), command.join(' '))
    }
    child.kill('SIGINT')
    assert.notEqual(await ended, null)
    await assert.rejects(readdir(folder), { code: 'ENOENT' })
  } finally {
    // What an end by force would leave running: its nodes.
    if (child.exitCode === null) child.kill('SIGINT')
    await ended
  }
})

test('a bench that is interrupted leaves nothing behind', async () => {
  await using folder = await tempFolder()
  const child = spawn(process.execPath, [MAIN, 'bench', '--quick', '--root-dir', folder.path], { stdio: 'ignore' })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  // Its folder is there while the disk or the nodes are measured.
  while ((await readdir(folder.path)).length === 0 && child.exitCode === null) await pause(20)
  assert.equal(child.exitCode, null)
  child.kill('SIGINT')
  assert.equal(await ended, 130)
  assert.deepEqual(await readdir(folder.path), [])
})

test('without the addon the bench says that nodes were not tried', async () => {
  await using folder = await tempFolder()
  const env = { MYRMEX_BACKEND: 'wasm' }
  const args = ['bench', '--quick', '--root-dir', folder.path]
  const result = await cliJson<{
    backend: string
    figures: Record<string, { kind: string; reason?: string; value?: number }>
    verdict: string
  }>(args, { env })
  assert.equal(result.backend, 'wasm')
  for (const name of ['encrypt', 'decrypt', 'sign', 'verify', 'diskSync'])
    assert.ok((result.figures[name]?.value ?? 0) > 0, name)
  assert.deepEqual(await readdir(folder.path), [])
  if (result.figures['stored']?.kind === 'unknown') assert.match(result.verdict, /works as a client/)
})
