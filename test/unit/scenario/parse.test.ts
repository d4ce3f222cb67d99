import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  builtInScenarios,
  findScenario,
  formatScenario,
  objectionToEvent,
  parseScenario,
  SCENARIO_DEFAULTS,
  type Scenario,
  type ScenarioEvent,
} from '../../../src/scenario/index.ts'
import { DISK_FAULTS, LIES, MEASURES, MOMENTS, SPANS } from '../../../src/scenario/scenario.ts'

const MINUTE = 60_000

test('every word of the format means what its readme says', () => {
  const read = parseScenario(`
    # a remark
    nodes 12            # and one behind
    chunks 1_000 of 4 KiB put
    run 2.5 h
    seed 9
    sample 30s
    store disk
    loss 0.5%
    latency 40 ms
    bandwidth 20 Mbit/s
    liars 5 % mute
    liars 4 %
    full 10 %
    scrub every 10 min
    gets 4 per min
    puts 0.5 per min
    lookups 0 per min
    stop when lost
    at 5 min kill 3 nodes
    at 6 min restart
    at 7 min rot 2 %
    from 10 min to 1 h churn 300 % per hour
    from 10 min to 20 min disks 20 % read-only
    expect lost=0
    expect copies >= 7 within 90 s of 5 min
    expect trust of liars <= 0.4
    expect gets >= 99.5 % at end
  `)
  const { events, expectations, liars, ...rest } = read
  assert.deepEqual(rest, {
    ...{ nodes: 12, runMs: 150 * MINUTE, seed: 9, sampleMs: 30_000, store: 'disk', loss: 0.005, latencyMs: 40 },
    ...{ chunks: { count: 1000, bytes: 4096, by: 'put' }, bandwidth: 2_500_000, full: 0.1, scrubMs: 10 * MINUTE },
    ...{ gets: 4, puts: 0.5, lookups: 0, stopWhenLost: true },
  })
  assert.deepEqual(liars[0], { share: 0.05, lie: 'mute' })
  assert.deepEqual(
    liars.slice(1),
    LIES.map((lie) => ({ share: 0.01, lie })),
  )
  assert.deepEqual(events, [
    { kind: 'kill', at: 5 * MINUTE, amount: { kind: 'count', count: 3 } },
    { kind: 'restart', at: 6 * MINUTE, amount: { kind: 'share', share: 1 } },
    { kind: 'rot', at: 7 * MINUTE, amount: { kind: 'share', share: 0.02 } },
    { kind: 'churn', from: 10 * MINUTE, to: 60 * MINUTE, share: 3 },
    { kind: 'disks', from: 10 * MINUTE, to: 20 * MINUTE, share: 0.2, fault: 'read-only' },
  ])
  assert.deepEqual(expectations, [
    { measure: 'lost', sign: '=', value: 0, when: { kind: 'end' } },
    { measure: 'copies', sign: '>=', value: 7, when: { kind: 'within', withinMs: 90_000, of: 5 * MINUTE } },
    { measure: 'trust of liars', sign: '<=', value: 0.4, when: { kind: 'end' } },
    { measure: 'gets', sign: '>=', value: 0.995, when: { kind: 'end' } },
  ])
})

test('an empty file is the usual network', () => {
  assert.deepEqual(parseScenario('\n# nothing\n'), SCENARIO_DEFAULTS)
})

const BAD: readonly [text: string, complaint: RegExp][] = [
  ['nodes 3\nnods 4', /^line 2: a line begins with nodes, .*, not "nods"$/],
  ['nodes', /^line 1: nodes is missing at the end$/],
  ['nodes 0', /^line 1: nodes is a whole number from 1 to 100000, not "0"$/],
  ['nodes 2.5', /^line 1: nodes is a whole number/],
  ['nodes -3', /^line 1: nodes is a whole number/],
  ['nodes 1e9', /^line 1: nothing more is expected after "1", not "e9"$/],
  ['\n\nnodes 3 4', /^line 3: nothing more is expected after "3", not "4"$/],
  ['nodes 3\nnodes 4', /^line 2: "nodes" stands in line 1 already$/],
  ['run 5 days', /^line 1: run is a time such as .*, not "5 days"$/],
  ['run 5', /^line 1: the unit of run is missing at the end$/],
  ['run 0 s', /^line 1: run is out of range$/],
  ['chunks 5 of 8 MiB', /^line 1: the size of a chunk is out of range$/],
  ['chunks 5 thrown', /^line 1: how chunks come in is one of placed, put, not "thrown"$/],
  ['loss 80 %', /^line 1: loss is out of range$/],
  ['liars 60 % mute\nliars 60 % claims', /^line 2: more than 100 % of the nodes lie$/],
  ['liars 5 % rude', /^line 1: what a liar does is one of claims, forgets, corrupts, mute, not "rude"$/],
  ['at 1 min explode 3', /^line 1: what happens at a time is one of kill, .*, not "explode"$/],
  ['at 1 min kill 101 %', /^line 1: how many to kill is more than 100 %$/],
  ['at 1 min kill 1.5', /^line 1: how many to kill is a whole number or a share/],
  ['run 5 min\nat 6 min kill 1', /^line 2: this must happen before the end of the run, which takes 5 min/],
  ['run 5 min\nat 5 min kill 1', /^line 2: this must happen before the end of the run, which takes 5 min/],
  ['run 5 min\nfrom 4 min to 6 min loss 1 %', /^line 2: this ends after the run, which takes 5 min$/],
  [
    'from 1 min to 2 min churn 30 % per hour',
    /^line 1: this replaces nobody: 30 % of 10 nodes per hour is less than half a node in 1 min$/,
  ],
  [
    'nodes 100000\nfrom 1 min to 9 min churn 100000 % per hour',
    /^line 2: this replaces 13333333 nodes, and at most 2000000 can be$/,
  ],
  ['gets 10000 per min\nrun 8000 h', /^line 1: 4800000000 gets in 8000 h, and at most 2000000 can be$/],
  ['run 8000 h\nsample 1 s', /^line 2: 28800000 samples in 8000 h/],
  ['from 5 min to 5 min churn 1 % per hour', /^line 1: the end is not after the beginning$/],
  ['from 1 min churn 1 % per hour', /^line 1: "to" is expected, not "churn"$/],
  ['from 1 min to 5 min churn 1 %', /^line 1: "per" is expected, and the line ends$/],
  ['from 1 min to 5 min disks 5 %', /^line 1: the fault of disks is one of read-only, .*, and the line ends$/],
  ['store memory\nfrom 1 s to 2 s disks 5 % reads', /^line 2: "disks" needs disks: leave out "store memory"$/],
  ['store memory\nat 1 min rot 3', /^line 2: "rot" needs disks: leave out "store memory"$/],
  ['expect lost', /^line 1: the comparison is one of >=, <=, =, and the line ends$/],
  ['expect gets >= 1 % within 5 s of 1 min', /^line 1: gets are counted over the whole run/],
  [
    'run 5 min\nexpect copies >= 7 within 60 s of 5 min',
    /^line 2: this looks at 6 min, after the end of the run, which takes 5 min$/,
  ],
  [`expect lost = 0${' '.repeat(70_000)}`, /too long/],
]

for (const [text, complaint] of BAD) {
  test(`complains: ${text.slice(0, 60).replaceAll('\n', ' | ').trimEnd()}`, () => {
    assert.throws(() => parseScenario(text), { code: 'SCENARIO_FILE', message: complaint })
  })
}

test('whatever a file holds, it is read or refused with a sentence', () => {
  const words = fc.constantFrom(
    'at',
    'from',
    'expect',
    'liars',
    '5',
    '%',
    'min',
    'kill',
    '=',
    '#',
    '\n',
    'copies',
    'to',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 30 }).map((some) => some.join(' ')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseScenario(text)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'SCENARIO_FILE', String(error))
      }
    }),
  )
})

/** Any scenario that a file can say, in steps that decimals can. */
const anyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 100_000 }),
    chunks: fc.record({
      count: fc.nat(1_000_000),
      bytes: fc.integer({ min: 16, max: 4_194_304 }),
      by: fc.constantFrom('placed' as const, 'put' as const),
    }),
    runMs: fc.integer({ min: 3600, max: 100_000 }).map((seconds) => seconds * 1000),
    seed: fc.nat(2 ** 32 - 1),
    sampleMs: fc.integer({ min: 1, max: 1000 }).map((seconds) => seconds * 1000),
    store: fc.constant('disk' as const),
    loss: share(50),
    bandwidth: fc.integer({ min: 8, max: 100_000 }).map((kbit) => kbit * 125),
    liars: fc.array(fc.record({ share: share(25), lie: fc.constantFrom(...LIES) }), { maxLength: 4 }),
    full: share(100),
    gets: fc.nat(100),
    puts: fc.nat(100),
    lookups: fc.nat(100),
    stopWhenLost: fc.boolean(),
    events: fc.array(fc.oneof(anyMoment(), anySpan()), { maxLength: 6 }) as fc.Arbitrary<ScenarioEvent[]>,
    expectations: fc.array(anyExpectation(), { maxLength: 4 }),
  })
  .chain((scenario) =>
    fc
      .record({ latencyMs: fc.nat(5000), scrubMs: fc.integer({ min: 1000, max: 100_000 }) }, { requiredKeys: [] })
      // As a parser makes objects.
      .map((more) => JSON.parse(JSON.stringify({ ...scenario, ...more })) as Scenario)
      // Churn that replaces nobody is refused.
      .map((one) => ({ ...one, events: one.events.filter((event) => objectionToEvent(event, one) === undefined) })),
  )

function share(most: number): fc.Arbitrary<number> {
  return fc.nat(most * 10).map((thousandths) => thousandths / 1000)
}
function anyMoment() {
  const amount = fc.oneof(
    fc.nat(1000).map((count) => ({ kind: 'count' as const, count })),
    share(100).map((part) => ({ kind: 'share' as const, share: part })),
  )
  return fc.record({ kind: fc.constantFrom(...MOMENTS), at: fc.nat(3_599_999), amount })
}
function anySpan() {
  return fc
    .record({
      kind: fc.constantFrom(...SPANS),
      from: fc.nat(1_000_000),
      length: fc.integer({ min: 1, max: 1_000_000 }),
    })
    .chain(({ kind, from, length }) =>
      fc.record({ share: share(100), fault: fc.constantFrom(...DISK_FAULTS) }).map(({ share: part, fault }) => ({
        ...{ kind, from, to: from + length, share: part },
        ...(kind === 'disks' ? { fault } : {}),
      })),
    )
}
function anyExpectation() {
  return fc
    .record({
      measure: fc.constantFrom(...MEASURES),
      sign: fc.constantFrom('=' as const, '>=' as const, '<=' as const),
      value: share(100),
      within: fc.option(fc.record({ withinMs: fc.integer({ min: 1000, max: 60_000 }), of: fc.nat(1_000_000) })),
    })
    .map(({ measure, sign, value, within }) => {
      const counted = measure === 'gets' || measure === 'puts' || measure === 'lookups'
      const when = within === null || counted ? { kind: 'end' as const } : { kind: 'within' as const, ...within }
      return { measure, sign, value, when }
    })
}

test('what a scenario is written as reads the same', () => {
  fc.assert(fc.property(anyScenario, (scenario) => assert.deepEqual(parseScenario(formatScenario(scenario)), scenario)))
})

test('the built-in scenarios are all sound, and found by name', () => {
  const names = builtInScenarios()
  for (const name of ['ten-nodes-three-die', 'churn-small', 'partition', 'liars-and-full-disks', 'rot', 'a-day'])
    assert.ok(names.includes(name), name)
  for (const name of names) assert.ok(findScenario(name).scenario.nodes > 0, name)
  assert.throws(() => findScenario('no-such'), { code: 'SCENARIO_NOT_FOUND', message: /There are: a-day, / })
})
