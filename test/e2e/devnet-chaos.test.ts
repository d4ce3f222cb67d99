/** Chaos on real processes: nothing that was confirmed is lost, and nothing is left behind however it ends. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { quicAvailability } from '../../src/transport/index.ts'
import { cli, cliJson } from '../support/cli.ts'
import { processesOf } from '../support/node-processes.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const quic = quicAvailability()
/** Every kind of upheaval comes in its minute. */
const SEED = 27
/** It freezes a node first, for some seconds. */
const FREEZING = 54

interface Verdict {
  ok: boolean
  interrupted: boolean
  seed: number
  uploads_confirmed: number
  chunks_confirmed: number
  chunks_lost: string[]
  unreadable: string[]
  reads: number
  reads_wrong: number
  faults: string[]
  least_copies: number
  upheavals: { text: string; outcome: string }[]
}

const chaosArgs = (data: string, seed: number, churn: number) => [
  ...['devnet', 'chaos', '--data', data, '--nodes', '8', '--minutes', '1', '--every', '3', '--settle', '60'],
  ...['--seed', String(seed), '--churn', String(churn)],
]

/** Chaos in a process of its own, once it has said `pattern`. */
async function begin(args: readonly string[], pattern: RegExp): Promise<{ child: ChildProcess; stdout: () => string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
      if (pattern.test(err)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before ${pattern}: ${out}${err}`)))
  })
  return { child, stdout: () => out }
}

describe('devnet chaos', { skip: quic.available ? false : `no native core: ${quic.reason}` }, () => {
  test('a minute of every kind of upheaval: what was confirmed is there, byte for byte', async () => {
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const report = join(temp.path, 'verdict.json')
    const { code, stdout, stderr } = await cli([...chaosArgs(data, SEED, 700), '--report', report])
    const told = `seed ${SEED}\n${stdout}${stderr}`
    const verdict = JSON.parse(await readFile(report, 'utf8')) as Verdict
    assert.deepEqual(
      [verdict.chunks_lost, verdict.unreadable, verdict.faults, verdict.reads_wrong],
      [[], [], [], 0],
      told,
    )
    assert.equal(code, 0, told)
    assert.ok(verdict.ok && !verdict.interrupted, told)
    assert.ok(verdict.uploads_confirmed > 0 && verdict.reads > 0 && verdict.least_copies > 0, told)
    assert.ok(verdict.upheavals.filter(({ outcome }) => outcome === 'done').length > 5, told)
    assert.match(stdout, /uploads confirmed +\d+/)
    assert.match(stdout, /chunks lost +0\n/)
    assert.match(stdout, /slowest repair +/)
    assert.match(stdout, /worst read +/)
    assert.match(stdout, new RegExp(`Verdict: GOOD \\(seed ${SEED}\\)\\n$`))
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], ['verdict.json']])
  })

  test('Ctrl-C: a verdict of what was seen so far, and nothing is left', async () => {
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const report = join(temp.path, 'verdict.json')
    const run = await begin([...chaosArgs(data, FREEZING, 0), '--report', report], /is frozen/)
    const ended = once(run.child, 'close')
    run.child.kill('SIGINT')
    assert.deepEqual(await ended, [130, null], run.stdout())
    const verdict = JSON.parse(await readFile(report, 'utf8')) as Verdict
    assert.deepEqual([verdict.interrupted, verdict.ok, verdict.seed], [true, true, FREEZING])
    assert.match(run.stdout(), /so far: it was interrupted/)
    assert.deepEqual([await processesOf(data), await readdir(temp.path)], [[], ['verdict.json']])
  })

  test('killed while a node is frozen: all nodes end, and the folder can be cleaned', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc')
    await using temp = await tempFolder()
    const data = join(temp.path, 'net')
    const { child } = await begin(chaosArgs(data, FREEZING, 0), /is frozen/)
    child.kill('SIGKILL')
    for (let waited = 0; waited < 20_000 && (await processesOf(data)).length > 0; waited += 50) await pause(50)
    assert.deepEqual(await processesOf(data), [])
    await cliJson(['devnet', 'stop', '--data', data])
    assert.deepEqual(await readdir(temp.path), [])
  })
})

test('a folder with a network, or with something of the user, is refused and left alone', async () => {
  await using temp = await tempFolder()
  const mine = join(temp.path, 'mine')
  await mkdir(join(mine, 'photos'), { recursive: true })
  const foreign = await cli(['devnet', 'chaos', '--data', mine])
  assert.deepEqual([foreign.code, foreign.stdout], [1, ''])
  assert.match(foreign.stderr, /choose another folder with --data\n$/i)
  assert.deepEqual(await readdir(mine), ['photos'])
  const kept = join(temp.path, 'verdict.json')
  await writeFile(kept, 'mine')
  const over = await cli(['devnet', 'chaos', '--data', join(temp.path, 'net'), '--report', kept])
  assert.deepEqual([over.code, over.stdout], [1, ''])
  assert.match(over.stderr, /verdict\.json exists already/)
  const nowhere = await cli([
    'devnet',
    'chaos',
    '--data',
    join(temp.path, 'net'),
    '--report',
    join(temp.path, 'no', 'v.json'),
  ])
  assert.equal(nowhere.code, 1)
  assert.deepEqual((await readdir(temp.path)).sort(), ['mine', 'verdict.json'], 'nothing was started')
  for (const [flag, value] of [
    ['--nodes', '7'],
    ['--minutes', '0'],
    ['--churn', '-1'],
  ] as const)
    assert.equal((await cli(['devnet', 'chaos', flag, value])).code, 2, flag)
})

test('chaos damages files: it takes no folder in which a network was kept', {
  skip: quic.available ? false : `no native core: ${quic.reason}`,
}, async () => {
  await using temp = await tempFolder()
  const data = join(temp.path, 'net')
  await cliJson(['devnet', 'start', '--nodes', '1', '--data', data, '--keep', '--detach'])
  await cliJson(['devnet', 'stop', '--data', data])
  const { code, stderr } = await cli(['devnet', 'chaos', '--data', data])
  assert.equal(code, 1)
  assert.match(stderr, /damages the files of its nodes: choose another folder with --data\n$/)
  assert.deepEqual((await readdir(join(data, 'nodes'))).length, 1)
  await cliJson(['devnet', 'stop', '--data', data, '--wipe'])
})
