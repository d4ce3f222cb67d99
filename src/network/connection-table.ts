/**
 * Live connections by peer and by remote socket, and which of a peer's connections carries what we send (wire.md 7.2,
 * 7.3). Pure. All of them are read; only one on which the peer has spoken is used, because a stock node says nothing
 * on a connection that it does not read.
 */
import { assert } from '../base/index.ts'
import { formatSocketAddress, type PeerId, type SocketAddress } from '../protocol/index.ts'

/** What the table must know of a connection. */
export interface Entry {
  readonly peer: PeerId
  readonly remote: SocketAddress
  readonly side: 'dialler' | 'acceptor'
  readonly openedAtMs: number
  /** Our transport fingerprint is the lower one of the two: our own dial wins a simultaneous open. */
  readonly selfIsLower: boolean
  /** The peer has sent a verified message on it. */
  readonly identified: boolean
}

export class ConnectionTable<E extends Entry> {
  readonly #simultaneousMs: number
  readonly #byPeer = new Map<PeerId, E[]>()
  readonly #bySocket = new Map<string, E[]>()
  /** Those that are identified: whether there is one must not take a walk (`byPeer` keeps V8's holes at its front). */
  readonly #identified = new Set<E>()
  #size = 0

  constructor(options: { readonly simultaneousOpenMs: number }) {
    this.#simultaneousMs = options.simultaneousOpenMs
  }

  get size(): number {
    return this.#size
  }

  add(entry: E): void {
    append(this.#byPeer, entry.peer, entry)
    append(this.#bySocket, formatSocketAddress(entry.remote), entry)
    this.#size++
    this.identified(entry)
  }

  /** To be called when a connection becomes identified. Again, too early or too late changes nothing. */
  identified(entry: E): void {
    if (entry.identified && this.has(entry)) this.#identified.add(entry)
  }

  /** false when it was not there. */
  remove(entry: E): boolean {
    if (!removeFrom(this.#byPeer, entry.peer, entry)) return false
    const removed = removeFrom(this.#bySocket, formatSocketAddress(entry.remote), entry)
    assert(removed, 'both indexes hold the same connections')
    this.#identified.delete(entry)
    this.#size--
    return true
  }

  has(entry: E): boolean {
    return this.#byPeer.get(entry.peer)?.includes(entry) ?? false
  }

  /** In the order in which they were opened. */
  of(peer: PeerId): readonly E[] {
    return this.#byPeer.get(peer) ?? []
  }

  /** The newest one with this remote socket. */
  at(remote: SocketAddress): E | undefined {
    return this.#bySocket.get(formatSocketAddress(remote))?.at(-1)
  }

  /** The one to send on; undefined while the peer has not identified itself on any. */
  used(peer: PeerId): E | undefined {
    const entries = this.#byPeer.get(peer)
    if (entries === undefined) return undefined
    if (entries.length === 1) return entries[0]?.identified ? entries[0] : undefined
    let best: E | undefined
    for (const entry of entries) if (entry.identified) best = best === undefined ? entry : this.#better(best, entry)
    return best
  }

  /** Peers with a usable connection, each with it, in the order of their first connection. */
  usable(): E[] {
    return [...this.#byPeer.keys()].flatMap((peer) => this.used(peer) ?? [])
  }

  /** Whether `usable` names anybody. */
  get anyUsable(): boolean {
    return this.#identified.size > 0
  }

  all(): E[] {
    return [...this.#byPeer.values()].flat()
  }

  /** Our own dials that lost a simultaneous open: ours to close. */
  lostDials(peer: PeerId): E[] {
    const used = this.used(peer)
    if (used?.side !== 'acceptor') return []
    return this.of(peer).filter(
      (entry) => entry.side === 'dialler' && entry.identified && this.#simultaneous(entry, used),
    )
  }

  /** Oldest first, without the used one: what a peer holds above `limit`. */
  excess(peer: PeerId, limit: number): E[] {
    const used = this.used(peer)
    const spare = this.of(peer).filter((entry) => entry !== used)
    return spare.slice(0, Math.max(0, this.of(peer).length - limit))
  }

  /** Both sides dialled at once: the dial of the lower fingerprint; else the newer, since the older may be dead. */
  #better(older: E, newer: E): E {
    if (!this.#simultaneous(older, newer)) return newer
    const winner = newer.selfIsLower ? 'dialler' : 'acceptor'
    return older.side === winner ? older : newer
  }

  #simultaneous(a: E, b: E): boolean {
    return a.side !== b.side && Math.abs(a.openedAtMs - b.openedAtMs) <= this.#simultaneousMs
  }
}

function append<K, E>(index: Map<K, E[]>, key: K, entry: E): void {
  const list = index.get(key)
  if (list) list.push(entry)
  else index.set(key, [entry])
}

function removeFrom<K, E>(index: Map<K, E[]>, key: K, entry: E): boolean {
  const list = index.get(key)
  const place = list?.indexOf(entry) ?? -1
  if (!list || place < 0) return false
  list.splice(place, 1)
  if (list.length === 0) index.delete(key)
  return true
}
