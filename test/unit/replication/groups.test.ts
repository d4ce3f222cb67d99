import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { compareDistance, keyOf } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as widths } from '../../../src/replication/options.ts'
import {
  closeGroup,
  closestOthers,
  inAcceptanceWidth,
  inCloseGroup,
  inStorageWidth,
  paidGroup,
  presenceTargets,
} from '../../../src/replication/view/groups.ts'
import { keyText } from '../../../src/replication/view/key-bytes.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

test('the closest and the rank of a view are those of a sort by distance', () => {
  forSeeds(60, (random) => {
    const self = peerId(random)
    // Some peers share long prefixes with others, as neighbours do.
    const far = many(randomBelow(random, 60), () => peerId(random))
    const near = far.map((peer) => (peer.slice(0, 20) + peerId(random).slice(20)) as typeof peer)
    const view = new OwnView(self, [...far, ...near, self])
    const key = randomBelow(random, 2) === 0 ? keyOf(address(random)) : keyOf(pick(random, [self, ...far]))
    const sorted = [...view.peers].sort((a, b) => compareDistance(key, keyOf(a), keyOf(b)))
    for (const count of [0, 1, 7, 20, 500]) assert.deepEqual(view.closest(key, count), sorted.slice(0, count))
    for (const [rank, peer] of sorted.entries()) assert.equal(view.rank(key, peer), rank)
    const stranger = peerId(random)
    const nearer = sorted.filter((peer) => compareDistance(key, keyOf(peer), keyOf(stranger)) < 0)
    assert.equal(view.rank(key, stranger), nearer.length)
  })
})

test('widths: 7 with self, 9, 20 and the paid group, by the own view', () => {
  // Peers 01..18 hex by their first byte; keys near zero rank them in this order.
  const others = many(24, () => 0).map((_, i) => peerAt(i + 1))
  const key = keyOf(at(0))
  for (const rank of [0, 6, 7, 8, 9, 19, 20]) {
    const self = peerAt(0xff)
    const withSelf = others.toSpliced(rank, 0, self)
    // Self gets its rank by a key of its own, between its neighbours.
    const own = (rank === 0 ? '00' : others[rank - 1]?.slice(0, 2)) + 'ff'.repeat(31)
    const view = new OwnView(own as typeof self, others)
    assert.equal(view.rank(key, view.self), rank)
    assert.equal(inCloseGroup(view, key, widths), rank < 7)
    assert.equal(inStorageWidth(view, key, widths), rank < 9)
    assert.equal(inAcceptanceWidth(view, key, widths), rank < 20)
    const group = withSelf.map((peer) => (peer === self ? view.self : peer))
    assert.deepEqual(closeGroup(view, key, widths), group.slice(0, 7))
    assert.equal(presenceTargets(view, key, widths).length, rank < 7 ? 6 : 7)
    assert.deepEqual(paidGroup(view, key, widths), group.slice(0, 20))
    assert.deepEqual(closestOthers(view, key, 20), others.slice(0, 20))
  }
})

test('key texts and bytes are the same key', () => {
  forSeeds(20, (random) => {
    const text = address(random)
    assert.deepEqual(keyOf(text), keyOf(text))
    const padded = new Uint8Array(70)
    padded.set(keyOf(text), 3)
    assert.equal(keyText(padded, 3), text)
  })
})
