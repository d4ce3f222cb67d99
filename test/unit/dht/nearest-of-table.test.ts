/** The table finds the nearest bucket by bucket: the same as sorting everybody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow, seededRandom } from '../../../src/base/index.ts'
import { randomKeyInBucket } from '../../../src/dht/refresh.ts'
import { RoutingTable } from '../../../src/dht/routing-table.ts'
import { compareDistance, type Key, peerIdOf } from '../../../src/protocol/index.ts'

test('nearest entries and responsibility agree with the definition, wherever the target lies', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const self = random.bytes(32) as Key
    const table = new RoutingTable(peerIdOf(self), { bucketSize: 20, now: 0 })
    const depth = 1 + randomBelow(random, 12)
    const wanted = randomBelow(random, 120)
    for (let i = 0; i < wanted; i++) {
      const key = randomKeyInBucket(self, randomBelow(random, depth), random) as Key
      if (table.bucketOf(key).size < table.bucketSize)
        table.insert({ peer: peerIdOf(key), key, addresses: [], lastSeen: i, publication: undefined })
    }
    // Some leave again, so that deep buckets are empty.
    for (const { peer } of table.entries()) if (random.float() < 0.2) table.remove(peer)
    const targets = [self, random.bytes(32) as Key, randomKeyInBucket(self, 255, random) as Key]
    for (let i = 0; i < 14; i++) targets.push(randomKeyInBucket(self, i, random) as Key)
    for (const { key } of table.entries().slice(0, 3)) targets.push(key)
    for (const target of targets) {
      const sorted = table.entries().sort((a, b) => compareDistance(target, a.key, b.key))
      for (const count of [0, 1, 7, 20, 1000])
        assert.deepEqual(table.closest(target, count), sorted.slice(0, count), `seed ${seed}, count ${count}`)
      const nearer = sorted.filter(({ key }) => compareDistance(target, key, self) < 0).length
      for (const width of [0, 1, nearer, nearer + 1, 20])
        assert.equal(table.isResponsible(target, width), nearer < width, `seed ${seed}, width ${width}`)
    }
  }
})
