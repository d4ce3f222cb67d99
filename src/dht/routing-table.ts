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
  /** No bucket beyond this one ever had an entry. */
  #deepest = 0

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
    const nearest: TableEntry[] = []
    for (const group of this.#groupsFrom(target)) {
      if (nearest.length >= count) break
      for (const entry of closest(target, group, count - nearest.length)) nearest.push(entry)
    }
    return nearest
  }

  /**
   * All entries in groups, each nearer to the target than the next: with the first bit in which the target differs
   * from self as the target has it; as self has it, nearer to self than that; then one bucket after the other outwards.
   */
  *#groupsFrom(target: Uint8Array): IterableIterator<readonly TableEntry[]> {
    const shared = Math.min(commonPrefixLength(this.selfKey, target), BUCKETS - 1)
    yield (this.#buckets[shared] as KBucket).entries
    yield this.#beyond(shared)
    for (let index = shared - 1; index >= 0; index--) yield (this.#buckets[index] as KBucket).entries
  }

  /** Entries that share more bits with self than those of this bucket. */
  #beyond(index: number): TableEntry[] {
    const entries: TableEntry[] = []
    for (let i = index + 1; i <= this.#deepest; i++) entries.push(...(this.#buckets[i] as KBucket).entries)
    return entries
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
    const shared = commonPrefixLength(this.selfKey, target)
    // What is farther out than the target's bucket is farther from it than self.
    let nearer = this.#buckets[shared]?.size ?? 0
    for (let i = shared + 1; i <= this.#deepest && nearer < width; i++) {
      for (const { key } of (this.#buckets[i] as KBucket).entries)
        if (compareDistance(target, key, this.selfKey) < 0) nearer++
    }
    return nearer < width
  }

  /** Appends a new entry; its bucket must have room. */
  insert(entry: TableEntry): void {
    const bucket = this.bucketOf(entry.key)
    assert(bucket.size < this.bucketSize, 'a bucket takes no more than its size')
    assert(!this.#byPeer.has(entry.peer), 'a peer has one entry')
    bucket.append(entry)
    this.#deepest = Math.max(this.#deepest, this.bucketIndexOf(entry.key))
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
