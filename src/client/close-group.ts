/**
 * Who should get a chunk (pure): the peers of a witnessed lookup in the order in which a put turns to them.
 * A peer belongs to the close group when enough of the nearest responders name it (client.md 9); one that only names
 * itself comes after those.
 */

import type { DhtPeer, WitnessedCloseGroup } from '../dht/index.ts'
import { CLOSE_GROUP_SIZE, compareDistance, type Key, keyOf, type PeerId } from '../protocol/index.ts'

export interface CloseGroup {
  /** Storing order: witnessed peers nearest first, then the other responders, then peers only heard of. */
  readonly targets: readonly DhtPeer[]
  /** How many of the targets are witnessed. */
  readonly witnessed: number
}

/** Peers of `group` with the votes that the views of its first 7 responders give. At most `limit` targets. */
export function chooseCloseGroup(group: WitnessedCloseGroup, self: PeerId, limit: number): CloseGroup {
  const responders = new Set(group.initialClosest.slice(0, CLOSE_GROUP_SIZE).map(({ peer }) => peer))
  const views = group.responderViews.filter(({ responder }) => responders.has(responder)).slice(0, CLOSE_GROUP_SIZE)
  const votes = new Map<PeerId, number>()
  const known = new Map<PeerId, DhtPeer>()
  for (const { view } of views) {
    for (const peer of new Map(view.map((entry) => [entry.peer, entry])).values()) {
      votes.set(peer.peer, (votes.get(peer.peer) ?? 0) + 1)
      if (!known.has(peer.peer)) known.set(peer.peer, peer)
    }
  }
  const needed = quorum(views.length)
  const isWitnessed = (peer: DhtPeer) => (votes.get(peer.peer) ?? 0) >= needed
  const met = withoutSelf(group.initialClosest, self)
  const metIds = new Set(met.map(({ peer }) => peer))
  const heardOf = withoutSelf([...known.values()], self).filter((peer) => !metIds.has(peer.peer) && isWitnessed(peer))
  const first = byDistance(group.target, met.filter(isWitnessed))
  const others = byDistance(
    group.target,
    met.filter((peer) => !isWitnessed(peer)),
  )
  return {
    targets: [...first, ...others, ...byDistance(group.target, heardOf)].slice(0, limit),
    witnessed: Math.min(first.length, limit),
  }
}

/** A group without witnesses: what a plain lookup met. For networks with fewer peers than a close group. */
export function unwitnessedGroup(target: Key, closest: readonly DhtPeer[], self: PeerId, limit: number): CloseGroup {
  return { targets: byDistance(target, withoutSelf(closest, self)).slice(0, limit), witnessed: 0 }
}

/** ⌈2 · 7 / 3⌉ = 5 votes, one less for each missing view, at least 1. */
export function quorum(views: number): number {
  return Math.max(1, Math.ceil((2 * CLOSE_GROUP_SIZE) / 3) - (CLOSE_GROUP_SIZE - views))
}

function withoutSelf(peers: readonly DhtPeer[], self: PeerId): DhtPeer[] {
  return peers.filter(({ peer }) => peer !== self)
}

function byDistance(target: Key, peers: readonly DhtPeer[]): DhtPeer[] {
  return peers
    .map((peer) => ({ peer, key: keyOf(peer.peer) }))
    .sort((a, b) => compareDistance(target, a.key, b.key))
    .map(({ peer }) => peer)
}
