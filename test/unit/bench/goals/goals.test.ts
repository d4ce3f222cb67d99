import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fittedExponent } from '../../../../bench/goals/fit.ts'
import {
  isReached,
  measuredRow,
  median,
  percentile,
  type RowSpec,
  unmeasuredRow,
} from '../../../../bench/goals/goal.ts'
import { GROUPS } from '../../../../bench/goals/groups/index.ts'
import { bytesOf, textSource } from '../../../../bench/goals/inputs.ts'
import { ROWS } from '../../../../bench/goals/rows.ts'
import { selectRows } from '../../../../bench/goals/select.ts'
import { vectorBytes } from '../../../support/vector-input.ts'

const spec: RowSpec = {
  ...{ id: 'a', section: 's', title: 't', unit: 'x', yardstick: 'y' },
  goal: { kind: 'atLeast', value: 2 },
}
const atMost: RowSpec = { ...spec, goal: { kind: 'atMost', value: 2 } }

test('a goal is reached at its value, in its direction', () => {
  assert.ok(isReached(spec.goal, 2) && isReached(spec.goal, 3) && !isReached(spec.goal, 1.99))
  assert.ok(isReached(atMost.goal, 2) && isReached(atMost.goal, 1) && !isReached(atMost.goal, 2.01))
})

test('a row is the median of its rounds, with their spread', () => {
  const row = measuredRow(spec, { samples: [1, 3, 2.5, 4], note: 'n', details: { ours: 1 } })
  assert.equal(row.goal, '>= 2 x')
  assert.equal(row.measured, 2.75)
  assert.equal(row.spread, 3 / 2.75)
  assert.deepEqual([row.min, row.max, row.rounds, row.reached], [1, 4, 4, true])
  assert.equal(measuredRow(atMost, { samples: [2.5] }).reached, false)
  assert.equal(measuredRow(atMost, { samples: [0, 0] }).spread, 0)
})

test('what gives no number is not measured, and never reached', () => {
  for (const samples of [[], [Number.NaN], [1, Number.POSITIVE_INFINITY]]) {
    const row = measuredRow(spec, { samples })
    assert.deepEqual([row.measured, row.reached, row.spread], [null, null, null])
    assert.match(row.note ?? '', /^not measured: /)
  }
  const row = unmeasuredRow(spec, 'cargo is not there')
  assert.deepEqual([row.measured, row.reached, row.note], [null, null, 'not measured: cargo is not there'])
  assert.equal(row.goal, '>= 2 x')
})

test('medians and percentiles', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1]), 2.5)
  assert.ok(Number.isNaN(median([])))
  assert.equal(percentile([5, 1, 4, 2, 3], 0.95), 5)
  assert.equal(percentile([5, 1, 4, 2, 3], 0.4), 2)
})

test('rows are chosen by id or by how ids begin', () => {
  const rows = ['put', 'put-all', 'get'].map((id) => ({ ...spec, id }))
  const chosen = (...names: string[]) => {
    const selection = selectRows(rows, names)
    return selection.kind === 'rows' ? selection.rows.map(({ id }) => id) : `unknown ${selection.name}`
  }
  assert.deepEqual(chosen(), ['put', 'put-all', 'get'])
  assert.deepEqual(chosen('put'), ['put'], 'a whole id is meant as it stands')
  assert.deepEqual(chosen('pu'), ['put', 'put-all'])
  assert.deepEqual(chosen('get', 'put-'), ['put-all', 'get'], 'in the order of the table')
  assert.equal(chosen('get', 'x'), 'unknown x')
  assert.equal(chosen(''), 'unknown ')
})

test('the exponent of a power law is found, whatever the constant', () => {
  const sizes = [10, 100, 1000, 10_000]
  for (const exponent of [0, 0.5, 1, 2]) {
    const points = sizes.map((n) => ({ n, cost: 7 * n ** exponent }))
    assert.ok(Math.abs(fittedExponent(points) - exponent) < 1e-9, `${exponent}`)
  }
  const log = fittedExponent(sizes.map((n) => ({ n, cost: Math.log(n) })))
  assert.ok(log > 0.15 && log < 0.25, `log n fits as ${log}`)
  assert.equal(fittedExponent(sizes.map((n) => ({ n, cost: 0 }))), 0, 'nothing at any size does not grow')
  assert.ok(fittedExponent([...sizes.map((n) => ({ n, cost: 0 })), { n: 100_000, cost: 5 }]) === 0)
  assert.ok(Number.isNaN(fittedExponent([{ n: 10, cost: 3 }])), 'one size shows no growth')
})

test('every row has one group that measures it, and ids are unique', () => {
  const measured = GROUPS.flatMap(({ ids }) => ids)
  assert.deepEqual(measured.toSorted(), ROWS.map(({ id }) => id).toSorted())
  assert.equal(new Set(measured).size, measured.length)
})

test('the fast log text is the rule of the vectors, in parts of any length', () => {
  const length = 300_000
  const wanted = vectorBytes({ gen: 'lcg-log', seed: 64, length })
  assert.deepEqual(Buffer.from(bytesOf('text', length)), Buffer.from(wanted))
  const next = textSource(64)
  const parts = [1, 0, 70, 100_000, 65_537].map((size) => Buffer.from(next(size)))
  assert.deepEqual(Buffer.concat(parts), Buffer.from(wanted.subarray(0, 165_608)))
})
