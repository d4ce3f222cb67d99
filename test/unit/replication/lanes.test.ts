import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB, randomBelow, second } from '../../../src/base/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { type Departure, LANE_DEFAULTS, LANES, LaneScheduler } from '../../../src/replication/traffic/lanes.ts'
import { createPools, poolLimits, WorkPool } from '../../../src/replication/traffic/work-pool.ts'
import { forSeeds, many, peerAt, pick } from './support/seeds.ts'

const [ALICE, BOB, CAROL] = [peerAt(1), peerAt(2), peerAt(3)]

test('the background gives way within one message: a read that arrives is next, nothing below starts while it waits', () => {
  const lanes = new LaneScheduler<string>(LANE_DEFAULTS, 0)
  for (let i = 0; i < 20; i++) lanes.offer('spread', 4 * MiB, `offer ${i}`)
  const started: Departure<string>[] = []
  for (let next = lanes.next(0); next; next = lanes.next(0)) started.push(next)
  assert.equal(started.length, 4)
  for (let i = 0; i < 5; i++) lanes.offer('get', 4 * MiB, `get ${i}`)
  started[0]?.done(1)
  const gets = many(4, () => lanes.next(1)?.item)
  assert.deepEqual(gets, ['get 0', 'get 1', 'get 2', 'get 3'])
  for (const offer of started.slice(1)) offer.done(2)
  assert.equal(lanes.next(2), undefined, 'the fifth read waits for bytes, and offers wait for the read')
})

test('while reads move bytes the lanes below fall to one message at a time, and recover', () => {
  const lanes = new LaneScheduler<number>(LANE_DEFAULTS, 0)
  lanes.offer('get', MiB, 0)
  const get = lanes.next(0)
  assert.equal(lanes.budget('get', second), 16 * MiB)
  assert.equal(lanes.budget('spread', second), LANE_DEFAULTS.leastBytes)
  for (let i = 0; i < 3; i++) lanes.offer('spread', 4 * MiB, i)
  const only = lanes.next(second)
  assert.deepEqual([only?.item, lanes.next(second)], [0, undefined])
  get?.done(second)
  only?.done(second)
  lanes.next(second)?.done(second)
  lanes.next(second)?.done(second)
  assert.equal(lanes.budget('spread', 4 * second), 16 * MiB)
})

test('budgets follow the time that passed, wherever the clock stands, and a clock that stands still changes nothing', () => {
  const start = 1000 * second
  const lanes = new LaneScheduler<number>(LANE_DEFAULTS, start)
  lanes.offer('audit', MiB, 0)
  lanes.next(start)
  assert.equal(lanes.budget('spread', start), 16 * MiB)
  assert.equal(lanes.budget('spread', start + 50), 8 * MiB)
  assert.equal(lanes.budget('spread', start), 8 * MiB)
  assert.equal(lanes.budget('spread', start + 100), 4 * MiB)
  assert.equal(lanes.budget('get', start + 100), 4 * MiB)
})

test('a message larger than the budget passes alone; pings press nobody', () => {
  const lanes = new LaneScheduler<number>(LANE_DEFAULTS, 0)
  lanes.offer('control', 1000, 0)
  lanes.next(0)
  lanes.offer('scan', 100 * MiB, 1)
  assert.equal(lanes.next(9 * second)?.item, 1)
  assert.equal(lanes.budget('spread', 9 * second), 16 * MiB)
})

test('lanes are bounded, serve in strict order and return every byte', () => {
  forSeeds(40, (random) => {
    const lanes = new LaneScheduler<number>(LANE_DEFAULTS, 0)
    const moving: Departure<number>[] = []
    let now = 0
    for (let step = 0; step < 400; step++) {
      now += randomBelow(random, 20)
      const lane = pick(random, LANES)
      const offered = lanes.offer(lane, randomBelow(random, 5 * MiB), step)
      assert.ok(offered || lanes.waiting(lane) === LANE_DEFAULTS.lanes[lane].queue)
      const highest = LANES.find((each) => lanes.waiting(each) > 0)
      const next = randomBelow(random, 2) === 0 ? lanes.next(now) : undefined
      if (next) {
        assert.equal(next.lane, highest)
        moving.push(next)
      }
      if (moving.length > 0 && randomBelow(random, 2) === 0) {
        const [left] = moving.splice(randomBelow(random, moving.length), 1)
        left?.done(now)
        left?.done(now)
      }
      for (const each of LANES) {
        const alone = moving.filter((other) => other.lane === each).length <= 1
        assert.ok(alone || lanes.moving(each) <= LANE_DEFAULTS.lanes[each].bytes)
      }
    }
    for (
      let rounds = 0;
      rounds < 1000 && (moving.length > 0 || LANES.some((lane) => lanes.waiting(lane) > 0));
      rounds++
    ) {
      for (const each of moving.splice(0)) each.done(now)
      for (let next = lanes.next(now); next; next = lanes.next(now)) moving.push(next)
    }
    for (const lane of LANES) assert.deepEqual([lanes.waiting(lane), lanes.moving(lane)], [0, 0])
  })
})

test('the table of 4.2, with more room to wait for what a stock peer charges us when it is lost', () => {
  const rows = Object.entries(poolLimits(options)).map(([kind, { outstanding, workers, perPeer, ageMs }]) => [
    kind,
    ...[outstanding, workers, perPeer, ageMs / second],
  ])
  assert.deepEqual(rows, [
    ['freshOffer', 16, 4, 12, 300],
    ['paidNotify', 64, 2, 16, 1200],
    ['fetch', 256, 3, 64, 30],
    ['verification', 16, 2, 2, 15],
    ['sync', 16, 2, 2, 15],
    ['digestChallenge', 32, 32, 8, 4],
    ['sliceOrPin', 32, 32, 4, 4],
    ['subtreeRound', 32, 2, 1, 4],
    ['pointerServe', 128, 32, 16, 15],
    ['pointerOffer', 16, 16, 16, 300],
  ])
})

test('28.4 sync flood: one of a peer runs, one waits, the rest is dropped; others have their place', () => {
  const pool = new WorkPool<string>(poolLimits(options).sync)
  const offered = ['a', 'b', 'c', 'd'].map((item) => pool.offer(ALICE, item, 0))
  assert.deepEqual(offered, [true, true, false, false])
  assert.ok(pool.offer(BOB, 'e', 0) && pool.offer(CAROL, 'f', 0))
  const [first, second] = [pool.start(0), pool.start(0)]
  assert.deepEqual([first?.item, second?.item, pool.start(0)], ['a', 'e', undefined])
  assert.equal(pool.offer(ALICE, 'g', 0), false)
  first?.done()
  first?.done()
  // Its next request came before its last answer was gone, as those of stock peers do.
  assert.ok(pool.offer(ALICE, 'g', 0))
  assert.equal(pool.start(0)?.item, 'b')
  assert.equal(pool.start(0), undefined)
})

test('a peer that asks for all it can leaves workers to the others', () => {
  const pool = new WorkPool<number>(poolLimits(options).fetch)
  for (let i = 0; i < 70; i++) assert.equal(pool.offer(ALICE, i, 0), i < 64, `fetch ${i}`)
  const running = [pool.start(0), pool.start(0)]
  assert.deepEqual([running.map((each) => each?.item), pool.start(0)], [[0, 1], undefined])
  assert.ok(pool.offer(BOB, 100, 0))
  assert.equal(pool.start(0)?.item, 100)
  running[0]?.done()
  assert.equal(pool.start(0)?.item, 2)
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
  const pools = createPools<number>(options)
  const peers = many(8, () => 0).map((_, i) => peerAt(i + 1))
  let taken = 0
  for (const peer of peers)
    for (let i = 0; i < 12; i++)
      taken += pools[i % 3 === 0 ? 'sliceOrPin' : 'digestChallenge'].offer(peer, i, 0) ? 1 : 0
  assert.equal(taken, 32)
  for (let next = pools.sliceOrPin.start(0); next; next = pools.sliceOrPin.start(0)) next.done()
  assert.ok(pools.digestChallenge.offer(peers[7] as PeerId, 0, 0))
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
