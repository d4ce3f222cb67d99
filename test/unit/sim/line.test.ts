import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB } from '../../../src/base/index.ts'
import { Line } from '../../../src/sim/line.ts'

const SMALL = 16 * KiB

test('small messages wait for small ones: a thousand of 12 kB at 12.5 kB a second take 960 s', () => {
  const line = new Line(12_500, SMALL)
  const through = Array.from({ length: 1000 }, () => line.reserve(0, 12_000))
  assert.deepEqual([through[0], through.at(-1)], [960, 960_000])
  assert.equal(line.bytes, 12_000_000)
  assert.equal(line.reserve(2_000_000, 12_000), 2_000_960, 'nobody waits for what is through')
})

test('a small message passes a large one, which waits for all', () => {
  const line = new Line(1_000_000, SMALL)
  assert.equal(line.reserve(0, 4_000_000), 4000)
  assert.equal(line.reserve(10, 1000), 11)
  assert.equal(line.reserve(20, 1_000_000), 5001, 'what the small one took is missing')
})
