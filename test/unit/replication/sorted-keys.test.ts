import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { type ChunkAddress, keyOf } from '../../../src/protocol/index.ts'
import { keyText } from '../../../src/replication/view/key-bytes.ts'
import { SortedKeys } from '../../../src/replication/view/sorted-keys.ts'
import { address, forSeeds, many, pick } from './support/seeds.ts'

function contents(keys: SortedKeys, from = new Uint8Array(32)): [ChunkAddress, number][] {
  const all: [ChunkAddress, number][] = []
  for (const cursor = keys.seek(from); !cursor.atEnd; cursor.advance())
    all.push([keyText(cursor.bytes, cursor.offset), cursor.flags])
  return all
}

test('an ordered map of keys to flags, as a Map that is sorted when it is read', () => {
  forSeeds(12, (random) => {
    const keys = new SortedKeys()
    const model = new Map<ChunkAddress, number>()
    const pool = many(3000, () => address(random))
    // Grows, shrinks and grows again, in random or in ascending order: blocks split, merge and fill up.
    for (const [part, growth] of [90, 10, 60, 0].entries()) {
      const order = part % 2 === 0 ? pool : pool.toSorted()
      for (const key of order) {
        const flags = randomBelow(random, 100) < growth ? 1 + randomBelow(random, 3) : 0
        assert.equal(keys.set(keyOf(key), flags), model.get(key) ?? 0)
        if (flags === 0) model.delete(key)
        else model.set(key, flags)
      }
      assert.equal(keys.size, model.size)
      const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
      assert.deepEqual(contents(keys), sorted)
      for (const key of many(50, () => pick(random, pool))) assert.equal(keys.get(keyOf(key)), model.get(key) ?? 0)
      const from = address(random)
      assert.deepEqual(
        contents(keys, keyOf(from)),
        sorted.filter(([key]) => key >= from),
      )
    }
    assert.equal(keys.size, 0)
  })
})

test('a cursor of an older version is refused', () => {
  const keys = new SortedKeys()
  forSeeds(1, (random) => {
    keys.set(keyOf(address(random)), 1)
    const cursor = keys.seek(new Uint8Array(32))
    keys.set(keyOf(address(random)), 1)
    assert.throws(() => cursor.advance(), /changed under a cursor/)
  })
})
