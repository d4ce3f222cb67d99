import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, minute, randomBelow, second } from '../../../src/base/index.ts'
import type { PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import { NeighborSync } from '../../../src/replication/sync/neighbor-sync.ts'
import { forSeeds, many, peerAt, pick } from './support/seeds.ts'

const peers = many(25, () => 0).map((_, i) => peerAt(i + 1))
function open(count = 10) {
  const sync = new NeighborSync(REPLICATION_DEFAULTS)
  sync.neighboursChanged(peers.slice(0, count))
  return sync
}
/** A round in which everybody answers. */
function round(sync: NeighborSync, now: number) {
  const result = sync.startRound(now)
  for (const peer of result.peers) sync.succeeded(peer, now)
  return result
}

test('scenario 35: 4 peers a round, in order, cooled ones skipped; only the 20 closest', () => {
  const sync = open(25)
  sync.exchanged(peers[2] as PeerId, 0)
  const asked = many(6, () => round(sync, minute).peers).map((each) => each.map((peer) => peers.indexOf(peer)))
  assert.deepEqual(asked, [[0, 1, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16], [17, 18, 19], []])
})

test('scenario 36: the end of a cycle moves the epoch and the cycle counts once, then a new snapshot', () => {
  const sync = open(5)
  assert.deepEqual([round(sync, 0).cycleEnded, round(sync, 0).cycleEnded, sync.epoch], [false, false, 0])
  assert.ok(!sync.auditable(peers[0] as PeerId))
  const next = round(sync, 2 * hour)
  assert.deepEqual([next.cycleEnded, next.peers.length, sync.epoch], [true, 4, 1])
  assert.ok(sync.auditable(peers[4] as PeerId) && !sync.auditable(peers[0] as PeerId))
})

test('scenario 30 and 56: a peer may be audited after an exchange and a later cycle, never without', () => {
  const sync = open(1)
  round(sync, 0)
  round(sync, 2 * hour)
  assert.ok(!sync.auditable(peers[0] as PeerId), 'synced again in this very round')
  round(sync, 2 * hour)
  assert.ok(sync.auditable(peers[0] as PeerId))
  assert.ok(!sync.auditable(peers[1] as PeerId))
})

test('scenario 38: who joins mid-cycle is first in the next round, once only, and wakes it', () => {
  const sync = open(10)
  round(sync, 0)
  const entrant = peers[24] as PeerId
  assert.equal(sync.neighboursChanged([entrant, ...peers.slice(0, 10)]), true)
  assert.equal(sync.neighboursChanged([entrant, ...peers.slice(0, 10)]), false)
  const rest = many(4, () => round(sync, 1).peers).flat()
  assert.equal(rest[0], entrant)
  assert.equal(rest.filter((peer) => peer === entrant).length, 1)
})

test('departed peers leave the order and the priority list', () => {
  const sync = open(6)
  sync.neighboursChanged(peers.slice(3, 9))
  assert.deepEqual(round(sync, 0).peers, peers.slice(6, 9).concat(peers.slice(3, 4)))
  sync.peerRemoved(peers[4] as PeerId)
  assert.deepEqual(round(sync, 0).peers, [peers[5]])
})

test('scenario 39: an unreachable peer leaves the cycle, its place is filled, entrants first', () => {
  const sync = open(8)
  const { peers: first } = sync.startRound(0)
  assert.equal(sync.failed(first[0] as PeerId, 0), peers[4])
  sync.neighboursChanged([...peers.slice(0, 8), peers[20] as PeerId])
  assert.equal(sync.failed(first[1] as PeerId, 0), peers[20])
  assert.deepEqual(round(sync, 0).peers, peers.slice(5, 8))
  assert.equal(sync.outstanding, 4)
})

test('scenario 40 and 41: peers at rest leave the cycle, and every cycle ends whatever fails or joins', () => {
  forSeeds(40, (random) => {
    const sync = open(randomBelow(random, 20))
    const out: PeerId[] = []
    let [now, sinceEnd] = [0, 0]
    for (let step = 0; step < 300; step++) {
      now += randomBelow(random, 20) * minute
      const { cycleEnded, peers: asked } = sync.startRound(now)
      sinceEnd = cycleEnded ? 0 : sinceEnd + 1
      assert.ok(sinceEnd < 30, 'a cycle does not end')
      assert.equal(new Set(asked).size, asked.length)
      for (const peer of asked) {
        assert.ok(!out.includes(peer), 'one outstanding request a peer')
        out.push(peer)
      }
      while (out.length > randomBelow(random, 5)) {
        const peer = out.splice(randomBelow(random, out.length), 1)[0] as PeerId
        if (randomBelow(random, 2) === 0) sync.succeeded(peer, now)
        else {
          const replacement = sync.failed(peer, now)
          if (replacement !== undefined) out.push(replacement)
        }
      }
      if (randomBelow(random, 20) === 0) sync.neighboursChanged(many(8, () => pick(random, peers)))
      if (randomBelow(random, 20) === 0) sync.peerRemoved(pick(random, peers))
      if (randomBelow(random, 20) === 0) sync.rebuild(peers.slice(0, 12))
    }
    for (const peer of out) sync.dropped(peer)
    assert.equal(sync.outstanding, 0)
  })
})

test('30.3 nr 2: nothing new rests for an hour; new hints go out 10 s after the last request, one at a time', () => {
  const sync = open(1)
  const [peer] = peers as [PeerId]
  round(sync, 0)
  assert.deepEqual([sync.takeUrgent(10 * minute), sync.nextUrgentAt()], [[], undefined])
  sync.addNews(peer, second)
  assert.equal(sync.nextUrgentAt(), 10 * second)
  assert.deepEqual(sync.takeUrgent(9 * second), [])
  assert.deepEqual(sync.takeUrgent(10 * second), [peer])
  sync.addNews(peer, 11 * second)
  assert.deepEqual(sync.takeUrgent(2 * minute), [], 'one outstanding')
  sync.succeeded(peer, 12 * second)
  sync.exchanged(peer, 16 * second)
  assert.equal(sync.nextUrgentAt(), 20 * second, 'that the peer asked us tells it nothing new')
  assert.deepEqual(sync.takeUrgent(20 * second), [peer])
  sync.dropped(peer)
  assert.equal(sync.nextUrgentAt(), 40 * second, 'news that were not heard are news, with a growing pause')
  assert.equal(sync.outstanding, 0)
})

test('30.3 nr 2: news of the same moment go in one request, 5 s after the first', () => {
  const sync = open(2)
  sync.addNews(peers[0] as PeerId, hour)
  sync.addNews(peers[0] as PeerId, hour + 4 * second)
  assert.equal(sync.nextUrgentAt(), hour + 5 * second)
})

test('an answer of a peer that was not asked, or that left the table, is nothing', () => {
  const sync = open(2)
  const [first, other] = peers as [PeerId, PeerId]
  sync.succeeded(first, 0)
  assert.ok(!sync.auditable(first))
  sync.addNews(first, 0)
  assert.deepEqual(sync.takeUrgent(5 * second), [first])
  sync.peerRemoved(first)
  sync.dropped(first)
  sync.dropped(other)
  assert.deepEqual([sync.outstanding, sync.nextUrgentAt()], [0, undefined])
  assert.deepEqual(round(sync, 0).peers, [other])
})

test('events that were lost: the order starts anew with the neighbours of now', () => {
  const sync = open(8)
  round(sync, 0)
  sync.rebuild(peers.slice(2, 10))
  assert.deepEqual(
    round(sync, 1).peers,
    [...peers.slice(8, 10), ...peers.slice(4, 6)],
    'entrants first, rested ones skipped',
  )
})

test('the pause between rounds is inside 10 to 20 min', () => {
  forSeeds(20, (random) => {
    const pause = open().interval(random)
    assert.ok(pause >= 10 * minute && pause < 20 * minute)
  })
})

test('a peer that was bootstrapping is heard again after ten minutes, another after an hour', () => {
  const sync = new NeighborSync(REPLICATION_DEFAULTS)
  const [early, settled] = [peerAt(1), peerAt(2)]
  sync.neighboursChanged([early, settled])
  assert.deepEqual(sync.startRound(0).peers, [early, settled])
  sync.succeeded(early, 0, true)
  sync.succeeded(settled, 0)
  assert.deepEqual(sync.startRound(9 * minute).peers, [])
  assert.deepEqual(sync.startRound(10 * minute).peers, [early])
  sync.succeeded(early, 10 * minute)
  assert.deepEqual(sync.startRound(59 * minute).peers, [])
  assert.deepEqual(sync.startRound(60 * minute).peers, [settled])
})
