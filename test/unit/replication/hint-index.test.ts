import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, randomBelow, toHex } from '../../../src/base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { HintIndex, type KeyKind } from '../../../src/replication/view/hint-index.ts'
import type { HintWalk } from '../../../src/replication/view/hint-walk.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { address, forSeeds, many, peerId, pick } from './support/seeds.ts'

/** Everything a walk tells, by peer; each key at most once for a peer. */
function told(walk: HintWalk, budget = 50): Map<PeerId, Set<ChunkAddress>> {
  const all = new Map<PeerId, Set<ChunkAddress>>()
  const visit = (key: ChunkAddress, peers: readonly PeerId[]) => {
    for (const peer of peers) {
      const keys = all.get(peer) ?? new Set()
      assert.ok(!keys.has(key), 'told twice')
      all.set(peer, keys.add(key))
    }
  }
  while (!walk.step(budget, visit)) assert.ok(walk.operations < 1_000_000)
  return all
}

const near = <T extends string>(random: Random, text: T): T =>
  (text.slice(0, 1 + randomBelow(random, 60)) + address(random)).slice(0, 64) as T

/** Keys and peers with clusters: shared prefixes, keys next to peers, keys that are a peer's own point. */
function crowd(random: Random, count: number) {
  const self = peerId(random)
  const peers = many(1 + randomBelow(random, count), () => peerId(random))
  peers.push(...many(randomBelow(random, count), () => near(random, pick(random, [self, ...peers]))))
  const keys = many(3 * count, () => address(random))
  keys.push(...many(count, () => near(random, pick(random, [self, ...peers]) as string as ChunkAddress)))
  keys.push(pick(random, peers) as string as ChunkAddress)
  const index = new HintIndex()
  const kinds = new Map<ChunkAddress, Set<KeyKind>>()
  for (const key of keys) {
    const kind = pick(random, ['stored', 'paid'] as const)
    if (index.add(key, kind)) kinds.set(key, (kinds.get(key) ?? new Set()).add(kind))
    if (randomBelow(random, 2) === 0 && index.add(key, 'paid'))
      kinds.set(key, (kinds.get(key) ?? new Set()).add('paid'))
  }
  const of = (kind: KeyKind) => [...kinds.keys()].filter((key) => kinds.get(key)?.has(kind))
  return { self, peers, index, of }
}

test('scenario 14: the keys for a peer are those of the naive scan, for both kinds and widths', () => {
  forSeeds(25, (random) => {
    const { self, peers, index, of } = crowd(random, 60)
    const view = new OwnView(self, peers)
    for (const [kind, width] of [
      ['stored', 7],
      ['paid', 20],
    ] as const) {
      for (const peer of [self, pick(random, peers), pick(random, peers), peerId(random)]) {
        const expected = of(kind).filter((key) => view.closest(keyOf(key), width).includes(peer))
        const found = told(index.keysFor(view, peer, kind, width)).get(peer) ?? new Set()
        assert.deepEqual([...found].sort(), expected.sort())
      }
    }
  })
})

test('30.3 nr 2: after a change of view exactly the keys whose group gained a peer, for exactly that peer', () => {
  forSeeds(50, (random) => {
    const { self, peers, index, of } = crowd(random, 50)
    const before = new OwnView(self, peers)
    // From nobody changed to everybody.
    const rate = pick(random, [0, 1, 1, 5, 50, 100])
    const kept = peers.filter(() => randomBelow(random, 100) >= rate)
    const come = many(randomBelow(random, rate + 1) >> 1, () => near(random, pick(random, [self, ...peers])))
    const after = new OwnView(self, [...kept, ...come])
    for (const [kind, width] of [
      ['stored', 7],
      ['paid', 20],
      ['stored', 1],
    ] as const) {
      const expected = new Map<PeerId, Set<ChunkAddress>>()
      for (const key of of(kind)) {
        const had = before.closest(keyOf(key), width)
        for (const peer of after.closest(keyOf(key), width))
          if (!had.includes(peer)) expected.set(peer, (expected.get(peer) ?? new Set()).add(key))
      }
      assert.deepEqual(told(index.keysGained(before, after, kind, width), 7), expected)
      for (const peer of [self, ...come.slice(0, 3), pick(random, peers), peerId(random)]) {
        const alone = told(index.keysGainedBy(peer, before, after, kind, width), 7)
        assert.deepEqual(alone, new Map(expected.has(peer) ? [[peer, expected.get(peer)]] : []))
      }
    }
  })
})

test('keys that came since a place, each kind for itself; too many are not remembered, nor those of the start', () => {
  const index = new HintIndex()
  forSeeds(1, (random) => {
    const [first, second, ...rest] = many(40_000, () => address(random)) as [ChunkAddress, ...ChunkAddress[]]
    index.add(first, 'stored')
    index.loaded()
    const start = index.place('stored')
    index.add(second as ChunkAddress, 'stored')
    index.add(second as ChunkAddress, 'stored')
    index.add(first, 'paid')
    const came = (place: number) => {
      const run = index.cameSince(place, 'stored')
      return run && many(run.count, () => 0).map((_, i) => toHex(run.bytes.subarray(32 * i, 32 * i + 32)))
    }
    assert.deepEqual([came(start), came(start - 1)], [[second], undefined])
    assert.deepEqual(came(index.place('stored')), [])
    index.add(address(random), 'stored', false)
    assert.deepEqual(came(index.place('stored')), [], 'no news')
    for (const key of rest) index.add(key, 'stored')
    assert.equal(came(start), undefined)
    assert.deepEqual(came(index.place('stored') - 16_384), rest.slice(-16_384))
  })
})

test('keys that come and go between the steps leave the rest of the walk right', () => {
  forSeeds(10, (random) => {
    const { self, peers, index, of } = crowd(random, 60)
    const view = new OwnView(self, peers)
    const peer = pick(random, peers)
    const stable = new Set(of('stored'))
    const found = new Set<ChunkAddress>()
    const walk = index.keysFor(view, peer, 'stored', 7)
    const extra: ChunkAddress[] = []
    while (!walk.step(3, (key) => found.add(key))) {
      if (randomBelow(random, 4) > 0) continue
      const key = address(random)
      index.add(key, 'stored')
      extra.push(key)
      if (randomBelow(random, 2) === 0) index.remove(extra.shift() as ChunkAddress, 'stored')
    }
    const expected = [...stable].filter((key) => view.closest(keyOf(key), 7).includes(peer))
    assert.deepEqual([...found].filter((key) => stable.has(key)).sort(), expected.sort())
  })
})

test('no full scan: cost follows what is told and what changed, not how many keys there are', () => {
  forSeeds(3, (random) => {
    const self = peerId(random)
    const peers = many(300, () => peerId(random))
    const before = new OwnView(self, peers)
    const gone = before.closest(keyOf(self), 8)[7] as PeerId
    const after = new OwnView(
      self,
      peers.filter((peer) => peer !== gone),
    )
    const overhead = (count: number) => {
      const index = new HintIndex()
      for (const key of many(count, () => address(random))) index.add(key, 'stored')
      const costOf = (walk: HintWalk) => {
        let keys = 0
        while (!walk.step(1000, () => keys++));
        return { keys, operations: walk.operations }
      }
      return {
        same: costOf(index.keysGained(before, new OwnView(self, peers), 'stored', 7)),
        change: costOf(index.keysGained(before, after, 'stored', 7)),
        one: costOf(index.keysFor(before, gone, 'stored', 7)),
      }
    }
    const [small, large] = [overhead(1_000), overhead(100_000)]
    assert.deepEqual(
      [small.same, large.same],
      [
        { keys: 0, operations: 1 },
        { keys: 0, operations: 1 },
      ],
    )
    for (const cost of [large.change, large.one]) {
      assert.ok(cost.keys > 1000 && cost.keys < 8000, `7 of 300 peers share 100 000 keys, got ${cost.keys}`)
      assert.ok(cost.operations < cost.keys + 1500, `${cost.operations} operations for ${cost.keys} keys`)
    }
    const extra = ({ keys, operations }: { keys: number; operations: number }) => operations - keys
    // A hundred times the keys: the regions that are told apart grow to a limit set by the view.
    assert.ok(extra(large.change) < 15 * extra(small.change), `${extra(small.change)} -> ${extra(large.change)}`)
  })
})

test('a key is what it is: kinds are counted apart, the last one takes the key along', () => {
  const index = new HintIndex()
  const key = 'ab'.repeat(32) as ChunkAddress
  assert.ok(index.add(key, 'stored') && index.add(key, 'paid') && !index.add(key, 'paid'))
  assert.deepEqual([index.size, index.count('stored'), index.count('paid')], [1, 1, 1])
  assert.ok(index.remove(key, 'stored') && !index.remove(key, 'stored') && index.has(key, 'paid'))
  assert.ok(index.remove(key, 'paid'))
  assert.deepEqual([index.size, index.count('stored'), index.count('paid')], [0, 0, 0])
})
