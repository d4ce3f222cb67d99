import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { keyOf } from '../../../src/protocol/index.ts'
import { DhtWorld } from './support/world.ts'

const seeds = (world: DhtWorld) => [
  { address: (world.members[0] as { network: { localAddress: { ip: string; port: number } } }).network.localAddress },
]

test('ten nodes with one seed find each other, publish, and see the same close group', async () => {
  const world = new DhtWorld(7)
  const first = world.add()
  await world.run(() => first.dht.start(never))
  assert.equal(first.dht.bootstrapped, false)
  for (let i = 1; i < 10; i++) world.add({ seeds: seeds(world) })
  for (const { dht } of world.members.slice(1)) await world.run(() => dht.start(never))
  await world.world.advance(20_000)
  for (const { dht } of world.members) {
    assert.equal(dht.tableSize, 9)
    assert.equal(dht.bootstrapped, true)
  }
  const target = keyOf(world.members[3]!.peer)
  const results = await world.run(() =>
    Promise.all(world.members.map(({ dht }) => dht.lookup(target, 7, { signal: never }))),
  )
  for (const { closest } of results) {
    assert.deepEqual(
      closest.map(({ peer }) => peer),
      results[0]!.closest.map(({ peer }) => peer),
    )
    assert.equal(closest[0]!.peer, world.members[3]!.peer)
  }
  for (const { peer } of world.members.slice(1))
    assert.ok(first.dht.signedRecordOf(peer), 'V2 of each neighbour is stored')
  await world.stop()
})
