/** The small built-in scenarios end as they promise; one seed is one run; a run tells what it did. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, systemClock } from '../../src/base/index.ts'
import {
  findScenario,
  type Outcome,
  parseScenario,
  runScenario,
  type Scenario,
  withRun,
} from '../../src/scenario/index.ts'

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

test('the hash of a run tells what no message does', async () => {
  const quiet = 'nodes 8\nchunks 20 placed\nrun 1 min\ngets 0 per min\nlookups 0 per min\n'
  const [sound, rotten] = [parseScenario(quiet), parseScenario(`${quiet}at 59 s rot 1`)]
  const [before, after] = [await run({ ...sound, seed: SEED }), await run({ ...rotten, seed: SEED })]
  assert.equal(after.events, before.events)
  assert.notEqual(after.hash, before.hash, `seed ${SEED}`)
})

test('a run in memory stands for one on disks', async () => {
  const short = withRun(findScenario('churn-small').scenario, 5 * 60_000)
  const { samples, notes } = await run({ ...short, store: 'memory', nodes: 14, full: 0.1, seed: SEED })
  assert.equal(samples.at(-1)?.copies.lost, 0, `seed ${SEED}`)
  assert.ok((samples.at(-1)?.copies.fewest ?? 0) >= 4, `seed ${SEED}, notes ${notes}`)
})

test('a run that is stopped tells what it has seen, and decides nothing', async () => {
  const stopping = new AbortController()
  const scenario = parseScenario(
    'nodes 6\nchunks 5 placed\nrun 10 min\ngets 60 per min\nat 8 min kill 1\nexpect lost = 0',
  )
  const outcome = await runScenario(scenario, {
    ...{ signal: stopping.signal, clock: systemClock, rssBytes: () => 0 },
    onSample: ({ at }) => {
      if (at === 3 * 60_000) stopping.abort()
    },
  })
  const last = outcome.samples.at(-1)
  assert.deepEqual([outcome.interrupted, outcome.met, last?.at, last?.gets.open], [true, false, 180_000, 0])
  assert.deepEqual(outcome.struck, [{ what: 'at 8 min kill 1', count: null, unit: 'node' }])
  assert.ok((last?.gets.tried ?? 0) > 100 && last?.gets.tried === last?.gets.succeeded, JSON.stringify(last?.gets))
  const early = runScenario(scenario, { signal: AbortSignal.abort(), clock: systemClock, rssBytes: () => 0 })
  await assert.rejects(early, { code: 'SCENARIO_STOPPED' })
})
