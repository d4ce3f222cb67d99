import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow, second } from '../../../src/base/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { createPools, poolLimits, WorkPool } from '../../../src/replication/traffic/work-pool.ts'
import { forSeeds, many, peerAt, pick } from './support/seeds.ts'

const [ALICE, BOB, CAROL] = [peerAt(1), peerAt(2), peerAt(3)]

test('the table of 4.2, with more room for requests that wait', () => {
  const rows = Object.entries(poolLimits(options)).map(([kind, { outstanding, workers, perPeer, ageMs }]) => [
    kind,
    ...[outstanding, workers, perPeer, ageMs / second],
  ])
  assert.deepEqual(rows, [
    ['freshOffer', 16, 4, 12, 300],
    ['paidNotify', 64, 2, 16, 1200],
    ['fetch', 256, 3, 64, 30],
    ['verification', 32, 2, 1, 15],
    ['sync', 32, 2, 1, 15],
    ['digestChallenge', 32, 32, 8, 4],
    ['sliceOrPin', 32, 32, 4, 4],
    ['subtreeRound', 2, 2, 1, 4],
    ['pointerServe', 128, 32, 16, 15],
    ['pointerOffer', 16, 16, 16, 300],
  ])
})

test('28.4 sync flood: one of a peer outstanding, the rest is dropped; others have their place', () => {
  const pool = new WorkPool<string>(poolLimits(options).sync)
  assert.deepEqual([pool.offer(ALICE, 'a', 0), pool.offer(ALICE, 'b', 0), pool.offer(BOB, 'c', 0)], [true, false, true])
  assert.ok(pool.offer(CAROL, 'd', 0))
  const [first, second] = [pool.start(0), pool.start(0)]
  assert.deepEqual([first?.item, second?.item, pool.start(0)], ['a', 'c', undefined])
  assert.equal(pool.offer(ALICE, 'e', 0), false)
  first?.done()
  first?.done()
  assert.ok(pool.offer(ALICE, 'e', 0))
  assert.equal(pool.start(0)?.item, 'd')
  assert.equal(pool.start(0), undefined)
})

test('a request that comes with the answer to the last one has a place, and runs when that answer has gone', () => {
  const pool = new WorkPool<string>(poolLimits(options).sync)
  pool.offer(ALICE, 'a', 0)
  const first = pool.start(0)
  assert.equal(pool.offer(ALICE, 'b', 0), false)
  first?.free()
  assert.deepEqual([pool.offer(ALICE, 'c', 0), pool.offer(ALICE, 'd', 0)], [true, false])
  assert.equal(pool.start(0), undefined, 'a peer that does not read its answer gets no other')
  first?.done()
  assert.equal(pool.start(0)?.item, 'c')
  assert.equal(pool.offer(ALICE, 'e', 0), false, 'its place was given back once')
})

test('what waited longer than its sender does is discarded without an answer', () => {
  const pool = new WorkPool<string>(poolLimits(options).verification)
  pool.offer(ALICE, 'old', 0)
  pool.offer(BOB, 'new', second)
  assert.equal(pool.start(15 * second)?.item, 'new')
  assert.equal(pool.discarded, 1)
  assert.ok(pool.offer(ALICE, 'again', 15 * second))
})

test('digests, slices and pins share 32 places', () => {
  const pools = createPools<number>(options, () => true)
  const peers = many(8, () => 0).map((_, i) => peerAt(i + 1))
  let taken = 0
  for (const peer of peers)
    for (let i = 0; i < 12; i++)
      taken += pools[i % 3 === 0 ? 'sliceOrPin' : 'digestChallenge'].offer(peer, i, 0) ? 1 : 0
  assert.equal(taken, 32)
  for (let next = pools.sliceOrPin.start(0); next; next = pools.sliceOrPin.start(0)) next.done()
  assert.ok(pools.digestChallenge.offer(peers[7] as PeerId, 0, 0))
})

test('a few neighbours that ask for all they may leave places for audits to the others', () => {
  for (const greedy of [1, 2, 4, 8]) {
    const pools = createPools<number>(options, () => true)
    const attackers = many(greedy, () => 0).map((_, i) => peerAt(i + 1))
    for (let turn = 0; turn < 12; turn++)
      for (const peer of attackers) {
        pools.digestChallenge.offer(peer, turn, 0)
        pools.sliceOrPin.offer(peer, turn, 0)
      }
    for (const peer of [peerAt(100), peerAt(101)])
      assert.ok(pools.digestChallenge.offer(peer, 0, 0), `${greedy} greedy peers`)
  }
})

test('all strangers together have half of the places for audits, and count as one peer', () => {
  const pools = createPools<number>(options, (peer) => peer === ALICE || peer === BOB)
  const strangers = many(6, () => 0).map((_, i) => peerAt(i + 10))
  const flood = () => {
    let taken = 0
    for (const [i, peer] of strangers.entries())
      for (let n = 0; n < 8; n++)
        taken += pools[i % 2 === 0 ? 'sliceOrPin' : 'digestChallenge'].offer(peer, n, 0) ? 1 : 0
    return taken
  }
  assert.equal(flood(), 16)
  const challenges = (peer: PeerId) => many(8, () => pools.digestChallenge.offer(peer, 0, 0)).filter(Boolean).length
  assert.deepEqual([challenges(ALICE), challenges(BOB)], [8, 4], 'and four are left')
  for (let next = pools.sliceOrPin.start(0); next; next = pools.sliceOrPin.start(0)) next.done()
  for (let next = pools.digestChallenge.start(0); next; next = pools.digestChallenge.start(0)) next.done()
  assert.deepEqual([challenges(ALICE), challenges(BOB), flood()], [8, 8, 8])
})

test('of the two places for rounds of subtree audits strangers get one', () => {
  const pools = createPools<number>(options, (peer) => peer === ALICE || peer === BOB)
  const [first, second] = [peerAt(10), peerAt(11)]
  const offer = (peer: PeerId) => pools.subtreeRound.offer(peer, 0, 0)
  assert.deepEqual([offer(first), offer(second), offer(ALICE), offer(BOB)], [true, false, true, false])
  const running = many(2, () => pools.subtreeRound.start(0))
  running[0]?.free()
  assert.equal(offer(second), false, 'the answer has not gone')
  running[0]?.done()
  assert.equal(offer(second), true)
})

test('an audit holds its place until the answer has gone', () => {
  const pools = createPools<number>(options, () => false)
  const offer = () => pools.digestChallenge.offer(ALICE, 0, 0)
  assert.equal(many(9, offer).filter(Boolean).length, 8)
  const running = many(8, () => pools.digestChallenge.start(0))
  for (const each of running) each?.free()
  assert.equal(offer(), false, 'a stranger that reads no answer has 8 places all the same')
  for (const each of running) each?.done()
  assert.equal(many(9, offer).filter(Boolean).length, 8)
})

test('pools: counters return to zero on every path', () => {
  forSeeds(20, (random) => {
    const pool = new WorkPool<number>({ outstanding: 5, workers: 2, perPeer: 2, ageMs: 50 })
    const running: { done: () => void }[] = []
    let now = 0
    for (let i = 0; i < 300; i++) {
      now += randomBelow(random, 20)
      pool.offer(pick(random, [ALICE, BOB, CAROL]), i, now)
      const next = randomBelow(random, 2) === 0 ? pool.start(now) : undefined
      if (next) running.push(next)
      if (randomBelow(random, 2) === 0) running.shift()?.done()
      assert.ok(pool.waiting + pool.running <= 5 && pool.running <= 2)
    }
    for (const each of running) each.done()
    for (let next = pool.start(now); next; next = pool.start(now)) next.done()
    assert.deepEqual([pool.waiting, pool.running], [0, 0])
    for (const peer of [ALICE, ALICE, BOB, BOB, CAROL]) assert.ok(pool.offer(peer, 0, now))
  })
})
