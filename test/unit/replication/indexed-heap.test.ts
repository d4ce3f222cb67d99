import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { FairShare } from '../../../src/replication/verify/fair-share.ts'
import { IndexedHeap } from '../../../src/replication/verify/indexed-heap.ts'
import { forSeeds, many, pick } from './support/seeds.ts'

test('a heap gives the least of what is in it, whatever left from the middle', () => {
  forSeeds(50, (random) => {
    const heap = new IndexedHeap<'place', { value: number; place: number }>('place', (a, b) => a.value < b.value)
    const items = many(100, () => ({ value: randomBelow(random, 50), place: -1 }))
    for (let step = 0; step < 500; step++) {
      const item = pick(random, items)
      if (heap.has(item)) assert.ok(heap.delete(item) && !heap.delete(item))
      else {
        item.value = randomBelow(random, 50)
        heap.push(item)
      }
      const inside = items.filter(({ place }) => place >= 0)
      assert.equal(heap.size, inside.length)
      assert.equal(heap.peek()?.value, inside.length === 0 ? undefined : Math.min(...inside.map(({ value }) => value)))
    }
    let last = -1
    for (let item = heap.pop(); item; item = heap.pop()) {
      assert.ok(item.value >= last)
      last = item.value
    }
  })
})

test('fair share knows who holds most, whatever comes and goes', () => {
  forSeeds(50, (random) => {
    const shares = new FairShare<number, { payer: number | undefined; payerIndex: number }>()
    const items = many(60, () => ({ payer: undefined as number | undefined, payerIndex: -1 }))
    for (let step = 0; step < 400; step++) {
      const item = pick(random, items)
      if (item.payer === undefined) shares.add(item, randomBelow(random, 6))
      else shares.remove(item)
      const counts = many(6, () => 0)
      for (const { payer } of items) if (payer !== undefined) counts[payer] = (counts[payer] as number) + 1
      for (const [source, count] of counts.entries()) assert.equal(shares.held(source), count)
      const largest = shares.largest()
      assert.equal(largest === undefined ? 0 : counts[largest], Math.max(...counts))
    }
    for (const item of items) shares.remove(item)
    assert.deepEqual([shares.total, shares.sources, shares.largest()], [0, 0, undefined])
  })
})
