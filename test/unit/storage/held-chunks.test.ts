import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import { HeldChunks } from '../../../src/storage/held-chunks.ts'

const A = 'a1'.repeat(32) as ChunkAddress

test('doubtful chunks are held but not trusted; a name in doubt stays so until it is durable', () => {
  const held = new HeldChunks()
  held.fill([A])
  held.doubt(A, 'bytes')
  assert.deepEqual([held.trusts(A), held.holds(A), held.size, held.doubts(A)], [false, true, 0, true])
  held.doubt(A, 'name')
  held.settle(A, 'bytes')
  assert.deepEqual([held.trusts(A), held.namesInDoubt()], [false, [A]], 'good bytes do not make a name durable')
  held.doubt(A, 'bytes')
  held.settle(A, 'name')
  assert.equal(held.trusts(A), false, 'a durable name does not make bytes good')
  held.settle(A, 'bytes')
  assert.deepEqual([held.trusts(A), held.size, held.doubts(A)], [true, 1, false])
  held.doubt(A, 'bytes')
  held.trust(A)
  assert.deepEqual([held.trusts(A), held.doubts(A)], [true, false])
  held.forget(A)
  held.settle(A, 'name')
  assert.deepEqual([held.holds(A), held.size], [false, 0], 'what is forgotten has no doubts that could end')
  held.fill([], [A])
  assert.deepEqual([held.trusts(A), held.holds(A)], [false, true])
})
