/** The small built-in scenarios end as they promise; one seed is one run; a failure is told, shrunk and written down. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { never, systemClock } from '../../src/base/index.ts'
import {
  findScenario,
  type Outcome,
  parseScenario,
  runScenario,
  type Scenario,
  withRun,
} from '../../src/scenario/index.ts'
import { cli } from '../support/cli.ts'
import { tempFolder } from '../support/temp.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 1)

function run(scenario: Scenario): Promise<Outcome> {
  return runScenario(scenario, { signal: never, clock: systemClock, rssBytes: () => 0 })
}

for (const name of ['ten-nodes-three-die', 'churn-small', 'partition', 'rot']) {
  test(`${name} ends as expected (SIM_SEED=${SEED})`, async () => {
    const { verdicts, samples, notes } = await run({ ...findScenario(name).scenario, seed: SEED })
    const failed = verdicts.filter(({ met }) => !met).map(({ text, seen }) => `${text}: ${seen}`)
    assert.deepEqual(failed, [], `seed ${SEED}, notes ${notes}`)
    // What was done was done.
    assert.ok(samples.some(({ copies }) => copies.fewest !== samples[0]?.copies.fewest) || name === 'partition')
  })
}

/** All kinds of events in some minutes. */
const EVERYTHING = parseScenario(`
  nodes 10
  chunks 30 of 200 B placed
  run 6 min
  loss 1 %
  latency 30 ms
  bandwidth 20 Mbit/s
  liars 16 %
  full 10 %
  scrub every 1 min
  puts 2 per min
  at 1 min kill 2
  at 2 min restart all
  at 2 min rot 10 %
  at 3 min replace 1
  at 3 min join 1
  from 1 min to 3 min churn 300 % per hour
  from 2 min to 4 min partition 25 %
  from 3 min to 5 min one-way 20 %
  from 3 min to 4 min full 20 %
  from 4 min to 5 min disks 10 % unplugged
  from 4 min to 5 min disks 10 % read-only
  from 4 min to 5 min loss 10 %
`)

test('the same seed gives the same run to the last byte, another seed another', async () => {
  const [first, second, other] = [await run(EVERYTHING), await run(EVERYTHING), await run({ ...EVERYTHING, seed: 2 })]
  assert.equal(first.hash, second.hash)
  assert.deepEqual(first.samples, second.samples)
  assert.notEqual(first.hash, other.hash)
  assert.deepEqual(first.notes, [])
})

test('what is less than one of so few strikes one, and the outcome tells how many were struck', async () => {
  const { struck, samples } = await run(
    parseScenario(`
      nodes 10
      chunks 10 of 200 B placed
      run 4 min
      seed ${SEED}
      liars 10 %
      full 4 %
      at 1 min kill 4 %
      at 2 min restart all
      at 2 min join 12
      from 1 min to 3 min churn 300 % per hour
      from 2 min to 3 min partition 4 %
      from 2 min to 3 min disks 4 % everything
      from 2 min to 3 min one-way 0.001 %
      at 3 min rot 0.1 %
    `),
  )
  assert.deepEqual(
    struck.map(({ what, count, unit }) => [what.replace(/^(at|from) [^a-z]*\d min (to \d min )?/, ''), count, unit]),
    [
      ['liars, claims', 1, 'node'],
      ['full disks', 1, 'node'],
      ['kill 4 %', 1, 'node'],
      ['restart 100 %', 1, 'node'],
      ['join 12', 12, 'node'],
      ['churn 300 % per hour', 1, 'node'],
      ['partition 4 %', 1, 'node'],
      ['disks 4 % everything', 1, 'node'],
      ['one-way 0.001 %', 1, 'pair of nodes'],
      ['rot 0.1 %', 1, 'copy'],
    ],
    `seed ${SEED}`,
  )
  assert.equal(samples.at(-1)?.live, 22)
})

test('questions that a line is too narrow to answer have failed', async () => {
  const narrow =
    'nodes 8\nchunks 20 of 4 KiB placed\nrun 1 min\nbandwidth 100 kbit/s\ngets 400 per min\nlookups 0 per min'
  const { samples, verdicts } = await run(parseScenario(`${narrow}\nexpect gets >= 99 %`))
  const { tried, succeeded, open } = samples.at(-1)?.gets ?? { tried: 0, succeeded: 0, open: 0 }
  assert.ok(tried === 400 && open > 0 && succeeded + open <= tried, JSON.stringify(samples.at(-1)?.gets))
  assert.match(verdicts[0]?.seen ?? '', /, \d+ of 400 unanswered$/)
  assert.equal(verdicts[0]?.met, false)
})

test('a run in memory stands for one on disks', async () => {
  const short = withRun(findScenario('churn-small').scenario, 5 * 60_000)
  const { samples, notes } = await run({ ...short, store: 'memory', nodes: 14, full: 0.1, seed: SEED })
  assert.equal(samples.at(-1)?.copies.lost, 0, `seed ${SEED}`)
  assert.ok((samples.at(-1)?.copies.fewest ?? 0) >= 4, `seed ${SEED}, notes ${notes}`)
})

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
  const smallest = join(folder.path, 'doomed.smallest.sim')
  const shrunk = parseScenario(await readFile(smallest, 'utf8'))
  assert.ok(shrunk.nodes < 8 && shrunk.chunks.count < 20 && shrunk.seed === 5, JSON.stringify(shrunk))
  const again = await cli(['sim', smallest, '--no-shrink', '--json'])
  const { met, smallest: none } = JSON.parse(again.stdout) as { met: boolean; smallest: unknown }
  assert.deepEqual([again.code, met, none], [1, false, null])
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
  assert.deepEqual(JSON.parse(stdout), ['crash: peer N sent N bytes', true, false, 'ended', null])
})
