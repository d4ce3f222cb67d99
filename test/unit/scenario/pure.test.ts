/** Timeline, judge, shrinker, and the nearest of thousands. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom, toHex } from '../../../src/base/index.ts'
import { compareDistance, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { countOf, liarsOf } from '../../../src/scenario/amounts.ts'
import {
  formatScenario,
  parseScenario,
  type Sample,
  type Scenario,
  shrink,
  smaller,
  type Tally,
} from '../../../src/scenario/index.ts'
import { judge } from '../../../src/scenario/judge.ts'
import { Nearest } from '../../../src/scenario/nearest.ts'
import { copiesOf } from '../../../src/scenario/samples.ts'
import { LIES, type Span } from '../../../src/scenario/scenario.ts'
import { timeline } from '../../../src/scenario/timeline.ts'

const SEED = 17

test('a timeline is in order, samples come before what changes, churn is as much as its rate says', () => {
  const scenario = parseScenario(`
    nodes 40
    run 30 min
    gets 3 per min
    at 2 min kill 1
    from 10 min to 25 min churn 200 % per hour
    expect copies >= 7 within 30 s of 2 min
  `)
  const steps = timeline(scenario, seededRandom(SEED))
  assert.ok(steps.every((step, i) => i === 0 || step.at >= (steps[i - 1]?.at as number)))
  const replaced = steps.filter((step) => step.kind === 'moment' && step.moment.kind === 'replace')
  assert.equal(replaced.length, 20, '40 nodes, twice an hour, a quarter of one')
  assert.ok(replaced.every(({ at }) => at >= 600_000 && at <= 1_500_000))
  assert.equal(steps.filter(({ kind }) => kind === 'get').length, 90)
  const at120 = steps.filter(({ at }) => at === 120_000).map(({ kind }) => kind)
  assert.deepEqual(at120, ['sample', 'moment'])
  const looks = steps.filter(({ at, kind }) => kind === 'sample' && at >= 120_000 && at <= 150_000)
  assert.equal(looks.length, 31, 'every second of the window')
  assert.deepEqual(steps.at(-1), { at: 1_800_000, kind: 'sample' })
  assert.deepEqual(timeline(scenario, seededRandom(SEED)), steps)
})

const NONE: Tally = { tried: 0, succeeded: 0, open: 0 }
function sampleAt(at: number, counts: number[], gets: Tally = NONE): Sample {
  const traffic = { repairBytes: 0, freshBytes: 0, talkBytes: 0, dhtBytes: 0, clientBytes: 0, messages: 0 }
  return {
    ...{ at, live: 9, copies: copiesOf(Uint16Array.from(counts)), traffic, gets, puts: NONE, lookups: NONE },
    ...{ trust: { ofHonest: 0.6, ofFull: Number.NaN, ofLiars: Number.NaN }, queued: 0, queuedMost: 0 },
  }
}

test('a timeline of very many questions is made all the same', () => {
  const many = parseScenario('run 24 h\ngets 200 per min\nlookups 0 per min')
  assert.equal(timeline(many, seededRandom(SEED)).filter(({ kind }) => kind === 'get').length, 288_000)
})

test('a share strikes at least one; liars are rounded together and dealt to their kinds', () => {
  const share = (part: number) => ({ kind: 'share', share: part }) as const
  assert.deepEqual(
    [countOf(share(0.04), 10), countOf(share(0.3), 10), countOf(share(0), 10), countOf(share(0.04), 0)],
    [1, 3, 0, 0],
  )
  assert.deepEqual([countOf({ kind: 'count', count: 4 }, 10), countOf({ kind: 'count', count: 12 }, 10)], [4, 10])
  const liars = (lines: string, nodes: number) => liarsOf(parseScenario(lines).liars, nodes)
  assert.deepEqual(liars('liars 10 %', 10), ['claims'])
  assert.deepEqual(liars('liars 10 %', 20), ['claims', 'forgets'])
  assert.deepEqual(liars('liars 5 %', 100), ['claims', 'forgets', 'corrupts', 'mute', 'claims'])
  assert.deepEqual(liars('liars 5 %\nliars 5 % mute', 20), ['mute', 'claims'])
  assert.deepEqual(liars('liars 1 % mute', 10), ['mute'])
  assert.deepEqual(liars('liars 0 %', 10), [])
  fc.assert(
    fc.property(fc.nat(100), fc.integer({ min: 1, max: 2000 }), (percent, nodes) => {
      const dealt = liars(`liars ${percent} %`, nodes)
      const wanted = Math.round((percent * nodes) / 100)
      assert.equal(dealt.length, percent === 0 ? 0 : Math.max(1, wanted))
      const counts = LIES.map((lie) => dealt.filter((one) => one === lie).length)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`)
    }),
  )
})

test('copies: fewest, percentiles and what is lost', () => {
  assert.deepEqual(copiesOf(new Uint16Array([7, 0, 3, 9, 0])), { fewest: 0, p10: 0, median: 3, most: 9, lost: 2 })
  assert.deepEqual(copiesOf(new Uint16Array([2, 1])), { fewest: 1, p10: 1, median: 2, most: 2, lost: 0 })
  assert.deepEqual(copiesOf(new Uint16Array([0])), { fewest: 0, p10: 0, median: 0, most: 0, lost: 1 })
  assert.equal(copiesOf(new Uint16Array()).lost, 0)
})

test('the judge looks at the end, or anywhere in a window, and a missing figure meets nothing', () => {
  const scenario = parseScenario(`
    run 10 min
    expect lost = 0
    expect copies >= 7 within 60 s of 2 min
    expect copies >= 8 within 60 s of 2 min
    expect gets >= 90 %
    expect lookups >= 0 %
    expect trust of liars <= 1
  `)
  const samples = [
    sampleAt(120_000, [9, 9]),
    sampleAt(150_000, [4, 5]),
    sampleAt(170_000, [7, 7]),
    sampleAt(190_000, [9, 9]),
    sampleAt(600_000, [1, 3], { tried: 10, succeeded: 9, open: 1 }),
  ]
  const verdicts = judge(scenario, samples)
  assert.deepEqual(
    verdicts.map(({ met, seen }) => [met, seen]),
    [
      [true, '0'],
      [true, 'after 50 s'],
      [false, 'at best 7'],
      [true, '90 %, 1 of 10 unanswered'],
      [false, 'no figure'],
      [false, 'no figure'],
    ],
  )
})

const RICH = parseScenario(`
  nodes 40
  chunks 500
  run 2 h
  liars 5 % mute
  full 10 %
  puts 1 per min
  at 5 min kill 8
  at 20 min join 3
  from 30 min to 90 min churn 50 % per hour
  expect lost = 0
  expect copies >= 7 within 60 s of 5 min
`)

test('every smaller scenario is another, readable, and smaller in one way', () => {
  const size = (scenario: Scenario) =>
    JSON.stringify(scenario).length + scenario.nodes + scenario.chunks.count + scenario.runMs / 1000
  for (const candidate of smaller(RICH)) {
    assert.notDeepEqual(candidate, RICH)
    assert.ok(size(candidate) <= size(RICH), formatScenario(candidate))
    assert.deepEqual(parseScenario(formatScenario(candidate)), candidate)
  }
})

test('shrinking ends at a scenario that fails although nothing smaller does', async () => {
  // Fails with 9 nodes or more, when at least 2 are killed: of 9 nodes these would be more than a fifth.
  const fails = async ({ nodes, events }: Scenario) =>
    nodes >= 9 && events.some(({ kind, ...rest }) => kind === 'kill' && JSON.stringify(rest).match(/"count":([2-9])/))
  const { scenario, finished } = await shrink(RICH, fails, 1000)
  assert.ok(finished && (await fails(scenario)))
  for (const candidate of smaller(scenario)) assert.ok(!(await fails(candidate)), formatScenario(candidate))
  assert.equal(scenario.nodes, 10)
  assert.deepEqual(scenario.events, [{ kind: 'kill', at: 300_000, amount: { kind: 'count', count: 2 } }])
  assert.deepEqual([scenario.liars, scenario.full, scenario.puts, scenario.chunks.count], [[], 0, 0, 1])
  assert.equal(scenario.expectations.length, 1)
})

test('fewer nodes and chunks are struck in proportion, and never a larger part of them', async () => {
  const much = parseScenario(`
    nodes 20
    chunks 60
    run 20 min
    at 1 min kill 16
    at 2 min restart 3
    at 3 min replace 10 %
    at 4 min rot 42
    expect lost = 0
  `)
  const parts = ({ events, nodes, chunks }: Scenario) =>
    events.map((event) => {
      assert.ok('amount' in event)
      const all = event.kind === 'rot' ? chunks.count * Math.min(7, nodes) : nodes
      return { kind: event.kind, part: countOf(event.amount, all) / all }
    })
  const before = new Map(parts(much).map(({ kind, part }) => [kind, part]))
  const asked: Scenario[] = []
  const { scenario } = await shrink(
    much,
    async (candidate) => {
      asked.push(candidate)
      return parts(candidate).some(({ kind, part }) => kind === 'kill' && part >= 0.75)
    },
    1000,
  )
  for (const candidate of asked)
    for (const { kind, part } of parts(candidate))
      assert.ok(part <= (before.get(kind) ?? 0) + 1e-9, `${kind} ${part}: ${formatScenario(candidate)}`)
  assert.deepEqual(
    [scenario.nodes, scenario.events],
    [5, [{ kind: 'kill', at: 60_000, amount: { kind: 'count', count: 4 } }]],
  )
  const rotting = parseScenario('nodes 20\nchunks 64\nat 1 min rot 56')
  const eighth = smaller(rotting).find(({ chunks }) => chunks.count === 8)
  assert.deepEqual(eighth?.events, [{ kind: 'rot', at: 60_000, amount: { kind: 'count', count: 7 } }])
})

test('nobody becomes a larger part of the network because one is the least: churn, liars, partitions', () => {
  const thin = parseScenario('nodes 20\nliars 5 %\nfrom 1 min to 5 min churn 60 % per hour')
  const churned = smaller(thin)
  assert.ok(churned.every(({ nodes, events }) => events.length === 0 || nodes * (events[0] as Span).share >= 7.5))
  const nodesOf = (text: string) => smaller(parseScenario(text)).map(({ nodes }) => nodes)
  assert.ok(nodesOf('nodes 20\nliars 5 %').includes(10), 'half a node is rounded to one')
  assert.ok(!nodesOf('nodes 10\nliars 5 %').includes(5), 'a quarter is not')
  assert.ok(!nodesOf('nodes 10\nfrom 1 min to 2 min partition 5 %').includes(5))
  assert.ok(!nodesOf('nodes 10\nat 1 min kill 1').some((nodes) => nodes < 10))
})

test('shrinking ends with its best when it is cut short', async () => {
  const stopping = new AbortController()
  let tries = 0
  const stillFails = async () => {
    if (++tries === 3) stopping.abort()
    return true
  }
  const { scenario, tries: said, finished } = await shrink(RICH, stillFails, 1000, stopping.signal)
  assert.deepEqual([tries, said, finished], [3, 3, false])
  assert.deepEqual([scenario.nodes, scenario.chunks.count], [20, 62], 'the third was not heard to its end')
})

test('shrinking tries no more often than it may', async () => {
  let tries = 0
  const { tries: said, finished } = await shrink(RICH, async () => ++tries > 0, 7)
  assert.deepEqual([tries, said, finished], [7, 7, false])
})

test('the nearest are those of a full sort, also when leading bits are the same', () => {
  const near32 = fc.constantFrom('00000000', '00000001', 'ffffffff', '80000000')
  const ids = fc.tuple(near32, fc.integer()).map(([head, n]) => {
    const tail = toHex(seededRandom(n).bytes(28))
    return { peerId: `${head}${tail}` as PeerId }
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(ids, { maxLength: 40, selector: ({ peerId }) => peerId }),
      ids,
      (all, { peerId: target }) => {
        const sorted = all.toSorted((a, b) => compareDistance(keyOf(target), keyOf(a.peerId), keyOf(b.peerId)))
        assert.deepEqual(new Nearest(all).of(target, 7), sorted.slice(0, 7))
      },
    ),
  )
})
