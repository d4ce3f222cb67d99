import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { AddressIndex } from '../../../src/storage/address-index.ts'

const address = (n: number) => chunkAddressOf(new Uint8Array(32).fill(n))

test('any history of additions and removals leaves a sorted set', () => {
  const action = fc.tuple(fc.constantFrom('add', 'delete'), fc.integer({ min: 0, max: 20 }))
  fc.assert(
    fc.property(fc.array(action), (actions) => {
      const index = new AddressIndex()
      const model = new Set<string>()
      for (const [what, n] of actions) {
        if (what === 'add') {
          assert.equal(index.add(address(n)), !model.has(address(n)))
          model.add(address(n))
        } else assert.equal(index.delete(address(n)), model.delete(address(n)))
        assert.equal(index.has(address(n)), model.has(address(n)))
      }
      assert.equal(index.size, model.size)
      assert.deepEqual([...index.keys()], [...model].sort())
    }),
  )
})

test('what stays through a walk is seen once, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.array(fc.integer({ min: 0, max: 30 })), (at, changes) => {
      const index = new AddressIndex()
      index.fill(at.map(address))
      const touched = new Set(changes)
      const seen: string[] = []
      let next = 0
      for (const found of index.keys()) {
        seen.push(found)
        const change = changes[next++]
        if (change !== undefined && !index.delete(address(change))) index.add(address(change))
      }
      assert.deepEqual(seen, [...new Set(seen)].sort())
      for (const n of new Set(at)) if (!touched.has(n)) assert.ok(seen.includes(address(n)))
    }),
  )
})
