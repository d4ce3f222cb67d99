import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, pairedRatio, quantile, spread, studentT99, unpairedRatio } from '../../../bench/stats.ts'
import { type Random, seededRandom } from '../../../src/base/index.ts'

const SEED = Number(process.env['TEST_SEED'] ?? 20261121)

/** Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float())
}

test('quantiles interpolate between order statistics', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(quantile([10, 20, 30, 40, 50], 0.9), 46)
  assert.equal(quantile([10, 20, 30, 40, 50], 0), 10)
  assert.equal(quantile([10, 20, 30, 40, 50], 1), 50)
  assert.ok(Number.isNaN(median([])))
})

test('spread is the distance of the 10th and 90th percentile, as a share of the median', () => {
  assert.equal(spread([10, 20, 30, 40, 50]), (46 - 14) / 30)
  assert.equal(spread([7]), 0)
  assert.equal(spread([5, 5, 5]), 0)
  const many = Array.from({ length: 101 }, (_, i) => i + 50)
  assert.ok(spread([...many, 1e9]) < 1, 'one outlier of a hundred does not count')
})

test('the points of Student t are those of the tables, and go on smoothly', () => {
  assert.equal(studentT99(1), 63.657)
  assert.equal(studentT99(5), 4.032)
  assert.ok(Math.abs(studentT99(40) - 2.704) < 0.002)
  assert.ok(Math.abs(studentT99(120) - 2.617) < 0.002)
  for (let i = 2; i < 60; i++) assert.ok(studentT99(i) < studentT99(i - 1))
})

test('a paired ratio is the geometric mean of the ratios, and drift that both sides share drops out', () => {
  const drift = [1, 0.6, 1.7, 0.9, 1.2, 0.4]
  const left = drift.map((factor) => 100 * factor)
  const right = drift.map((factor) => 125 * factor)
  const { ratio, low, high, pairs } = pairedRatio(left, right)
  assert.equal(pairs, 6)
  for (const value of [ratio, low, high]) assert.ok(Math.abs(value - 1.25) < 1e-9)
  const unpaired = unpairedRatio(left, right)
  assert.ok(unpaired.low < 1 && unpaired.high > 1.25, 'without pairs the drift hides the difference')
  const reversed = pairedRatio(right, left)
  assert.ok(Math.abs(reversed.ratio * ratio - 1) < 1e-9)
})

test('one pair, none, and figures that are no rates prove nothing', () => {
  assert.deepEqual(pairedRatio([10], [20]), { ratio: 2, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 })
  assert.equal(pairedRatio([], []).pairs, 0)
  assert.equal(pairedRatio([0, 10, Number.NaN], [5, 20, 3]).pairs, 1)
  assert.equal(unpairedRatio([1, 2], []).high, Number.POSITIVE_INFINITY)
})

for (const [name, ratioOf] of [
  ['paired', pairedRatio],
  ['unpaired', unpairedRatio],
] as const)
  test(`the ${name} interval holds the truth in 99 of 100 sessions (TEST_SEED=${SEED})`, () => {
    const random = seededRandom(SEED)
    const truth = 1.1
    const sessions = 2000
    let held = 0
    for (let i = 0; i < sessions; i++) {
      const left = Array.from({ length: 6 }, () => 100 * Math.exp(0.1 * normal(random)))
      const right = Array.from({ length: 6 }, () => 100 * truth * Math.exp(0.1 * normal(random)))
      const { low, high } = ratioOf(left, right)
      if (low <= truth && truth <= high) held++
    }
    const share = held / sessions
    assert.ok(share >= 0.982 && share <= 0.9995, `${share} with seed ${SEED}`)
  })
