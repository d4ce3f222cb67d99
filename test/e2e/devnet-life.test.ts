/** Starters that meet, die or are interrupted: no node process and no folder is ever left behind. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { stopDevnet } from '../../src/devnet/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { cli, cliJson } from '../support/cli.ts'
import { processesOf } from '../support/node-processes.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const quic = quicAvailability()

interface Status {
  manifest: string
  nodes: { pid: number | null; peer_id: string; running: boolean }[]
}

function begin(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, 'devnet', 'start', ...args], { stdio: 'ignore' })
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    if (await condition()) return
    await pause(50)
  }
  assert.fail(`not within 15 s: ${what}`)
}

const someNodesStarted = (data: string) => async () =>
  (await readdir(join(data, 'nodes')).catch(() => [])).length > 1 && (await processesOf(data)).length > 1

describe('the life of a local network', { skip: quic.available ? false : `no native core: ${quic.reason}` }, () => {
  test('of two starters one wins, the other says so and harms nothing', async () => {
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const start = () => cli(['devnet', 'start', '--nodes', '3', '--data', data, '--detach'])
    const runs = await Promise.all([start(), start()])
    try {
      assert.deepEqual(runs.map(({ code }) => code).sort(), [0, 1], JSON.stringify(runs))
      const loser = runs.find(({ code }) => code === 1)
      assert.match(loser?.stderr ?? '', /^Error: .*(starting|already running).*devnet stop --data .*\n$/)
      const { nodes, manifest } = await cliJson<Status>(['devnet', 'status', '--data', data])
      assert.deepEqual(
        nodes.map(({ running }) => running),
        [true, true, true],
      )
      const put = await cli(['chunk', 'put', '--devnet-manifest', manifest], { input: new Uint8Array(100) })
      assert.equal(put.code, 0, put.stderr)
    } finally {
      await cli(['devnet', 'stop', '--data', data])
    }
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], []])
  })

  test('a starter that is killed takes its nodes with it, and the folder serves again', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc')
    await using temp = await tempFolder()
    const data = join(temp.path, 'a', 'b', 'net')
    const starter = begin(['--nodes', '5', '--data', data, '--detach'])
    await until(someNodesStarted(data), 'nodes are being started')
    starter.kill('SIGKILL')
    await until(async () => (await processesOf(data)).length === 0, 'the nodes end')
    await cliJson(['devnet', 'start', '--nodes', '2', '--data', data, '--detach'])
    const { nodes } = await cliJson<Status>(['devnet', 'status', '--data', data])
    assert.equal(nodes.length, 2)
    await cliJson(['devnet', 'stop', '--data', data])
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], []])
  })

  test('stop ends a network that is still being started', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc')
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const starter = begin(['--nodes', '8', '--data', data, '--detach'])
    const ended = once(starter, 'exit')
    await until(someNodesStarted(data), 'nodes are being started')
    // From here: on a busy machine a process that stops takes as long to start as the nodes do.
    assert.equal((await stopDevnet(data)).kept, false)
    assert.deepEqual(await ended, [130, null])
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], []])
  })

  test('a killed supervisor in the foreground: nodes end, stop cleans up; what is kept comes back with its chunks', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc')
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const supervisor = begin(['--nodes', '3', '--data', data, '--keep'])
    const manifest = join(data, 'manifest.json')
    const content = new Uint8Array(5000).fill(7)
    let address = ''
    await until(async () => {
      const put = await cli(['chunk', 'put', '--devnet-manifest', manifest], { input: content })
      address = put.stdout.trim()
      return put.code === 0
    }, 'the network accepts a put')
    const before = await cliJson<Status>(['devnet', 'status', '--data', data])
    supervisor.kill('SIGKILL')
    await until(async () => (await processesOf(data)).length === 0, 'the nodes end')
    assert.deepEqual(await cliJson(['devnet', 'stop', '--data', data]), { stopped: 0, kept: true })
    await cliJson(['devnet', 'start', '--nodes', '3', '--data', data, '--detach'])
    const after = await cliJson<Status>(['devnet', 'status', '--data', data])
    const ids = ({ nodes }: Status) => nodes.map(({ peer_id }) => peer_id)
    assert.deepEqual(ids(after), ids(before))
    const copy = join(temp.path, 'copy')
    await cliJson(['chunk', 'get', address, '-o', copy, '--devnet-manifest', manifest])
    assert.ok((await readFile(copy)).equals(content))
    // Kept once, kept until somebody says otherwise.
    assert.deepEqual(await cliJson(['devnet', 'stop', '--data', data]), { stopped: 3, kept: true })
    assert.deepEqual(await cliJson(['devnet', 'stop', '--data', data, '--wipe']), { stopped: 0, kept: false })
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], ['copy']])
  })
})

test('folders that are not ours are refused in one sentence and left as they were', async () => {
  await using temp = await tempFolder()
  await mkdir(join(temp.path, 'foreign'))
  await writeFile(join(temp.path, 'foreign', 'mine'), 'of the user')
  await writeFile(join(temp.path, 'file'), '')
  for (const name of ['foreign', 'file', 'file/below']) {
    const run = await cli(['devnet', 'start', '--data', join(temp.path, name), '--detach'])
    assert.equal(run.code, 1, name)
    assert.match(run.stderr, /^Error: .*choose another folder with --data\n$/i, name)
    assert.equal(run.stdout, '')
  }
  assert.deepEqual((await readdir(temp.path, { recursive: true })).sort(), ['file', 'foreign', 'foreign/mine'])
  await rm(join(temp.path, 'foreign'), { recursive: true })
})
