import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomBelow, seededRandom } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
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

test('thousands of addresses: blocks are cut and joined, and order and walks hold', () => {
  const seed = 20261127
  const dice = seededRandom(seed)
  const anything = () => chunkAddressOf(dice.bytes(32))
  const index = new AddressIndex()
  const model = new Set<ChunkAddress>(Array.from({ length: 3000 }, anything))
  index.fill(model)
  const check = () => assert.deepEqual([...index.keys()], [...model].sort(), `seed ${seed}`)
  const change = (add: boolean) => {
    // A narrow range now and then, so that single blocks fill up and run empty.
    const name = randomBelow(dice, 3) === 0 ? (`aa${anything().slice(2)}` as ChunkAddress) : anything()
    const members = [...model]
    const one = add ? name : (members[randomBelow(dice, members.length)] as ChunkAddress)
    if (add) assert.equal(index.add(one), !model.has(one))
    else assert.equal(index.delete(one), true)
    if (add) model.add(one)
    else model.delete(one)
  }
  for (let i = 0; i < 2000; i++) change(true)
  check()
  // A walk among changes: what stays is seen once, in order.
  const before = new Set(model)
  const seen: ChunkAddress[] = []
  for (const found of index.keys()) {
    seen.push(found)
    change(randomBelow(dice, 2) === 0)
  }
  assert.deepEqual(seen, [...new Set(seen)].sort(), `seed ${seed}`)
  const visited = new Set(seen)
  for (const name of before) if (model.has(name)) assert.ok(visited.has(name), `seed ${seed}: ${name}`)
  while (model.size > 100) change(false)
  check()
  while (model.size > 0) change(false)
  check()
  assert.equal(index.size, 0)
  assert.equal(index.add(anything()), true)
  assert.equal([...index.keys()].length, 1)
})
