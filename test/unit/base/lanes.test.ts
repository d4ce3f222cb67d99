import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Departure,
  type LaneLimits,
  LaneScheduler,
  type LaneTable,
  randomBelow,
  seededRandom,
} from '../../../src/base/index.ts'

const NONE = Number.POSITIVE_INFINITY
const LIMITS: LaneLimits = {
  ...{ waiting: 100, load: NONE, ownerLoad: NONE, holdMs: 1000, presses: true, patienceMs: 0, share: 0 },
}
type Lane = 'ping' | 'read' | 'copy' | 'scan'
const TABLE: LaneTable<Lane> = {
  restMs: 50,
  calmMs: 500,
  lanes: {
    ping: { ...LIMITS, presses: false },
    read: LIMITS,
    copy: { ...LIMITS, load: 10, ownerLoad: 10, patienceMs: 5000, share: 1 / 8 },
    scan: { ...LIMITS, load: 4, presses: false, patienceMs: 10_000 },
  },
}

function scene(table: LaneTable<Lane> = TABLE) {
  const lanes = new LaneScheduler<Lane, string>(table)
  let count = 0
  const offer = (lane: Lane, weight: number, now: number, owner = 'a') => {
    const item = `${lane} ${count++}`
    assert.ok(lanes.offer(lane, weight, owner, item, now), item)
    return item
  }
  const all = (now: number): Departure<Lane, string>[] => {
    const started: Departure<Lane, string>[] = []
    for (let next = lanes.next(now); next; next = lanes.next(now)) started.push(next)
    return started
  }
  return { lanes, offer, all }
}
const items = (started: readonly Departure<Lane, string>[]) => started.map(({ entry }) => entry.item)

test('the background gives way within one message: what is on its way ends, nothing new starts while reads move', () => {
  const { lanes, offer, all } = scene()
  for (let i = 0; i < 4; i++) offer('copy', 6, 0)
  const [copy] = all(0)
  assert.equal(lanes.moving('copy'), 6, 'one message of more than half of the limit')
  const reads = [offer('read', 6, 1), offer('read', 6, 1)]
  const [first, second] = all(1)
  assert.deepEqual([first?.entry.item, second?.entry.item], reads, 'reads start at once')
  copy?.done(2)
  assert.deepEqual(all(2), [])
  first?.done(3)
  assert.deepEqual(all(3), [], 'a read still moves')
  second?.done(4)
  assert.equal(lanes.nextAt(4), 54)
  assert.deepEqual(all(53), [], 'the next read may be a round trip away')
  assert.equal(all(54).length, 1)
})

test('small traffic that presses nobody holds up nobody, and is held up by nobody', () => {
  const { offer, all } = scene()
  offer('ping', 1, 0)
  offer('copy', 5, 0)
  offer('read', 5, 0)
  offer('ping', 1, 0)
  assert.deepEqual(items(all(0)), ['ping 0', 'ping 3', 'read 2'])
  assert.deepEqual(all(1), [])
})

test('the background is never starved: a share of what passes above it, and one message each time patience is over', () => {
  const { lanes, offer, all } = scene()
  let read = [offer('read', 8, 0), ...all(0)].at(-1) as Departure<Lane, string>
  for (let i = 0; i < 5; i++) offer('copy', 8, 0)
  const passed: number[] = []
  for (let now = 1; now < 20; now++) {
    offer('read', 8, now)
    const [next, ...others] = all(now)
    read.done(now)
    read = next as Departure<Lane, string>
    for (const each of others) {
      passed.push(now)
      each.done(now)
    }
  }
  assert.deepEqual(passed, [7, 15], 'one of nine')
  const woken: number[] = []
  for (let at = lanes.nextAt(20) ?? 0; at < 5015; at = lanes.nextAt(at) ?? 0) {
    woken.push(at)
    assert.deepEqual(all(at), [], 'a read moves')
  }
  assert.ok(woken.length <= 2, 'rest and calm')
  assert.equal(items(all(5015)).length, 1)
  assert.deepEqual(all(5016), [], 'patience starts anew with each')
})

test('after a read only one message at a time is under way below, until times are calm', () => {
  const { lanes, offer, all } = scene()
  for (let i = 0; i < 4; i++) offer('copy', 5, 0)
  const before = all(0)
  assert.equal(before.length, 2)
  offer('read', 5, 1)
  all(1)[0]?.done(10)
  for (const copy of before) copy.done(20)
  assert.equal(lanes.nextAt(20), 60)
  assert.equal(all(60).length, 1)
  assert.deepEqual(all(61), [])
  assert.equal(lanes.nextAt(61), 510)
  assert.equal(all(510).length, 1)
})

test('owners take turns, and one at its limit holds up none but itself', () => {
  const { offer, all } = scene({ ...TABLE, lanes: { ...TABLE.lanes, read: { ...LIMITS, ownerLoad: 10 } } })
  for (let i = 0; i < 3; i++) offer('read', 5, 0, 'greedy')
  offer('read', 5, 0, 'modest')
  const started = all(0)
  assert.deepEqual(items(started), ['read 0', 'read 3', 'read 1'])
  started[0]?.done(1)
  assert.deepEqual(items(all(1)), ['read 2'])
})

test('who is slow by himself presses nobody and takes no place, but keeps his own share used', () => {
  const { lanes, offer, all } = scene()
  offer('read', 8, 0)
  const [read] = all(0)
  offer('copy', 8, 0, 'slow')
  offer('copy', 8, 0, 'slow')
  offer('copy', 8, 0, 'quick')
  read?.slow(1000)
  const [copy] = all(1050)
  assert.equal(copy?.entry.owner, 'slow')
  copy?.slow(4050)
  assert.deepEqual(
    all(4050).map(({ entry }) => entry.owner),
    ['quick'],
    'the second one of the slow waits for its first',
  )
  assert.equal(lanes.moving('copy'), 16)
  read?.done(4060)
  copy?.done(4060)
  copy?.slow(4060)
  assert.equal(lanes.moving('copy'), 8)
})

test('a message above every limit passes alone', () => {
  const { offer, all } = scene()
  offer('scan', 3, 0)
  const [small] = all(0)
  offer('scan', 100, 0)
  assert.deepEqual(all(0), [])
  small?.done(1)
  assert.equal(all(1).length, 1)
})

test('lanes are bounded, keep their order and limits, and give every weight back', () => {
  const seeds = process.env['MYRMEX_TEST_SEED']
  for (const seed of seeds === undefined ? Array.from({ length: 40 }, (_, i) => 1000 + i) : [Number(seeds)]) {
    const random = seededRandom(seed)
    const limits = { ...TABLE.lanes, read: { ...LIMITS, ownerLoad: 20, waiting: 5 } }
    const lanes = new LaneScheduler<Lane, number>({ ...TABLE, lanes: limits })
    const moving: Departure<Lane, number>[] = []
    const waiting: NonNullable<ReturnType<typeof lanes.offer>>[] = []
    let now = 0
    for (let step = 0; step < 400; step++) {
      now += randomBelow(random, 40)
      const lane = lanes.lanes[randomBelow(random, 4)] as Lane
      const owner = `${randomBelow(random, 3)}`
      const entry = lanes.offer(lane, 1 + randomBelow(random, 12), owner, step, now)
      if (entry) waiting.push(entry)
      else assert.equal(lanes.waiting(lane), limits[lane].waiting, `seed ${seed}`)
      for (let next = lanes.next(now); next; next = lanes.next(now)) {
        const { entry } = next
        moving.push(next)
        waiting.splice(waiting.indexOf(entry), 1)
        const own = moving.filter((each) => each.entry.lane === entry.lane && each.entry.owner === entry.owner)
        const weight = own.reduce((sum, each) => sum + each.entry.weight, 0)
        assert.ok(own.length === 1 || weight <= limits[entry.lane].ownerLoad, `seed ${seed}: share of an owner`)
      }
      assert.ok((lanes.nextAt(now) ?? now) >= now, `seed ${seed}`)
      if (waiting.length > 0 && randomBelow(random, 5) === 0) {
        const [gone] = waiting.splice(randomBelow(random, waiting.length), 1)
        assert.ok(gone && lanes.withdraw(gone) && !lanes.withdraw(gone), `seed ${seed}`)
      }
      if (moving.length > 0 && randomBelow(random, 2) === 0) {
        const [left] = moving.splice(randomBelow(random, moving.length), 1)
        if (randomBelow(random, 2) === 0) left?.slow(now)
        left?.done(now)
        left?.done(now)
      }
    }
    for (let rounds = 0; rounds < 2000 && waiting.length + moving.length > 0; rounds++) {
      now = lanes.nextAt(now) ?? now
      for (const each of moving.splice(0)) each.done(now)
      for (let next = lanes.next(now); next; next = lanes.next(now)) {
        waiting.splice(waiting.indexOf(next.entry), 1)
        moving.push(next)
      }
    }
    for (const lane of lanes.lanes)
      assert.deepEqual([lanes.waiting(lane), lanes.waitingWeight(lane), lanes.moving(lane)], [0, 0, 0], `seed ${seed}`)
  }
})
