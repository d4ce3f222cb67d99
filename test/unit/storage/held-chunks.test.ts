import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import { HeldChunks } from '../../../src/storage/held-chunks.ts'

const A = 'a1'.repeat(32) as ChunkAddress

test('doubtful chunks are held but not trusted; a name in doubt stays so until it is durable', () => {
  const held = new HeldChunks()
  held.fill([A])
  held.doubt(A, 'bytes')
  assert.deepEqual([held.trusts(A), held.holds(A), held.size, held.doubtOf(A)], [false, true, 0, 'bytes'])
  held.doubt(A, 'name')
  held.doubt(A, 'bytes')
  assert.equal(held.doubtOf(A), 'name', 'good bytes alone would make it trusted again')
  held.trust(A)
  assert.deepEqual([held.trusts(A), held.size, held.doubtOf(A)], [true, 1, undefined])
  held.forget(A)
  assert.deepEqual([held.holds(A), held.size], [false, 0])
})
