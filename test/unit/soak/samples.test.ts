import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { curve, judge, parseMetrics, peakOf, type RunFacts, type Sample } from '../../soak/samples.ts'

const MiB = 1024 * 1024

function samples(anonMiB: readonly number[]): Sample[] {
  return anonMiB.map((mib, i) => ({
    ...{ seconds: i, rssBytes: mib * MiB, groupBytes: mib * MiB, anonBytes: mib * MiB },
    queues: { requests: 10 },
  }))
}

const good: RunFacts = {
  limitBytes: 512 * MiB,
  samples: samples([100, 150, 160, 150, 155, 160, 150, 160, 155]),
  limits: { requests: 40 },
  answers: { 'put stored': 50, 'get found': 40, 'get busy': 30, 'get timeout': 1 },
  alive: true,
  oomKills: 0,
}

describe('the verdict', () => {
  test('a node that serves, says busy and keeps its memory passes', () => {
    const { passed, lines } = judge(good)
    assert.ok(passed, JSON.stringify(lines))
  })

  const failures: [string, Partial<RunFacts>, RegExp][] = [
    ['killed', { oomKills: 1 }, /killed/],
    ['gone', { alive: false }, /killed/],
    ['wrong bytes', { answers: { ...good.answers, 'get wrong': 1 } }, /1 answers with wrong bytes/],
    ['nothing stored', { answers: { 'get found': 5, 'get busy': 5 } }, /5 requests served/],
    ['a load that was too small', { answers: { 'put stored': 5, 'get found': 5 } }, /never reached the limit/],
    ['silence instead of busy', { answers: { ...good.answers, 'put unsent X': 20 } }, /21 requests without an answer/],
    ['a queue above its limit', { limits: { requests: 9 } }, /above their limits: requests/],
    ['memory that climbs', { samples: samples([100, 100, 100, 150, 150, 150, 200, 200, 200]) }, /x 1\.33/],
    ['memory at the limit', { samples: samples([100, 600, 100]) }, /peak of process memory 600 MiB/],
  ]
  for (const [name, change, pattern] of failures)
    test(`${name} fails`, () => {
      const { passed, lines } = judge({ ...good, ...change })
      assert.equal(passed, false)
      assert.match(
        lines
          .filter(({ ok }) => !ok)
          .map(({ text }) => text)
          .join(),
        pattern,
      )
    })

  test('no sample at all is no reason to crash', () => assert.equal(judge({ ...good, samples: [] }).passed, true))
})

test('metrics: plain values, values by label, comments', () => {
  const values = parseMetrics('# HELP a b\na 3\nb{reason="busy"} 4\nc{topic="x",outcome="y"} 5\nbroken\n')
  assert.deepEqual(
    [...values],
    [
      ['a', 3],
      ['b busy', 4],
      ['c x y', 5],
    ],
  )
})

test('peaks and curves', () => {
  assert.equal(peakOf(samples([1, 2]), 'requests'), 10)
  assert.equal(peakOf(samples([1]), 'unheard'), 0)
  const drawn = curve('RSS', [0, 5, 10], 'MiB', { width: 3, height: 2 }).split('\n')
  assert.deepEqual(drawn, ['RSS, MiB', '     10 |  #', '      0 | ##', `${' '.repeat(8)}+---`])
  assert.match(curve('RSS', [], 'MiB'), /RSS/)
  const wide = curve(
    'RSS',
    Array.from({ length: 1000 }, (_, i) => (i === 500 ? 9 : 1)),
    'MiB',
  ).split('\n')
  assert.ok(
    wide.some((line) => line.includes('9 |') && line.includes('#')),
    'a peak is never averaged away',
  )
})
