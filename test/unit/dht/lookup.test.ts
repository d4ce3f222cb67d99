import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/base/index.ts'
import { CandidateQueue } from '../../../src/dht/candidate-queue.ts'
import { closest } from '../../../src/dht/close-group.ts'
import { Lookup, type LookupEntry, type LookupOptions, type LookupPeer } from '../../../src/dht/lookup.ts'
import { type Key, keyOf, type PeerId, peerIdOf } from '../../../src/protocol/index.ts'
import { brief, direct, peerAt, peerOf } from './support/addresses.ts'
import { LOOKUP_OPTIONS } from './support/lookup-options.ts'

const target = keyOf(peerOf('target'))
/** Peers by nearness to the target: p(9) is nearer than p(1). */
const p = (bits: number, label = ''): LookupPeer => {
  const peer = peerAt(target, bits, `p${bits}${label}`)
  return { peer, key: keyOf(peer), addresses: [direct(`${bits + 1}.1.1.1:1`)] }
}
const entry = (peer: LookupPeer): LookupEntry => ({ ...peer, authority: { kind: 'hint' } })
const self = peerOf('self')
function start(known: LookupPeer[], more: Partial<LookupOptions> = {}, isEligible = (_: LookupPeer) => true) {
  return new Lookup(target, { self, known, now: 0 }, { ...LOOKUP_OPTIONS, ...more }, { isEligible })
}
const asked = (lookup: Lookup, now: number): PeerId[] => {
  const step = lookup.step(now)
  return step.kind === 'query' ? step.peers.map(({ peer }) => peer) : []
}

test('count 0 converges at once, empty', () => {
  const lookup = start([p(1)], { count: 0 })
  assert.deepEqual(lookup.step(0), { kind: 'end', end: 'converged' })
  assert.deepEqual(lookup.result(), [])
})

test('nobody known: exhausted, and a node finds at least itself', () => {
  assert.deepEqual(start([]).step(0), { kind: 'end', end: 'exhausted' })
  const selfEntry = { peer: self, key: keyOf(self), addresses: [] }
  const lookup = new Lookup(target, { self, selfEntry, known: [], now: 0 }, LOOKUP_OPTIONS, { isEligible: () => true })
  lookup.step(0)
  assert.deepEqual(
    lookup.result().map(({ peer }) => peer),
    [self],
  )
})

test('grace: 5 s after the first answer the late two are unresponsive, and stay so', () => {
  const peers = [p(3), p(2), p(1)]
  const lookup = start(peers)
  assert.deepEqual(
    asked(lookup, 0),
    peers.map(({ peer }) => peer),
  )
  assert.deepEqual(lookup.step(1000), { kind: 'wait', until: 120_000 })
  lookup.answered(p(3).peer, [entry(p(4))], 2000)
  assert.deepEqual(lookup.step(2000), { kind: 'wait', until: 7000 })
  assert.deepEqual(asked(lookup, 7000), [p(4).peer])
  assert.equal(lookup.stateOf(p(2).peer), 'unresponsive')
  lookup.answered(p(2).peer, [entry(p(5))], 7001)
  assert.equal(lookup.stateOf(p(2).peer), 'unresponsive')
  assert.deepEqual(lookup.candidates, [])
})

test('who owes answers already is asked beside the round and not waited for once others have answered', () => {
  const isTardy = (peer: PeerId) => peer === p(4).peer
  const lookup = new Lookup(
    target,
    { self, known: [p(4), p(3), p(2), p(1)], now: 0 },
    { ...LOOKUP_OPTIONS, alpha: 2 },
    { isEligible: () => true, isTardy },
  )
  assert.deepEqual(asked(lookup, 0), [p(3).peer, p(2).peer, p(4).peer])
  assert.deepEqual(lookup.step(0), { kind: 'wait', until: 120_000 })
  lookup.answered(p(3).peer, [], 100)
  assert.deepEqual(lookup.step(100), { kind: 'wait', until: 5100 }, 'one that owes nothing is waited for')
  lookup.answered(p(2).peer, [], 200)
  assert.deepEqual(asked(lookup, 200), [p(1).peer])
  assert.equal(lookup.stateOf(p(4).peer), 'unresponsive')
})

test('when all owe answers they are waited for: the trouble is ours', () => {
  const lookup = new Lookup(target, { self, known: [p(3), p(2)], now: 0 }, LOOKUP_OPTIONS, {
    isEligible: () => true,
    isTardy: () => true,
  })
  assert.deepEqual(asked(lookup, 0), [p(3).peer, p(2).peer])
  lookup.answered(p(3).peer, [], 100)
  assert.deepEqual(lookup.step(100), { kind: 'wait', until: 5100 })
})

test('after others have answered a round ends when all in it were asked and are silent for 10 s', () => {
  const owed = new Map<PeerId, number>()
  const lookup = new Lookup(
    target,
    { self, known: [p(1)], now: 0 },
    { ...LOOKUP_OPTIONS, alpha: 2 },
    { isEligible: () => true, owedSince: (peer) => owed.get(peer) },
  )
  lookup.step(0)
  owed.set(p(1).peer, 0)
  assert.deepEqual(lookup.step(0), { kind: 'wait', until: 120_000 }, 'nobody has answered: the trouble may be ours')
  lookup.answered(p(1).peer, [entry(p(2)), entry(p(3)), entry(p(4))], 1000)
  assert.deepEqual(asked(lookup, 1000), [p(4).peer, p(3).peer])
  owed.set(p(4).peer, 1000)
  assert.deepEqual(lookup.step(1000), { kind: 'wait', until: 11_000 })
  owed.set(p(3).peer, 9000)
  assert.deepEqual(lookup.step(11_000), { kind: 'wait', until: 19_000 }, 'the other was dialled for 8 s')
  owed.set(p(2).peer, 10_000)
  assert.deepEqual(asked(lookup, 19_000), [p(2).peer])
  assert.equal(lookup.stateOf(p(4).peer), 'unresponsive')
  assert.deepEqual(lookup.step(19_000), { kind: 'wait', until: 20_000 }, 'it owes an answer to another walk')
  assert.deepEqual(lookup.step(20_000), { kind: 'end', end: 'converged' })
  assert.deepEqual(
    lookup.result().map(({ peer }) => peer),
    [p(1).peer],
  )
})

test('a failure starts the grace as well', () => {
  const lookup = start([p(3), p(2)])
  lookup.step(0)
  lookup.failed(p(3).peer, 100)
  assert.deepEqual(lookup.step(100), { kind: 'wait', until: 5100 })
})

test('states are final: a failed peer named again is not asked again', () => {
  const lookup = start([p(3), p(2)])
  lookup.step(0)
  lookup.failed(p(3).peer, 0)
  lookup.answered(p(2).peer, [entry(p(3)), entry(p(1))], 0)
  assert.deepEqual(asked(lookup, 0), [p(1).peer])
  assert.equal(lookup.stateOf(p(3).peer), 'failed')
})

test('self in an answer is dropped; an unsolicited or second answer changes nothing', () => {
  const lookup = start([p(3)])
  lookup.step(0)
  lookup.answered(p(9).peer, [entry(p(8))], 0)
  lookup.answered(p(3).peer, [{ peer: self, key: keyOf(self), addresses: [], authority: { kind: 'hint' } }], 0)
  lookup.answered(p(3).peer, [entry(p(8))], 0)
  assert.deepEqual(lookup.candidates, [])
})

test('a popped candidate that cannot be dialled leaves no state and may come back', () => {
  const blocked = new Set<PeerId>()
  const lookup = start([p(3), p(2)], { alpha: 1 }, ({ peer }) => !blocked.has(peer))
  blocked.add(p(3).peer)
  assert.deepEqual(asked(lookup, 0), [p(2).peer])
  assert.equal(lookup.stateOf(p(3).peer), undefined)
  blocked.delete(p(3).peer)
  lookup.answered(p(2).peer, [entry(p(3))], 0)
  assert.deepEqual(asked(lookup, 0), [p(3).peer])
})

test('a response larger than k is sorted before it is cut', () => {
  const lookup = start([p(0)])
  lookup.step(0)
  const many = Array.from({ length: 40 }, (_, i) => p(40 - i, 'm'))
  lookup.answered(p(0).peer, many.toReversed().map(entry), 0)
  assert.deepEqual(
    lookup.candidates.map(({ peer }) => peer),
    many.slice(0, 20).map(({ peer }) => peer),
  )
})

test('results use the report winners, not the queued copy', () => {
  const lookup = start([p(1), p(2), p(3)])
  lookup.step(0)
  const subject = (address: string): LookupEntry => ({ ...entry(p(9)), addresses: [direct(address)] })
  lookup.answered(p(1).peer, [subject('11.1.1.1:1')], 0)
  lookup.answered(p(2).peer, [subject('22.2.2.2:2')], 0)
  lookup.answered(p(3).peer, [subject('11.1.1.1:1')], 0)
  lookup.step(0)
  lookup.answered(p(9).peer, [], 0)
  assert.deepEqual(brief(lookup.result()[0]?.addresses ?? []), ['11.1.1.1:1/direct'])
})

test('converge, exhaust, the round limit and the deadline each have their end and a result', () => {
  // Each round brings one nearer peer, without end.
  const endless = start([p(0)], { alpha: 1 })
  let near = 0
  for (let step = endless.step(0); step.kind === 'query'; step = endless.step(0)) {
    endless.answered((step.peers[0] as LookupPeer).peer, [entry(p(++near))], 0)
  }
  assert.deepEqual([endless.ended, endless.rounds, endless.result().length], ['iterationLimit', 20, 7])

  const late = start([p(2), p(1)])
  late.step(0)
  late.answered(p(2).peer, [], 119_000)
  assert.deepEqual(late.step(120_000), { kind: 'end', end: 'timedOut' })
  assert.equal(late.stateOf(p(1).peer), 'unresponsive')
  assert.equal(late.result().length, 1)

  const settled = start([p(9), p(8), p(7), ...[6, 5, 4, 3, 2, 1].map((i) => p(i))], { count: 3 })
  for (let step = settled.step(0); step.kind === 'query'; step = settled.step(0)) {
    for (const { peer } of step.peers) settled.answered(peer, [], 0)
  }
  assert.deepEqual([settled.ended, settled.rounds], ['converged', 2])
})

test('candidate 201: a nearer one evicts the farthest, a farther one is refused, the same peer replaces', () => {
  const queue = new CandidateQueue<LookupPeer>(target, 3)
  for (const bits of [1, 2, 3]) queue.push(p(bits))
  assert.equal(queue.push(p(0))?.peer, p(0).peer)
  assert.equal(queue.push(p(5))?.peer, p(1).peer)
  assert.equal(queue.push({ ...p(5), addresses: [] }), undefined)
  assert.deepEqual(
    queue.sorted.map(({ peer }) => peer),
    [p(5), p(3), p(2)].map(({ peer }) => peer),
  )
  assert.deepEqual(queue.nearest?.addresses, [])
})

test('property: closest is sorted, complete and equal to brute force', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(key, fc.array(key, { maxLength: 60 }), fc.integer({ min: 0, max: 25 }), (to, keys, count) => {
      const members = [...new Map(keys.map((k) => [peerIdOf(k), { key: k }])).values()]
      const xor = ({ key: k }: { key: Uint8Array }) =>
        BigInt(`0x${peerIdOf(k.map((byte, i) => byte ^ (to[i] as number)))}`)
      const expected = members.toSorted((a, b) => (xor(a) < xor(b) ? -1 : 1)).slice(0, count)
      assert.deepEqual(closest(to, members, count), expected)
    }),
  )
})

test('property: a walk over any graph with liars and silence ends within its limits', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 20 }), (seed, size, count) => {
      const dice = seededRandom(seed)
      const nodes = Array.from({ length: size }, () => {
        const key = dice.bytes(32) as Key
        return { peer: peerIdOf(key), key, addresses: [direct('1.1.1.1:1')] }
      })
      const lookup = start(nodes.slice(0, 5), { count, maxCandidates: 20 }, () => dice.float() < 0.9)
      let now = 0
      let queries = 0
      for (let i = 0; ; i++) {
        assert.ok(i < 1000, `seed ${seed} does not end`)
        const step = lookup.step(now)
        if (step.kind === 'end') break
        if (step.kind === 'wait') {
          assert.ok(step.until > now)
          now = step.until
          continue
        }
        for (const { peer } of step.peers) {
          queries++
          now += Math.floor(dice.float() * 3000)
          const roll = dice.float()
          const named = nodes.filter(() => dice.float() < 0.3).map(entry)
          if (roll < 0.7) lookup.answered(peer, named, now)
          else if (roll < 0.85) lookup.failed(peer, now)
        }
      }
      assert.ok(lookup.rounds <= 20 && queries <= 60)
      const result = lookup.result()
      assert.ok(result.length <= count)
      assert.ok(result.every(({ peer }) => lookup.stateOf(peer) === 'succeeded'))
      assert.deepEqual(result, closest(target, result, count))
    }),
  )
})
