import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdmissionContext, type AdmissionDecision, decideAdmission } from '../../../src/dht/admission.ts'
import { RoutingTable } from '../../../src/dht/routing-table.ts'
import { keyOf, type PeerId, type TypedAddress } from '../../../src/protocol/index.ts'
import { peerAt, peerOf, typed } from './support/addresses.ts'

const self = peerOf('self')
const STALE = 900_000
const NOW = 10_000_000

function setUp(context: Partial<AdmissionContext> = {}) {
  const table = new RoutingTable(self, { bucketSize: 20, now: 0 })
  const trust = new Map<PeerId, number>()
  const add = (peer: PeerId, address: string, lastSeen = NOW) => {
    const addresses = [typed(address)]
    table.insert({ peer, key: keyOf(peer), addresses, lastSeen, publication: undefined })
    return peer
  }
  const decide = (peer: PeerId, addresses: readonly (string | TypedAddress)[], more: Partial<AdmissionContext> = {}) =>
    decideAdmission(
      table,
      { peer, addresses: addresses.map((a) => (typeof a === 'string' ? typed(a) : a)) },
      {
        ...{ now: NOW, allowLoopback: false, limits: { maxPerIp: 2, maxPerSubnet: 5 }, staleAfterMs: STALE },
        ...{ swapThreshold: 0.35, protectionThreshold: 0.7, mayDefer: true },
        trustOf: (p) => trust.get(p) ?? 0.5,
        ...context,
        ...more,
      },
    )
  return { table, trust, add, decide }
}

const reason = (decision: AdmissionDecision) => (decision.kind === 'refused' ? decision.reason : decision.kind)
/** Peers of bucket 0, far from self; the closest-20 scope holds 25 nearer ones so that it stays out of the way. */
const far = (label: string) => peerAt(self, 0, label)
function withNeighbours(world: ReturnType<typeof setUp>) {
  for (let i = 0; i < 20; i++) world.add(peerAt(self, 10, `near ${i}`), `40.${i}.0.1:1`)
  return world
}
function fullBucket(world: ReturnType<typeof setUp>, lastSeen = NOW) {
  return Array.from({ length: 20 }, (_, i) => world.add(far(`full ${i}`), `50.${i}.0.1:1`, lastSeen))
}

test('self is refused', () => assert.equal(reason(setUp().decide(self, ['1.1.1.1:1'])), 'self'))

test('no address, and only wildcards or port 0, are refused', () => {
  assert.equal(reason(setUp().decide(peerOf('a'), [])), 'noAddress')
  assert.equal(reason(setUp().decide(peerOf('a'), ['0.0.0.0:1', '[::]:1', '1.1.1.1:0'])), 'noAddress')
})

test('multicast is refused', () => assert.equal(reason(setUp().decide(peerOf('a'), ['224.0.0.1:1'])), 'illegalAddress'))

test('loopback v4 and v6 are refused, accepted by flag; others are unaffected', () => {
  for (const address of ['127.0.0.1:1', '[::1]:1']) {
    assert.equal(reason(setUp().decide(peerOf('a'), [address])), 'loopback')
    assert.equal(reason(setUp({ allowLoopback: true }).decide(peerOf('a'), [address])), 'admit')
  }
  assert.equal(reason(setUp().decide(peerOf('a'), ['1.1.1.1:1'])), 'admit')
})

test('allowed loopback bypasses diversity, but not the size of a bucket', () => {
  const world = setUp({ allowLoopback: true })
  for (let i = 0; i < 20; i++) {
    const peer = far(`loop ${i}`)
    assert.equal(reason(world.decide(peer, ['127.0.0.1:1'])), 'admit')
    world.add(peer, '127.0.0.1:1', 0)
  }
  assert.equal(reason(world.decide(far('loop 20'), ['127.0.0.1:1'])), 'bucketFull')
})

test('a transport without IP bypasses diversity', () => {
  const world = setUp()
  world.add(far('a'), '/lora/dev/868')
  world.add(far('b'), '/lora/dev/868')
  assert.equal(reason(world.decide(far('c'), ['/lora/dev/868'])), 'admit')
})

test('a known peer is refreshed, also at the limits', () => {
  const world = setUp()
  const [a] = ['a', 'b', 'c'].map((l) => world.add(far(l), '1.1.1.1:1'))
  assert.equal(reason(world.decide(a as PeerId, ['1.1.1.1:1'])), 'known')
})

test('a low-trust candidate is admitted when there is room', () => {
  const world = setUp()
  world.trust.set(far('bad'), 0)
  assert.equal(reason(world.decide(far('bad'), ['1.1.1.1:1'])), 'admit')
})

for (const [name, addresses, limit, scope] of [
  ['v4 exact', ['1.1.1.1:1', '1.1.1.1:2', '1.1.1.1:3'], 2, 'bucketIp'],
  ['v4 mapped counts as v4', ['1.1.1.1:1', '1.1.1.1:2', '/ip6/::ffff:1.1.1.1/udp/3/quic'], 2, 'bucketIp'],
  ['v4 /24', [1, 2, 3, 4, 5, 6].map((i) => `1.1.1.${i}:1`), 5, 'bucketSubnet'],
  ['v6 exact', ['[2001:db8::1]:1', '[2001:db8::1]:2', '[2001:db8::1]:3'], 2, 'bucketIp'],
  ['v6 /48', [1, 2, 3, 4, 5, 6].map((i) => `[2001:db8:7:${i}::1]:1`), 5, 'bucketSubnet'],
] as const) {
  test(`diversity ${name}: ${limit} in a bucket, not one more`, () => {
    const world = withNeighbours(setUp())
    // Nearer ones first, so that no later candidate may displace them.
    const peers = addresses.map((_, i) => peerAt(self, 0, `d${i}`)).sort(byDistance)
    for (const [i, address] of addresses.entries()) {
      const decision = world.decide(peers[i] as PeerId, [address])
      assert.equal(reason(decision), i < limit ? 'admit' : scope)
      if (i < limit) world.add(peers[i] as PeerId, address)
    }
    const raised = { limits: { maxPerIp: 50, maxPerSubnet: 50 } }
    assert.equal(reason(world.decide(peers.at(-1) as PeerId, [addresses.at(-1) as string], raised)), 'admit')
  })
}

function byDistance(a: PeerId, b: PeerId): number {
  const [x, y, s] = [keyOf(a), keyOf(b), keyOf(self)]
  for (let i = 0; i < 32; i++) {
    const d = ((x[i] as number) ^ (s[i] as number)) - ((y[i] as number) ^ (s[i] as number))
    if (d !== 0) return d
  }
  return 0
}

test('a nearer candidate evicts the farthest of the tier; trust and life protect, trust alone does not', () => {
  const world = withNeighbours(setUp())
  const [near, middle, farthest] = ['a', 'b', 'c'].map(far).sort(byDistance) as [PeerId, PeerId, PeerId]
  world.add(middle, '1.1.1.1:1')
  world.add(farthest, '1.1.1.1:2')
  assert.deepEqual(evicted(world.decide(near, ['1.1.1.1:3'])), [farthest])
  world.trust.set(farthest, 0.7)
  assert.equal(reason(world.decide(near, ['1.1.1.1:3'])), 'bucketIp')
  ;(world.table.get(farthest) as { lastSeen: number }).lastSeen = NOW - STALE - 1
  assert.deepEqual(evicted(world.decide(near, ['1.1.1.1:3'])), [farthest])
})

function evicted(decision: AdmissionDecision): readonly PeerId[] {
  assert.equal(decision.kind, 'admit')
  return (decision as AdmissionDecision & { kind: 'admit' }).evict
}

test('the 20 closest are a scope of their own: excess is refused although every bucket has room', () => {
  const world = setUp()
  world.add(peerAt(self, 5, 'a'), '1.1.1.1:1')
  world.add(peerAt(self, 6, 'b'), '1.1.1.1:2')
  assert.equal(reason(world.decide(peerAt(self, 4, 'c'), ['1.1.1.1:3'])), 'closestIp')
  assert.deepEqual(evicted(world.decide(peerAt(self, 7, 'd'), ['1.1.1.1:3'])), [peerAt(self, 5, 'a')])
})

test('of a full neighbourhood the one that the candidate pushes out does not count', () => {
  const world = setUp()
  const neighbours = Array.from({ length: 20 }, (_, i) => peerAt(self, 10 + i, `${i}`))
  neighbours.forEach((peer, i) => {
    // The second nearest and the farthest of the 20 share an IP.
    world.add(peer, i === 18 || i === 0 ? '1.1.1.1:1' : `60.${i}.0.1:1`)
  })
  assert.deepEqual(evicted(world.decide(peerAt(self, 11, 'candidate'), ['1.1.1.1:3'])), [])
})

test('a full bucket: the least trusted below the threshold is replaced, by a candidate that is not', () => {
  const world = withNeighbours(setUp())
  const peers = fullBucket(world)
  assert.equal(reason(world.decide(far('new'), ['60.0.0.1:1'])), 'bucketFull')
  world.trust.set(peers[3] as PeerId, 0.3).set(peers[7] as PeerId, 0.2)
  assert.deepEqual(evicted(world.decide(far('new'), ['60.0.0.1:1'])), [peers[7]])
  assert.equal(reason(world.decide(far('new'), ['60.0.0.1:1'], { swapThreshold: 0 })), 'bucketFull')
  world.trust.set(far('new'), 0.34)
  assert.equal(reason(world.decide(far('new'), ['60.0.0.1:1'])), 'bucketFull')
})

test('a full bucket with stale entries defers once, never twice, and admits low trust after an eviction', () => {
  const world = withNeighbours(setUp())
  const peers = fullBucket(world)
  ;(world.table.get(peers[5] as PeerId) as { lastSeen: number }).lastSeen = NOW - STALE - 1
  const decision = world.decide(far('new'), ['60.0.0.1:1'])
  assert.deepEqual(decision, { kind: 'deferred', bucket: 0, stale: [peers[5]] })
  assert.equal(reason(world.decide(far('new'), ['60.0.0.1:1'], { mayDefer: false })), 'bucketFull')
  world.table.remove(peers[5] as PeerId)
  world.trust.set(far('new'), 0)
  assert.equal(reason(world.decide(far('new'), ['60.0.0.1:1'], { mayDefer: false })), 'admit')
})

test('eclipse: a bucket of live trusted peers resists any number of newcomers', () => {
  const world = withNeighbours(setUp())
  for (const peer of fullBucket(world)) world.trust.set(peer, 0.8)
  for (let i = 0; i < 500; i++) {
    assert.equal(reason(world.decide(far(`attacker ${i}`), [`70.${i >> 8}.${i & 255}.1:1`])), 'bucketFull')
  }
})
