import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, hour } from '../../../src/base/index.ts'
import { KeptPayments } from '../../../src/replication/fresh/kept-payments.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { at, many, peerAt } from './support/seeds.ts'

/** Self and peers from..to of one byte each. */
const viewOf = (from: number, to: number) =>
  new OwnView(
    peerAt(1),
    many(to - from, () => 0).map((_, i) => peerAt(from + i)),
  )
const proof = new Uint8Array(1000)
const keys = (kept: KeptPayments, view: OwnView, now: number) =>
  atOnce(kept.unheard(view, now)).map((payment) => {
    kept.told(payment)
    return payment.key
  })

test('a payment is told again when a third of those around it never heard, and then they have', () => {
  const kept = new KeptPayments(options)
  kept.keep(at(0), proof, viewOf(10, 28), 0)
  assert.deepEqual(keys(kept, viewOf(10, 28), 1), [], 'all have heard')
  // 18 of 18, 14 of 20, 13 of 20.
  assert.deepEqual(keys(kept, viewOf(14, 34), 2), [], '6 of 20 are new')
  assert.deepEqual(keys(kept, viewOf(15, 35), 3), [at(0)], '7 of 20 are new')
  assert.deepEqual(keys(kept, viewOf(15, 35), 4), [])
  assert.deepEqual(keys(kept, viewOf(10, 28), 5), [], 'the first have not forgotten')
  assert.deepEqual(keys(kept, new OwnView(peerAt(1), []), 6), [], 'nobody is there')
})

test('what could not be told stays untold, and there are not too many', () => {
  const kept = new KeptPayments({ ...options, keptProofs: 2 })
  for (const first of [0, 1, 2]) kept.keep(at(first), proof, viewOf(10, 28), 0)
  assert.equal(kept.size, 2)
  for (const now of [1, 2]) assert.equal(atOnce(kept.unheard(viewOf(100, 128), now)).length, 2)
})

test('bounded by bytes and age: the oldest leave, and what is not held any more', () => {
  const kept = new KeptPayments({ ...options, keptProofBytes: 3000 })
  for (const first of [0, 1, 2, 3]) kept.keep(at(first), proof, viewOf(10, 28), first)
  assert.deepEqual([kept.size, kept.bytes], [3, 3000])
  kept.keep(at(3), proof, viewOf(10, 28), 9)
  assert.equal(kept.size, 3, 'kept once')
  kept.forget(at(2))
  assert.deepEqual([keys(kept, viewOf(100, 128), 10), kept.bytes], [[at(1), at(3)], 2000])
  assert.deepEqual(keys(kept, viewOf(150, 178), 1 + options.keptProofMs), [at(3)])
  assert.equal(kept.bytes, 1000)
  kept.keep(at(4), proof, viewOf(10, 28), 7 * hour)
  assert.deepEqual([kept.size, kept.bytes], [1, 1000])
  kept.keep(at(5), new Uint8Array(4000), viewOf(10, 28), 7 * hour)
  assert.deepEqual([kept.size, kept.bytes], [0, 0], 'one that is too large is not kept')
})
