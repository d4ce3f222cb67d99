import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments, UsageError } from '../../../bench/arguments.ts'
import { beyond, comparison, comparisonTable, type Side, type Taken, verdictOf } from '../../../bench/compare/pairs.ts'
import { differingFacts } from '../../../bench/machine.ts'
import { isWide, latencyRow, rowOf } from '../../../bench/measure.ts'
import { parseReport } from '../../../bench/result-file.ts'
import { pairedRatio } from '../../../bench/stats.ts'

function taken(side: Side, round: number, id: string, value: number, unit = '/s'): Taken {
  return { side, round, row: { file: 'kernel/x', ...rowOf(id, unit, [['native', [value]]]) } }
}

const PAIRED = { paired: true } as const

test('rounds are paired by number, whatever the order they came in, and a lonely one is left out', () => {
  const { rows } = comparison(
    [
      taken('now', 1, 'a', 40),
      taken('before', 0, 'a', 10),
      taken('now', 0, 'a', 20),
      taken('before', 1, 'a', 20),
      taken('before', 2, 'a', 1e9),
    ],
    pairedRatio,
    PAIRED,
  )
  assert.equal(rows.length, 1)
  assert.deepEqual(rows[0]?.before, [10, 20])
  assert.deepEqual(rows[0]?.now, [20, 40])
  assert.ok(Math.abs((rows[0]?.ratio ?? 0) - 2) < 1e-9)
  assert.equal(rows[0]?.verdict, 'better')
})

test('above one is better whichever way the unit points', () => {
  const both = (unit: string) =>
    [0, 1, 2].flatMap((i) => [taken('before', i, 'a', 100, unit), taken('now', i, 'a', 50, unit)])
  assert.equal(comparison(both('ms'), pairedRatio, PAIRED).rows[0]?.ratio, 2)
  assert.equal(comparison(both('/s'), pairedRatio, PAIRED).rows[0]?.ratio, 0.5)
})

test('rows of one side only are listed as such', () => {
  const result = comparison([taken('before', 0, 'old', 1), taken('now', 0, 'new', 1)], pairedRatio, PAIRED)
  assert.deepEqual(result, {
    rows: [],
    onlyBefore: ['kernel/x: old / native'],
    onlyNow: ['kernel/x: new / native'],
  })
})

test('a difference is told when it is beyond noise and large enough, and noise is no verdict', () => {
  assert.equal(verdictOf({ ratio: 0.8, low: 0.7, high: 0.95 }), 'worse')
  assert.equal(verdictOf({ ratio: 1.3, low: 1.1, high: 1.5 }), 'better')
  assert.equal(verdictOf({ ratio: 1.02, low: 1.01, high: 1.03 }), 'same')
  assert.equal(verdictOf({ ratio: 0.5, low: 0.2, high: 1.3 }), 'unsure')
})

test('only what is surely beyond the bound fails', () => {
  const result = comparison(
    [1, 1.01, 0.99].flatMap((noise, i) => [
      ...[taken('before', i, 'slow', 100), taken('now', i, 'slow', 20 * noise)],
      ...[taken('before', i, 'near', 100), taken('now', i, 'near', 33 * noise ** 30)],
    ]),
    pairedRatio,
    PAIRED,
  )
  assert.deepEqual(
    beyond(result.rows, 3).map(({ id }) => id),
    ['slow'],
  )
  assert.ok(comparisonTable(result).some((line) => /slow.*WORSE/.test(line)))
})

test('the command line: each mistake is one sentence', () => {
  assert.equal(parseArguments(['--quick', '--filter', 'a, b']).filter?.join(), 'a,b')
  assert.equal(parseArguments([]).level, 'full')
  for (const args of [
    ['--nonsense'],
    ['word'],
    ['--smoke', '--quick'],
    ['--rounds', '1.5'],
    ['--rounds', ''],
    ['--filter', ','],
    ['--fail-above', '3'],
    ['--compare', 'x', '--fail-above', '0.5'],
    ['--json'],
  ]) {
    assert.throws(
      () => parseArguments(args),
      (error: Error) => error instanceof UsageError && !error.message.includes('\n'),
      args.join(' '),
    )
  }
})

test('files of strangers: what is no report is refused, what an older version wrote is read', () => {
  for (const value of [
    null,
    [],
    7,
    {},
    { rows: [] },
    { machine: {}, rows: [{}] },
    { machine: {}, rows: [{ id: 'a', unit: 's', results: [{}] }] },
  ])
    assert.throws(() => parseReport(value, 'x.json'), UsageError)
  const old = {
    machine: { cpu: 'x' },
    rows: [{ id: 'a', unit: 'ms', results: [{ name: 'n', median: 10, min: 9, max: 12, ratio: 1 }] }],
  }
  const [row] = parseReport(old, 'x.json').rows
  assert.equal(row?.results[0]?.spread, 0.3)
  assert.deepEqual(row?.results[0]?.samples, [10])
})

test('facts of two machines are told apart; load and revision are no part of it', () => {
  const a = { cpu: 'x', cores: 4, node: 'v1', revision: 'r1', load: [1] }
  assert.deepEqual(differingFacts(a, { ...a, revision: 'r2', load: [9] }), [])
  assert.deepEqual(differingFacts(a, { ...a, cores: 8 }), ['cores: 4 and 8'])
})

test('rounds that disagree are marked, latencies and many things are not', () => {
  const values = [10, 20, 30]
  const wide = (row: ReturnType<typeof rowOf>) => row.results.map(isWide)
  assert.deepEqual(wide(rowOf('a', '/s', [['x', values]])), [true])
  assert.deepEqual(wide(rowOf('a', '/s', [['x', [10, 10.1, 10.2]]])), [false])
  assert.deepEqual(wide(rowOf('a', '/s', [['x', values]], { population: true })), [false])
  const latency = latencyRow('a', 'ms', [['x', values]])
  assert.deepEqual(wide(latency), [false])
  assert.equal(latency.results[0]?.quantiles?.find(({ share }) => share === 1)?.value, 30)
})
