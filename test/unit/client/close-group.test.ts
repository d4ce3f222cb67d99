import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseCloseGroup, quorum, unwitnessedGroup } from '../../../src/client/close-group.ts'
import type { DhtPeer } from '../../../src/dht/index.ts'
import { type Key, peerIdOf } from '../../../src/protocol/index.ts'

const target = new Uint8Array(32) as Key
const peers: DhtPeer[] = Array.from({ length: 30 }, (_, i) => {
  const key = new Uint8Array(32)
  key[0] = i + 1
  return { peer: peerIdOf(key), addresses: [] }
})
const self = peerIdOf(new Uint8Array(32).fill(255))
const pick = (...indexes: number[]) => indexes.map((i) => peers[i] as DhtPeer)
const ids = (list: readonly DhtPeer[]) => list.map(({ peer }) => peer)
const views = (responders: DhtPeer[], view: DhtPeer[]) => responders.map(({ peer }) => ({ responder: peer, view }))

describe('choosing the close group', () => {
  it('quorum is 5 of 7, one less for each missing view, never 0', () => {
    assert.deepEqual([7, 6, 5, 4, 3, 2, 1, 0].map(quorum), [5, 4, 3, 2, 1, 1, 1, 1])
  })

  it('orders witnessed peers by distance', () => {
    const closest = pick(0, 1, 2, 3, 4, 5, 6, 7)
    const group = chooseCloseGroup(
      { target, initialClosest: closest, responderViews: views(closest, closest.toReversed()) },
      self,
      20,
    )
    assert.deepEqual(ids(group.targets), ids(closest))
    assert.equal(group.witnessed, 8)
  })

  it('a peer that only two liars name comes after those that the others name', () => {
    const honest = pick(2, 3, 4, 5, 6)
    const liars = pick(0, 1)
    const group = chooseCloseGroup(
      {
        target,
        initialClosest: [...liars, ...honest],
        responderViews: [...views(liars, liars), ...views(honest, honest)],
      },
      self,
      20,
    )
    assert.deepEqual(ids(group.targets), ids([...honest, ...liars]))
    assert.equal(group.witnessed, 5)
  })

  it('a view that names a peer many times has one vote', () => {
    const closest = pick(1, 2, 3, 4, 5, 6, 7)
    const stuffed = Array.from({ length: 20 }, () => peers[0] as DhtPeer)
    const group = chooseCloseGroup(
      {
        target,
        initialClosest: [...pick(0), ...closest.slice(0, 6)],
        responderViews: [...views(pick(0), stuffed), ...views(closest.slice(0, 6), closest)],
      },
      self,
      20,
    )
    assert.equal(
      group.targets.findIndex(({ peer }) => peer === peers[0]?.peer),
      6,
      'behind the six witnessed ones',
    )
  })

  it('peers that are only heard of come last, self never, and the list is cut', () => {
    const closest = pick(1, 2, 3, 4, 5, 6, 7)
    const view = [...pick(0), ...closest, { peer: self, addresses: [] }]
    const group = chooseCloseGroup({ target, initialClosest: closest, responderViews: views(closest, view) }, self, 20)
    assert.deepEqual(ids(group.targets), ids([...closest, ...pick(0)]))
    const cut = chooseCloseGroup({ target, initialClosest: closest, responderViews: views(closest, view) }, self, 3)
    assert.equal(cut.targets.length, 3)
  })

  it('only the views of the first 7 responders count', () => {
    const closest = pick(...Array.from({ length: 20 }, (_, i) => i))
    const late = views(closest.slice(7), pick(25))
    const group = chooseCloseGroup(
      { target, initialClosest: closest, responderViews: [...views(closest.slice(0, 7), closest), ...late] },
      self,
      30,
    )
    assert.ok(!ids(group.targets).includes((peers[25] as DhtPeer).peer))
  })

  it('without witnesses: by distance, without self', () => {
    const group = unwitnessedGroup(target, [...pick(3, 1, 2), { peer: self, addresses: [] }], self, 20)
    assert.deepEqual(ids(group.targets), ids(pick(1, 2, 3)))
  })
})
