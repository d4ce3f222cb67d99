/**
 * 256 buckets by common prefix length with self: bucket 0 is the farthest half of the space (dht.md 1). Pure: it knows
 * no rules of admission, only limits of place. Self is never in it.
 */
import { assert } from '../base/index.ts'
import { commonPrefixLength, compareDistance, type Key, keyOf, type PeerId } from '../protocol/index.ts'
import { closest } from './close-group.ts'
import { KBucket, type TableEntry } from './k-bucket.ts'

export const BUCKETS = 256

export class RoutingTable {
  readonly self: PeerId
  readonly selfKey: Key
  readonly bucketSize: number
  readonly #buckets: readonly KBucket[]
  readonly #byPeer = new Map<PeerId, TableEntry>()
  #closestToSelf: readonly TableEntry[] | undefined

  constructor(self: PeerId, options: { bucketSize: number; now: number }) {
    this.self = self
    this.selfKey = keyOf(self)
    this.bucketSize = options.bucketSize
    this.#buckets = Array.from({ length: BUCKETS }, () => new KBucket(options.now))
  }

  get size(): number {
    return this.#byPeer.size
  }
  get(peer: PeerId): TableEntry | undefined {
    return this.#byPeer.get(peer)
  }
  has(peer: PeerId): boolean {
    return this.#byPeer.has(peer)
  }
  /** In order of admission. */
  entries(): TableEntry[] {
    return [...this.#byPeer.values()]
  }
  get buckets(): readonly KBucket[] {
    return this.#buckets
  }
  /** Bucket of a key that is not self's own. */
  bucketIndexOf(key: Uint8Array): number {
    const index = commonPrefixLength(this.selfKey, key)
    assert(index < BUCKETS, 'self has no bucket')
    return index
  }
  bucketOf(key: Uint8Array): KBucket {
    return this.#buckets[this.bucketIndexOf(key)] as KBucket
  }

  /** The `count` entries nearest to the target, nearest first. */
  closest(target: Uint8Array, count: number): TableEntry[] {
    return closest(target, this.#byPeer.values(), count)
  }
  /** The k entries nearest to self. */
  closestToSelf(): readonly TableEntry[] {
    return (this.#closestToSelf ??= this.closest(this.selfKey, this.bucketSize))
  }
  /** The `count` nearest ids with self in its place. */
  closestWithSelf(target: Uint8Array, count: number): PeerId[] {
    const others: { peer: PeerId; key: Key }[] = this.closest(target, count)
    const all = [...others, { peer: this.self, key: this.selfKey }]
    return closest(target, all, count).map(({ peer }) => peer)
  }
  /** Self is among the `width` closest: fewer than `width` known peers are nearer. */
  isResponsible(target: Uint8Array, width: number): boolean {
    let nearer = 0
    for (const { key } of this.#byPeer.values()) {
      if (compareDistance(target, key, this.selfKey) < 0 && ++nearer >= width) return false
    }
    return width > 0
  }

  /** Appends a new entry; its bucket must have room. */
  insert(entry: TableEntry): void {
    const bucket = this.bucketOf(entry.key)
    assert(bucket.size < this.bucketSize, 'a bucket takes no more than its size')
    assert(!this.#byPeer.has(entry.peer), 'a peer has one entry')
    bucket.append(entry)
    this.#byPeer.set(entry.peer, entry)
    this.#closestToSelf = undefined
  }
  remove(peer: PeerId): TableEntry | undefined {
    const entry = this.#byPeer.get(peer)
    if (!entry) return undefined
    this.bucketOf(entry.key).remove(peer)
    this.#byPeer.delete(peer)
    this.#closestToSelf = undefined
    return entry
  }
  /** A sign of life: refreshes `lastSeen` and the bucket's live stamp, moves to the tail. False for strangers. */
  touch(peer: PeerId, now: number): boolean {
    const entry = this.#byPeer.get(peer)
    if (!entry) return false
    this.bucketOf(entry.key).touch(peer, now)
    return true
  }
}
