/** The close group as its members see it (dht.md 9): the walk's nearest and each one's own list. Pure parts. */
import { type Key, keyOf, type PeerId } from '../protocol/index.ts'
import { closest } from './close-group.ts'
import type { DhtPeer } from './dht.ts'

/** Nearest `count` without self, each peer once. */
export function initialClosest(target: Key, self: PeerId, found: readonly DhtPeer[], count: number): DhtPeer[] {
  const unique = new Map<PeerId, DhtPeer>()
  for (const peer of found) if (peer.peer !== self && !unique.has(peer.peer)) unique.set(peer.peer, peer)
  return nearest(target, [...unique.values()], count)
}

/** A responder's list with the responder itself in it, in distance order, cut to the view size. */
export function selfInclusiveView(
  target: Key,
  responder: DhtPeer,
  list: readonly DhtPeer[],
  viewSize: number,
): DhtPeer[] {
  const unique = new Map<PeerId, DhtPeer>([[responder.peer, responder]])
  for (const peer of list) if (!unique.has(peer.peer)) unique.set(peer.peer, peer)
  return nearest(target, [...unique.values()], viewSize)
}

function nearest(target: Key, peers: readonly DhtPeer[], count: number): DhtPeer[] {
  const located = peers.map((peer) => ({ key: keyOf(peer.peer), peer }))
  return closest(target, located, count).map(({ peer }) => peer)
}
