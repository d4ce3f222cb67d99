import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/base/index.ts'
import { decideAdmission } from '../../../src/dht/admission.ts'
import { chooseBuckets, randomKeyInBucket } from '../../../src/dht/refresh.ts'
import { RevalidationPasses, staleClosest } from '../../../src/dht/revalidation.ts'
import { RoutingTable } from '../../../src/dht/routing-table.ts'
import { commonPrefixLength, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { peerAt, peerOf, typed } from './support/addresses.ts'

const self = peerOf('self')
const entry = (peer: PeerId, lastSeen = 0) => ({
  ...{ peer, key: keyOf(peer), addresses: [typed('1.1.1.1:1')], lastSeen, publication: undefined },
})
const table = () => new RoutingTable(self, { bucketSize: 20, now: 0 })

test('the farthest and the nearest bucket hold what belongs there, each peer once', () => {
  const t = table()
  const [far, near] = [peerAt(self, 0, 'x'), peerAt(self, 255, 'x')]
  t.insert(entry(far))
  t.insert(entry(near))
  assert.equal(t.buckets[0]?.size, 1)
  assert.equal(t.buckets[255]?.size, 1)
  assert.throws(() => t.insert(entry(far)))
  assert.deepEqual(
    t.closest(keyOf(self), 2).map(({ peer }) => peer),
    [near, far],
  )
})

test('an empty table: nobody is closest, self is responsible for everything', () => {
  assert.deepEqual(table().closest(keyOf(self), 20), [])
  assert.deepEqual(table().closestWithSelf(keyOf(self), 7), [self])
  assert.equal(table().isResponsible(peerKey('k'), 1), true)
  assert.equal(table().isResponsible(peerKey('k'), 0), false)
})
const peerKey = (label: string) => keyOf(peerOf(label))

test('property: responsible exactly when self is in the list of that width', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 12 }), (seed, width) => {
      const t = table()
      for (let i = 0; i < 20; i++) t.insert(entry(peerAt(self, i, `${seed} ${i}`)))
      const key = peerKey(`${seed} key`)
      assert.equal(t.isResponsible(key, width), t.closestWithSelf(key, width).includes(self))
    }),
  )
})

test('touch moves to the tail and refreshes; a stranger is refused', () => {
  const t = table()
  const [a, b] = [peerAt(self, 0, 'a'), peerAt(self, 0, 'b')]
  t.insert(entry(a))
  t.insert(entry(b))
  assert.equal(t.touch(a, 500), true)
  assert.deepEqual(
    t.buckets[0]?.entries.map(({ peer }) => peer),
    [b, a],
  )
  assert.deepEqual([t.get(a)?.lastSeen, t.buckets[0]?.lastLive, t.buckets[0]?.lastProbe], [500, 500, 0])
  assert.equal(t.touch(peerOf('stranger'), 1), false)
})

test('a random key of each bucket lands in it, another one each time; no bucket 256', () => {
  const random = seededRandom(4)
  for (let index = 0; index < 256; index++) {
    const key = randomKeyInBucket(keyOf(self), index, random)
    assert.equal(commonPrefixLength(keyOf(self), key as Uint8Array), index)
  }
  assert.notDeepEqual(randomKeyInBucket(keyOf(self), 3, random), randomKeyInBucket(keyOf(self), 3, random))
  for (const index of [-1, 256, 1.5]) assert.equal(randomKeyInBucket(keyOf(self), index, random), undefined)
})

test('bucket debt: the largest two, ties by age and index; jitter excludes nobody', () => {
  const stamps = Array.from({ length: 256 }, () => ({ lastLive: 0, lastProbe: 0 }))
  stamps[7] = { lastLive: -5000, lastProbe: -5000 }
  stamps[9] = { lastLive: -90_000, lastProbe: -1 }
  const choose = (jitterMs: number, seed = 1) =>
    chooseBuckets(stamps, { count: 2, now: 100_000, jitterMs, random: seededRandom(seed) })
  assert.deepEqual(choose(0), [7, 9])
  const chosen = new Set(Array.from({ length: 3000 }, (_, seed) => choose(60_000, seed)).flat())
  assert.equal(chosen.size, 256)
})

test('stale neighbours are found, others not; ninth pass and second pass of a bucket get no place', () => {
  const t = table()
  for (let i = 0; i < 21; i++) t.insert(entry(peerAt(self, i, 's'), i === 20 ? 900_000 : 0))
  const stale = staleClosest(t, 900_001, 900_000)
  assert.equal(stale.length, 19)
  assert.ok(!stale.includes(peerAt(self, 0, 's')), 'the farthest is not among the 20 closest')
  const passes = new RevalidationPasses(8)
  const releases = Array.from({ length: 8 }, (_, bucket) => passes.tryBegin(bucket))
  assert.equal(passes.tryBegin(8), undefined)
  releases[0]?.()
  assert.equal(passes.tryBegin(1), undefined)
  assert.ok(passes.tryBegin(0))
})

test('property: under any sequence of events the table keeps its limits', () => {
  const limits = { maxPerIp: 2, maxPerSubnet: 5 }
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 50, max: 400 }), (seed, events) => {
      const dice = seededRandom(seed)
      const t = table()
      let now = 0
      for (let i = 0; i < events; i++) {
        now += Math.floor(dice.float() * 100_000)
        const peer = peerAt(self, Math.floor(dice.float() * 4), `${seed} ${Math.floor(dice.float() * 120)}`)
        if (dice.float() < 0.1) t.remove(peer)
        const ip = `1.1.${Math.floor(dice.float() * 12)}.${1 + Math.floor(dice.float() * 3)}`
        const decision = decideAdmission(
          t,
          { peer, addresses: [typed(`${ip}:1`)] },
          {
            ...{ now, allowLoopback: false, limits, staleAfterMs: 900_000, swapThreshold: 0.35 },
            ...{ protectionThreshold: 0.7, mayDefer: dice.float() < 0.5, trustOf: () => dice.float() },
          },
        )
        if (decision.kind === 'known') t.touch(peer, now)
        if (decision.kind === 'admit') {
          for (const victim of decision.evict) assert.ok(t.remove(victim), 'victims are in the table')
          t.insert({ ...entry(peer, now), addresses: decision.addresses })
        }
      }
      const count = (
        members: readonly { addresses: readonly { address: { socket?: { ip: string } } }[] }[],
        part: number,
      ) => {
        const seen = new Map<string, number>()
        for (const { addresses } of members) {
          const name = addresses[0]?.address.socket?.ip.split('.').slice(0, part).join('.') ?? ''
          seen.set(name, (seen.get(name) ?? 0) + 1)
        }
        return Math.max(0, ...seen.values())
      }
      for (const { entries } of t.buckets) {
        assert.ok(entries.length <= 20)
        assert.ok(count(entries, 4) <= 2 && count(entries, 3) <= 5)
      }
      assert.equal(new Set(t.entries().map(({ peer }) => peer)).size, t.size)
      assert.equal(
        t.buckets.reduce((sum, { size }) => sum + size, 0),
        t.size,
      )
    }),
  )
})
