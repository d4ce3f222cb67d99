/** `myrmex sim` from outside: a failure is told, shrunk and written down; nothing is lost and nothing written over. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseScenario } from '../../src/scenario/index.ts'
import { cli } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const QUICK = 'nodes 5\nchunks 5 placed\nrun 1 min\ngets 0 per min\nlookups 0 per min\nexpect lost = 0\n'

test('a failure ends with 1, the expectation, the seed and the smallest scenario, which fails by itself', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'doomed.sim')
  const text =
    'nodes 8\nchunks 20 placed\nrun 3 min\ngets 0 per min\nat 1 min kill 8\nat 2 min join 1\nexpect lost = 0\n'
  await writeFile(path, text)
  const report = join(folder.path, 'report.html')
  const failed = await cli(['sim', path, '--seed', '5', '--shrink-tries', '12', '--report', report], {
    cwd: folder.path,
  })
  assert.equal(failed.code, 1, failed.stderr)
  assert.match(failed.stdout, /FAILED lost = 0 \(20\)/)
  assert.match(failed.stdout, /seed 5, run hash \d+:[0-9a-f]{16} at /)
  assert.match(await readFile(report, 'utf8'), /Not as expected: 1 of 1 failed/)
  assert.match(failed.stdout, /struck: at 1 min kill 8: 8 nodes; at 2 min join 1: 1 node\n/)
  const smallest = join(folder.path, 'doomed.smallest.sim')
  const shrunk = parseScenario(await readFile(smallest, 'utf8'))
  assert.ok(shrunk.nodes < 8 && shrunk.chunks.count < 20 && shrunk.seed === 5, JSON.stringify(shrunk))
  const again = await cli(['sim', smallest, '--no-shrink', '--json'])
  const { met, smallest: none } = JSON.parse(again.stdout) as { met: boolean; smallest: unknown }
  assert.deepEqual([again.code, met, none], [1, false, null])
  // The one that is there stays.
  const third = await cli(['sim', path, '--seed', '5', '--shrink-tries', '1'], { cwd: folder.path })
  assert.equal(third.code, 1, third.stderr)
  assert.ok((await readdir(folder.path)).includes('doomed.smallest-2.sim'))
  assert.equal(parseScenario(await readFile(smallest, 'utf8')).nodes, shrunk.nodes)
})

test('wrong files and flags are told with 1 and 2', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'bad.sim')
  await writeFile(path, 'nodes 8\nexplode 3\n')
  const bad = await cli(['sim', path])
  assert.deepEqual([bad.code, bad.stdout], [1, ''])
  assert.match(bad.stderr, /bad\.sim, line 2: a line begins with .*, not "explode"/)
  const missing = await cli(['sim', 'no-such-scenario'])
  assert.equal(missing.code, 1)
  assert.match(
    missing.stderr,
    /there is no scenario no-such-scenario.* There are: a-day, a-day-small, an-hour, churn-small, /,
  )
  const hours = await cli(['sim', 'rot', '--hours', 'many'])
  assert.equal(hours.code, 2)
  assert.match(hours.stderr, /--hours takes a number of hours/)
})

test('a node that throws where nobody listens ends the run with its words, and the next run is sound', async () => {
  const child = join(import.meta.dirname, 'crashing-run.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child])
  assert.deepEqual(JSON.parse(stdout), [
    'crash: peer N sent N bytes',
    true,
    true,
    false,
    'ended',
    null,
    'error: no figure',
    false,
  ])
})

test('outputs that cannot be written are refused before the run, and none takes the place of what is there', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'victim.sim')
  const other = join(folder.path, 'other.html')
  await writeFile(path, QUICK)
  await writeFile(other, 'mine')
  for (const [args, complaint] of [
    [['--report', join(folder.path, 'none', 'x.html')], /none/],
    [['--report', folder.path], /it is a folder/],
    [['--report', other], /other\.html exists already/],
    [['--figures', other], /other\.html exists already/],
    [['--smallest', other], /other\.html exists already/],
    [['--report', path, '--overwrite'], /--report would write over .*victim\.sim, which is read/],
    [
      ['--report', `${folder.path}/./a`, '--figures', `${folder.path}/a`],
      /--figures would write over the file of --report/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await cli(['sim', path, ...args])
    assert.deepEqual([code, stdout], [1, ''], `${args}`)
    assert.match(stderr, complaint)
    assert.doesNotMatch(stderr, /virtual time/, 'nothing was run')
  }
  assert.deepEqual([await readFile(path, 'utf8'), await readFile(other, 'utf8')], [QUICK, 'mine'])
  assert.equal((await cli(['sim', path, '--report', other, '--overwrite'])).code, 0)
  assert.match(await readFile(other, 'utf8'), /As expected: 1 of 1/)
})

test('what another duration leaves out is told, and the report says how to run the same again', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'a file.sim')
  await writeFile(
    path,
    `${QUICK}run 10 min\nat 9 min kill 5\nexpect copies >= 5 within 30 s of 9 min\n`.replace('run 1 min\n', ''),
  )
  const [report, figures] = [join(folder.path, 'r.html'), join(folder.path, 'f.json')]
  const cut = await cli(['sim', path, '--hours', '0.02', '--nodes', '6', '--report', report, '--figures', figures])
  assert.equal(cut.code, 0, cut.stderr)
  assert.match(
    cut.stdout,
    /^left out: at 9 min kill 5: after the end\nleft out: expect copies >= 5 within .*: after the end$/m,
  )
  const page = await readFile(report, 'utf8')
  assert.match(page, /<li>at 9 min kill 5: after the end<\/li>/)
  assert.match(page, /<code>myrmex sim &#39;[^<]*a file\.sim&#39; --seed 1 --nodes 6 --hours 0\.02<\/code>/)
  const told = JSON.parse(await readFile(figures, 'utf8')) as { left_out: string[]; hash: string }
  assert.equal(told.left_out.length, 2)
  const again = await cli(['sim', path, '--seed', '1', '--nodes', '6', '--hours', '0.02', '--json'])
  assert.equal((JSON.parse(again.stdout) as { hash: string }).hash, told.hash)
})

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  test(`${name}: report and figures of what there is, marked, and 130`, async (t) => {
    if (process.platform === 'win32') return t.skip('no signals there')
    await using folder = await tempFolder()
    const path = join(folder.path, 'long.sim')
    await writeFile(
      path,
      'nodes 20\nchunks 5 placed\nrun 2000 h\nsample 1 h\ngets 0 per min\nlookups 0 per min\nexpect lost = 1\n',
    )
    const [report, figures] = [join(folder.path, 'r.html'), join(folder.path, 'f.json')]
    const child = spawn(process.execPath, [MAIN, 'sim', path, '--report', report, '--figures', figures])
    let out = ''
    child.stdout.on('data', (data) => (out += data))
    const ended = once(child, 'close')
    // A line of progress: something has been seen.
    await new Promise<void>((resolve) => child.stderr.on('data', (data) => /copies min/.test(data) && resolve()))
    child.kill(name)
    assert.deepEqual(await ended, [130, null], out)
    assert.match(out, /^Interrupted after .* of 2000 h: nothing is decided\.\nso far lost = 1 \(0\)\n/)
    assert.match(await readFile(report, 'utf8'), /Interrupted after .*: nothing is decided\./)
    const { interrupted, met } = JSON.parse(await readFile(figures, 'utf8')) as { interrupted: boolean; met: boolean }
    assert.deepEqual([interrupted, met], [true, false])
    assert.ok(!(await readdir(folder.path)).includes('long.smallest.sim'), 'no failure was looked for')
  })
}

test('a search that is stopped writes the smallest it has found', async (t) => {
  if (process.platform === 'win32') return t.skip('no signals there')
  await using folder = await tempFolder()
  const path = join(folder.path, 'doomed.sim')
  // Fails at once, and goes on failing through hundreds of smaller ones.
  await writeFile(path, 'nodes 20\nchunks 100 placed\nrun 20 min\nexpect lost >= 1\n')
  const args = [MAIN, 'sim', path, '--shrink-tries', '10000', '--smallest', join(folder.path, 'least.sim')]
  const child = spawn(process.execPath, args)
  let out = ''
  child.stdout.on('data', (data) => (out += data))
  const ended = once(child, 'close')
  await new Promise<void>((resolve) => child.stderr.on('data', (data) => /Looking for/.test(data) && resolve()))
  child.kill('SIGINT')
  assert.deepEqual(await ended, [130, null], out)
  assert.match(out, /FAILED lost >= 1 \(0\).*Smallest scenario that still fails, for [^\n]*least\.sim/s)
  assert.equal(parseScenario(await readFile(join(folder.path, 'least.sim'), 'utf8')).expectations.length, 1)
})
