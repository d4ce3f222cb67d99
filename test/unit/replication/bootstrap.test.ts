import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, randomBelow, second } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { ClaimTracker } from '../../../src/replication/audits/claim-tracker.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { BootstrapDrain } from '../../../src/replication/sync/bootstrap-drain.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

const peers = many(25, () => 0).map((_, i) => peerAt(i + 1))
const [ALICE] = peers as [PeerId]
const nothing = { has: () => false, capacityRejected: () => false }

test('the gate opens with the table or after 60 s, once', () => {
  const drain = new BootstrapDrain(options, 0)
  assert.ok(!drain.mayBegin(60 * second - 1) && drain.mayBegin(60 * second))
  drain.bootstrapComplete()
  assert.ok(drain.mayBegin(0))
  assert.ok(!drain.check(nothing, 999 * minute), 'not before it began')
  drain.begin(peers, 0)
  assert.ok(!drain.mayBegin(0))
})

test('no neighbours: drained at once', () => {
  const drain = new BootstrapDrain(options, 0)
  assert.ok(drain.bootstrapping)
  drain.begin([], 0)
  assert.ok(!drain.bootstrapping && drain.check(nothing, 0))
})

test('20 neighbours in batches of 4; verification waits for them; scenario 29: drained when all is dealt with', () => {
  const drain = new BootstrapDrain(options, 0)
  drain.begin(peers, 0)
  const asked: PeerId[] = []
  const busy = new Set<ChunkAddress>()
  const full = new Set<PeerId>()
  const facts = { has: (key: ChunkAddress) => busy.has(key), capacityRejected: (peer: PeerId) => full.has(peer) }
  for (let batch = drain.nextBatch(); batch.length > 0; batch = drain.nextBatch()) {
    assert.equal(batch.length, 4)
    assert.ok(drain.verificationWaits && drain.nextBatch().length === 0)
    for (const peer of batch) {
      assert.ok(!drain.check(facts, 0))
      busy.add(at(asked.push(peer)))
      drain.synced(peer, [at(asked.length)])
    }
    const more = asked.length < 20
    assert.ok(!more || !drain.check(nothing, 0), 'there are more to ask')
  }
  assert.deepEqual(asked, peers.slice(0, 20))
  full.add(peers[3] as PeerId)
  assert.ok(!drain.verificationWaits && !drain.check(facts, 0))
  busy.clear()
  assert.ok(!drain.check(facts, 0), 'a source has more to say')
  full.clear()
  assert.ok(drain.check(facts, 0) && !drain.bootstrapping)
})

test('28.4 who always over-hints, or repeats its keys, keeps a node bootstrapping no longer than 125 min', () => {
  for (const facts of [
    { has: () => false, capacityRejected: () => true },
    { has: () => true, capacityRejected: () => false },
  ]) {
    const drain = new BootstrapDrain(options, 0)
    drain.begin([ALICE], 0)
    drain.nextBatch()
    drain.synced(ALICE, [at(1)])
    assert.ok(!drain.check(facts, 125 * minute - 1))
    assert.ok(drain.check(facts, 125 * minute))
    assert.ok(drain.check(facts, 126 * minute))
  }
})

test('checks look at each key once, whatever its fate', () => {
  forSeeds(5, (random) => {
    const drain = new BootstrapDrain(options, 0)
    drain.begin([ALICE], 0)
    drain.nextBatch()
    const keys = many(1000, () => address(random))
    drain.synced(ALICE, keys)
    const busy = new Set(keys)
    let looks = 0
    const facts = { has: (key: ChunkAddress) => ++looks > 0 && busy.has(key), capacityRejected: () => false }
    let checks = 0
    while (!drain.check(facts, 0)) {
      checks++
      for (let i = 0; i < 50 && busy.size > 0; i++) busy.delete(pick(random, [...busy]))
    }
    assert.ok(looks <= keys.length + checks)
  })
})

test('scenario 46 and 47: claims inside 24 h cost nothing; 48: after it each one does', () => {
  const claims = new ClaimTracker(options)
  assert.deepEqual(
    [0, hour, 24 * hour].map((now) => claims.claimed(ALICE, now)),
    ['tolerated', 'tolerated', 'tolerated'],
  )
  assert.equal(claims.claimed(ALICE, 24 * hour + 1), 'failure')
  assert.equal(claims.claimed(ALICE, 25 * hour), 'failure')
  const other = peers[1] as PeerId
  assert.deepEqual(
    [50 * hour, 74 * hour, 75 * hour].map((now) => claims.claimed(other, now)),
    ['tolerated', 'tolerated', 'failure'],
  )
})

test('scenario 49: a normal answer clears the claim, not the history: claiming again costs', () => {
  const claims = new ClaimTracker(options)
  claims.answered(ALICE)
  assert.equal(claims.size, 0)
  claims.claimed(ALICE, 0)
  assert.ok(claims.active(ALICE))
  claims.answered(ALICE)
  assert.ok(!claims.active(ALICE))
  assert.equal(claims.claimed(ALICE, 1), 'failure')
  assert.equal(claims.claimed(peers[1] as PeerId, 1), 'tolerated')
})

test('claim histories outlive a restart and are bounded', () => {
  const claims = new ClaimTracker(options)
  claims.claimed(ALICE, 0)
  const later = new ClaimTracker(options)
  later.restore([...claims.histories(), { peer: peers[1] as PeerId, since: 99 * hour, active: true }], hour)
  assert.equal(later.claimed(ALICE, 25 * hour), 'failure')
  assert.equal(later.claimed(peers[1] as PeerId, 26 * hour), 'failure')
  forSeeds(1, (random) => {
    for (let i = 0; i < 5000; i++) later.claimed(peerId(random), randomBelow(random, 100))
    assert.equal(later.size, options.claimPeers)
  })
})
