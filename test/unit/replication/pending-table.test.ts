import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, minute, randomBelow, second } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import { type PendingOptions, PendingTable } from '../../../src/replication/verify/pending-table.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

const open = (overrides: Partial<PendingOptions> = {}) => new PendingTable({ ...REPLICATION_DEFAULTS, ...overrides })
const [ALICE, BOB, CAROL] = [peerAt(1), peerAt(2), peerAt(3)]

test('scenario 8: a second hint adds a source, never an entry; the replica pipeline wins', () => {
  const table = open()
  assert.equal(table.add(at(1), 'paidOnly', ALICE, 0), 'added')
  assert.equal(table.add(at(1), 'replica', BOB, 1), 'known')
  assert.equal(table.add(at(1), 'paidOnly', BOB, 2), 'known')
  assert.equal(table.size, 1)
  const [entry] = table.takeDue(2, 10)
  assert.equal(entry?.pipeline, 'replica')
  assert.deepEqual(entry?.hinters, [
    { peer: ALICE, replica: false },
    { peer: BOB, replica: true },
  ])
  assert.deepEqual(table.takeDue(2, 10), [])
})

test('a source that hints the key both ways is one source, and a replica one', () => {
  const table = open()
  for (const [source, pipeline] of [
    [ALICE, 'paidOnly'],
    [BOB, 'replica'],
    [ALICE, 'replica'],
    [BOB, 'paidOnly'],
  ] as const)
    table.add(at(1), pipeline, source, 0)
  table.add(at(1), 'paidOnly', CAROL, 0)
  const hinters = table.get(at(1))?.hinters.map(({ peer, replica }) => [peer, replica])
  assert.deepEqual(hinters, [
    [ALICE, true],
    [BOB, true],
    [CAROL, false],
  ])
})

test('a loss is reported once for an entry, and a key that comes back from the fetch queue was reported', () => {
  const table = open()
  assert.equal(table.reportLoss(at(1)), false)
  table.add(at(1), 'replica', ALICE, 0)
  assert.deepEqual([table.reportLoss(at(1)), table.reportLoss(at(1))], [true, false])
  const left = table.delete(at(1))
  assert.ok(left && table.restore(left, 0) && !table.restore(left, 0))
  assert.equal(table.reportLoss(at(1)), false)
})

test('no room for a key that comes back: its first source is told to hint again', () => {
  const table = open({ pendingEntries: 1 })
  table.add(at(1), 'replica', ALICE, 0)
  const left = table.delete(at(1))
  table.add(at(2), 'replica', ALICE, 0)
  assert.ok(left && !table.restore(left, 0))
  assert.deepEqual([table.size, table.capacityRejected(ALICE)], [1, true])
})

test('expiry runs in steps of the limit', () => {
  const table = open()
  for (let i = 0; i < 5; i++) table.add(at(i), 'replica', ALICE, 0)
  assert.deepEqual([table.expire(30 * minute, 2).length, table.expire(30 * minute, 9).length], [2, 3])
})

test('at most 8 sources of one key', () => {
  const table = open()
  for (let i = 1; i <= 20; i++) table.add(at(1), 'replica', peerAt(i), 0)
  assert.equal(table.get(at(1))?.hinters.length, 8)
})

test('scenario 16: back-off 15 s doubling to 5 min; capacity waits a flat 5 min and counts no attempt', () => {
  const table = open()
  table.add(at(1), 'replica', ALICE, 0)
  let now = 0
  const pauses: number[] = []
  for (let i = 0; i < 7; i++) {
    assert.equal(table.takeDue(now, 10).length, 1)
    table.retry(at(1), now)
    pauses.push(((table.nextDueAt as number) - now) / second)
    assert.deepEqual(table.takeDue((table.nextDueAt as number) - 1, 10), [])
    now = table.nextDueAt as number
  }
  assert.deepEqual(pauses, [15, 30, 60, 120, 240, 300, 300])
  table.takeDue(now, 1)
  table.block(at(1), now)
  assert.equal(table.nextDueAt, now + 5 * minute)
  assert.equal(table.get(at(1))?.attempts, 7)
})

test('what waits is due when it is woken; what is being verified is not taken twice, and ages and attempts stay', () => {
  const table = open()
  for (const n of [1, 2, 3]) table.add(at(n), 'replica', ALICE, 0)
  table.takeDue(0, 3)
  table.block(at(1), 0)
  table.retry(at(2), 0)
  atOnce(table.wake(1))
  assert.deepEqual(
    table.takeDue(1, 10).map(({ key, createdAt, attempts }) => [key, createdAt, attempts]),
    [
      [at(1), 0, 0],
      [at(2), 0, 1],
    ],
  )
  table.add(at(4), 'replica', BOB, 1)
  atOnce(table.wake(5))
  assert.equal(table.nextDueAt, 1, 'what is due already stays so')
})

test('scenario 10: after 30 minutes only a new hint revives a key; a fetch that came back keeps its age', () => {
  const table = open()
  table.add(at(1), 'replica', ALICE, 0)
  const left = table.delete(at(1))
  assert.ok(left)
  assert.equal(table.restore(left, 20 * minute), true)
  assert.equal(table.nextDueAt, 20 * minute + 15 * second)
  assert.deepEqual(table.expire(30 * minute - 1, 10), [])
  assert.deepEqual(table.expire(30 * minute, 10), [at(1)])
  assert.equal(table.restore(left, 30 * minute), false)
  assert.equal(table.add(at(1), 'replica', ALICE, 31 * minute), 'added')
})

test('due keys come in the order of their time and no more than the limit, others are not looked at', () => {
  forSeeds(10, (random) => {
    const table = open()
    const due = new Map<ChunkAddress, number>()
    for (let now = 0; now < 300; now++) {
      const key = address(random)
      table.add(key, 'replica', ALICE, now)
      due.set(key, now)
    }
    for (let now = 0; now < 400; now += 10) {
      const taken = table.takeDue(now, 8)
      assert.ok(taken.length <= 8)
      const times = taken.map(({ key }) => due.get(key) as number)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
      assert.ok(times.every((time) => time <= now))
    }
  })
})

test('28.4 one flooder, one honest peer: the honest hints are always admitted, the flooder is told to hint again', () => {
  const table = open({ pendingEntries: 1000 })
  forSeeds(1, (random) => {
    for (let i = 0; i < 5000; i++) table.add(address(random), 'replica', ALICE, i)
    assert.equal(table.size, 1000)
    assert.ok(table.capacityRejected(ALICE))
    for (let i = 0; i < 500; i++) assert.equal(table.add(address(random), 'paidOnly', BOB, i), 'added')
    assert.equal(table.add(address(random), 'replica', BOB, 0), 'overCapacity')
    assert.equal(table.heldBy(ALICE), 500)
    assert.equal(table.heldBy(BOB), 500)
    table.forgetRejection(ALICE)
    assert.deepEqual([...table.capacityRejectedSources], [BOB])
  })
})

test('a key that a modest peer hinted too is not lost with the share of the flooder', () => {
  const table = open({ pendingEntries: 10 })
  for (let i = 0; i < 10; i++) table.add(at(i), 'replica', ALICE, 0)
  for (let i = 8; i < 10; i++) table.add(at(i), 'replica', BOB, 0)
  table.add(at(100), 'replica', CAROL, 0)
  assert.ok(table.has(at(8)) && table.has(at(9)) && table.has(at(100)))
  assert.equal(table.heldBy(BOB), 2)
  assert.equal(table.heldBy(ALICE), 7)
})

test('28.4 a flood from many ids never passes the limit; bounds leave small working sets alone', () => {
  forSeeds(5, (random) => {
    const table = open({ pendingEntries: 500 })
    const honest = many(20, () => address(random))
    for (const key of honest) table.add(key, 'replica', BOB, 0)
    for (let i = 0; i < 20; i++) {
      const flooder = peerId(random)
      for (let j = 0; j < 100; j++) table.add(address(random), 'replica', flooder, 0)
      assert.ok(table.size <= 500)
    }
    assert.ok(honest.every((key) => table.has(key)))
  })
})

test('28.4 counters: after any mix of add, verify, retry, promote, evict and expire each is zero and the quota is free', () => {
  forSeeds(40, (random) => {
    const table = open({ pendingEntries: 30, pendingHinters: 3 })
    const sources = many(5, () => peerId(random))
    const keys = many(60, () => address(random))
    const out = new Map<ChunkAddress, Parameters<PendingTable['restore']>[0]>()
    let now = 0
    const held = () => sources.reduce((sum, source) => sum + table.heldBy(source), 0)
    for (let step = 0; step < 400; step++) {
      now += randomBelow(random, 2) === 0 ? 0 : randomBelow(random, 60 * second)
      const key = pick(random, keys)
      const source: PeerId = sources[Math.min(randomBelow(random, 5), randomBelow(random, 5))] as PeerId
      switch (randomBelow(random, 7)) {
        case 0:
        case 1:
        case 2:
          table.add(key, randomBelow(random, 2) === 0 ? 'replica' : 'paidOnly', source, now)
          break
        case 3:
          for (const { key: due } of table.takeDue(now, 5)) {
            if (randomBelow(random, 2) === 0) table.retry(due, now)
            else table.block(due, now)
          }
          break
        case 4: {
          const left = table.delete(key)
          if (left) out.set(key, left)
          break
        }
        case 5: {
          const back = out.get(key)
          if (back) table.restore(back, now)
          out.delete(key)
          break
        }
        default:
          table.expire(now, 3)
      }
      assert.equal(held(), table.size)
      assert.ok(table.size <= 30 && [...table.capacityRejectedSources].length <= 3)
    }
    for (const key of keys) table.delete(key)
    assert.equal(table.size, 0)
    assert.equal(table.sources, 0)
    assert.equal(table.nextDueAt, undefined)
    for (let i = 0; i < 30; i++) assert.equal(table.add(address(random), 'replica', sources[0] as PeerId, now), 'added')
  })
})

test('the full table of 131 072: adding, taking and leaving stay cheap', () => {
  forSeeds(1, (random) => {
    const table = open()
    const keys = many(140_000, () => address(random))
    const sources = many(20, () => peerId(random))
    for (const [i, key] of keys.entries()) table.add(key, 'replica', sources[i % 20] as PeerId, i)
    assert.equal(table.size, 131_072)
    assert.equal(table.takeDue(200_000, 8192).length, 8192)
    for (const key of keys) table.delete(key)
    assert.equal(table.sources, 0)
  })
})
