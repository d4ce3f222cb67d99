import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chunkOffset, chunkSize, neighbours, planChunks } from '../../../src/self-encryption/plan.ts'
import { firstUntestedCount, refuseUntested } from '../../../src/self-encryption/shrink.ts'

const MAX = 4_190_208

function sizes(total: number, max?: number): number[] {
  const plan = planChunks(total, max)
  return Array.from({ length: plan.count }, (_, index) => chunkSize(plan, index))
}

test('the plan at its borders', () => {
  assert.deepEqual(sizes(3), [1, 1, 1])
  assert.deepEqual(sizes(10), [3, 3, 4])
  assert.deepEqual(sizes(1025), [341, 341, 343])
  assert.deepEqual(sizes(3 * MAX - 1), [4_190_207, 4_190_207, 4_190_209])
  assert.deepEqual(sizes(3 * MAX), [MAX, MAX, MAX])
  assert.deepEqual(sizes(3 * MAX + 1), [MAX, MAX, MAX, 1])
  assert.deepEqual(sizes(5 * MAX), [MAX, MAX, MAX, MAX, MAX])
})

test('too few bytes, too many, and sizes that are none', () => {
  for (const size of [0, 1, 2]) assert.throws(() => planChunks(size), { code: 'SELF_ENCRYPTION_TOO_SMALL' })
  for (const size of [2 ** 53, Number.POSITIVE_INFINITY, Number.NaN, -1, 3.5]) {
    assert.throws(() => planChunks(size), { code: 'SELF_ENCRYPTION_TOO_LARGE' })
  }
  assert.equal(planChunks(2 ** 53 - 1).count, Math.ceil((2 ** 53 - 1) / MAX))
})

test('property: pieces cover everything once, none is empty, only the last differs', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 200_000 }), fc.integer({ min: 128, max: 4000 }), (size, max) => {
      const plan = planChunks(size, max)
      let at = 0
      for (let index = 0; index < plan.count; index++) {
        assert.equal(chunkOffset(plan, index), at)
        const length = chunkSize(plan, index)
        assert.ok(length >= 1 && length <= max + 1, `${length}`)
        if (index < plan.count - 1) assert.equal(length, plan.step)
        at += length
      }
      assert.equal(at, size)
      assert.ok(plan.count >= 3)
    }),
  )
})

test('neighbours: the two before, around the corner', () => {
  assert.deepEqual(neighbours(0, 3), [2, 1])
  assert.deepEqual(neighbours(1, 3), [0, 2])
  assert.deepEqual(neighbours(2, 3), [1, 0])
  assert.deepEqual(neighbours(0, 9), [8, 7])
  assert.deepEqual(neighbours(1, 9), [0, 8])
  assert.deepEqual(neighbours(8, 9), [7, 6])
  for (const count of [0, 1, 2]) {
    assert.throws(() => neighbours(0, count), { code: 'SELF_ENCRYPTION_TOO_FEW_CHUNKS' })
  }
  for (const index of [3, -1, 1.5, Number.NaN]) {
    assert.throws(() => neighbours(index, 3), { code: 'SELF_ENCRYPTION_INDEX' })
  }
})

test('files whose map needs four pieces are refused unless asked for', () => {
  assert.equal(firstUntestedCount(MAX), 157_132)
  const last = planChunks(157_131 * MAX)
  const first = planChunks(157_131 * MAX + 1)
  assert.equal(first.count, 157_132)
  assert.doesNotThrow(() => refuseUntested(last, MAX, false))
  assert.throws(() => refuseUntested(first, MAX, false), { code: 'SELF_ENCRYPTION_UNTESTED_SIZE' })
  assert.doesNotThrow(() => refuseUntested(first, MAX, true))
})
