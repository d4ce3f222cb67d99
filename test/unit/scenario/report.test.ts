import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Outcome, parseRealCurve, parseScenario, reportPage, type Sample } from '../../../src/scenario/index.ts'
import { judge } from '../../../src/scenario/judge.ts'
import { type Point, thinned, tickText, timeTicks } from '../../../src/scenario/report/time-chart.ts'

function outcome(text: string, count: number): Outcome {
  const scenario = parseScenario(text)
  const none = { tried: 0, succeeded: 0, open: 0 }
  const samples = Array.from({ length: count }, (_, i): Sample => {
    const traffic = { repairBytes: i * 1e6, freshBytes: 0, talkBytes: i, dhtBytes: i, clientBytes: 0, messages: i * 9 }
    return {
      ...{ at: i * 60_000, live: 10, copies: { fewest: 4, p10: 5, median: 7, most: 8, lost: 0 }, traffic },
      ...{ gets: { tried: i + 3, succeeded: i, open: 3 }, puts: none, lookups: none, queued: 0, queuedMost: 0 },
      trust: { ofHonest: 0.5, ofFull: Number.NaN, ofLiars: Number.NaN },
    }
  })
  const verdicts = judge(scenario, samples)
  const costs = samples.map(({ at }) => ({ at, rssBytes: 1e8, realMs: at / 100 }))
  const notes = ['<b>note</b>']
  return {
    ...{ scenario, samples, verdicts, costs, notes },
    struck: [{ what: 'at 2 min kill 3', count: 3, unit: 'node' }],
    met: false,
    interrupted: false,
    hash: '1:ab at 2 after 3',
    events: 3,
    startMs: 5,
  }
}

const TEXT =
  'nodes 10\nrun 10 min\nat 2 min kill 3\nfrom 4 min to 6 min partition 30 %\nexpect lost = 0\nexpect copies >= 7'
const FACTS = {
  name: 'a <name>',
  text: `${TEXT} # <script>alert(1)</script>`,
  version: '1',
  takenAt: '2026-01-01T00:00:00Z',
  machine: 'm',
  command: "myrmex sim '/tmp/a <name>.sim' --seed 1 --hours 0.2",
  leftOut: ['at 11 min kill <1>: after the end'],
}

test('the page stands alone, escapes what it is given, and shows verdict, curves, events and scenario', () => {
  const page = reportPage(outcome(TEXT, 11), FACTS)
  assert.doesNotMatch(page, /<script>alert|<name>|<b>note|(?:src|href)="(?!#)|url\(|@import/)
  assert.match(page, /&#60;script&#62;alert/)
  assert.match(page, /Not as expected: 1 of 2 failed/)
  assert.equal(page.match(/<article class="card">/g)?.length, 11)
  assert.match(page, /Struck were: at 2 min kill 3: 3 nodes\./)
  assert.match(page, /class="happened"/)
  assert.match(page, /class="lasted"/)
  assert.match(page, /data-tip="2 min: fewest 4, tenth percentile 5[^"]*at 2 min kill 3"/)
  assert.doesNotMatch(page, /NaN|Infinity|undefined/)
})

test('the page tells how to run it again, what was left out, and what was never decided', () => {
  const page = reportPage(outcome(TEXT, 11), FACTS)
  assert.match(page, /<code>myrmex sim &#39;\/tmp\/a &#60;name&#62;\.sim&#39; --seed 1 --hours 0\.2<\/code>/)
  assert.match(page, /Left out of the scenario:<\/p><ul class="notes"><li>at 11 min kill &#60;1&#62;: after the end</)
  assert.match(page, /the same samples and ends with the run hash/)
  const stopped = reportPage({ ...outcome(TEXT, 6), interrupted: true }, { ...FACTS, leftOut: [] })
  assert.match(stopped, /Interrupted after 5 min of 10 min: nothing is decided\./)
  assert.doesNotMatch(stopped, /Left out|Not as expected/)
})

test('a measured curve lies in the same picture; without figures nothing is drawn wrong', () => {
  const real = parseRealCurve(
    JSON.stringify({
      kind: 'myrmex-real-curve',
      points: [
        { t: 0, fewest: 7, median: 7 },
        { t: 60_000, fewest: 4, median: 5 },
      ],
    }),
  )
  const page = reportPage(outcome(TEXT, 11), { ...FACTS, real })
  assert.match(page, /fewest, real/)
  assert.equal(page.match(/<article class="card">/g)?.length, 12)
  const empty = reportPage(outcome('nodes 5', 1), FACTS)
  assert.doesNotMatch(empty, /NaN|Infinity/)
  assert.match(empty, /Nothing was expected/)
})

test('what is no measured curve is refused', () => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"kind":"myrmex-real-curve"}',
    '{"kind":"myrmex-real-curve","points":[{"t":1}]}',
  ])
    assert.throws(() => parseRealCurve(text), { code: 'SCENARIO_FILE' }, text)
  assert.throws(() => parseRealCurve('{"kind":"myrmex-real-curve","points":[null]}'), { code: 'SCENARIO_FILE' })
})

test('thinning keeps both ends, the smallest and the largest, in order', () => {
  const points = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 500 })
  fc.assert(
    fc.property(points, fc.integer({ min: 3, max: 60 }), (values, most) => {
      const all = values.map((value, i): Point => [i, value])
      const kept = thinned(all, most)
      assert.ok(kept.length <= most + 4)
      assert.deepEqual([kept[0], kept.at(-1)], [all[0], all.at(-1)])
      assert.ok(kept.every(([at], i) => i === 0 || at > (kept[i - 1]?.[0] as number)))
      const values_ = kept.map(([, value]) => value)
      assert.equal(Math.min(...values_), Math.min(...values))
      assert.equal(Math.max(...values_), Math.max(...values))
    }),
  )
})

test('ticks of time are round and few', () => {
  assert.deepEqual(timeTicks(0, 300_000).map(tickText), ['0', '1 min', '2 min', '3 min', '4 min', '5 min'])
  assert.deepEqual(timeTicks(0, 86_400_000).map(tickText), [
    '0',
    '3 h',
    '6 h',
    '9 h',
    '12 h',
    '15 h',
    '18 h',
    '21 h',
    '24 h',
  ])
  assert.deepEqual([90_000, 45_000, 5_400_000].map(tickText), ['1:30', '45 s', '1 h 30'])
  for (const ms of [1000, 59_000, 7 * 86_400_000, 366 * 86_400_000]) assert.ok(timeTicks(0, ms).length <= 10, `${ms}`)
})
