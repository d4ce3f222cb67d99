/**
 * Verified keys that wait for their bytes (replication.md 10): nearest to self first, one source after the other, never
 * more requests to a peer than it serves at once. Pure.
 */
import { type ChunkAddress, distance, type Key, keyOf, type PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { compareAt } from '../view/key-bytes.ts'
import { IndexedHeap, type Placed } from './indexed-heap.ts'
import type { PendingKey } from './pending-table.ts'

export type FetchOptions = Pick<
  ReplicationOptions,
  'fetchQueue' | 'fetchParallel' | 'fetchSources' | 'fetchOutstandingPerPeer'
>

export interface Fetch {
  readonly key: ChunkAddress
  readonly source: PeerId
  /** Wanted although others are nearer: they do not hold it. */
  readonly extended: boolean
}

export type FetchOutcome =
  /** `alreadyHeld` and `noLongerResponsible` may come before anything was asked. */
  | 'stored'
  | 'alreadyHeld'
  | 'noLongerResponsible'
  /** NotFound, Error, wrong type, undecodable, wrong key, oversize, or bytes that do not hash to the key. */
  | 'sourceFailed'
  | 'timeout'
  /** It goes on beside the next source; there is one. */
  | 'slow'
  | 'localWriteFailed'

export type FetchNext =
  | { readonly kind: 'done' }
  /** Queued again with the sources not tried; no new verification. */
  | { readonly kind: 'nextSource' }
  /** The pending entry as it was: `PendingTable.restore` takes it. */
  | { readonly kind: 'verifyAgain'; readonly pending: PendingKey }

/** What a settled fetch leads to, and whether its source is charged a failure of weight 1. */
export interface FetchSettled {
  readonly next: FetchNext
  readonly blame: boolean
}

interface Entry extends Placed<'place'> {
  readonly key: ChunkAddress
  readonly distance: Key
  readonly pending: PendingKey
  readonly extended: boolean
  /** Untried, in order. */
  sources: PeerId[]
  /** Tried and untried. */
  readonly named: PeerId[]
  source: PeerId | undefined
  /** Whose lines it stands in. */
  lines: readonly PeerId[]
}

export class FetchQueue {
  readonly #options: FetchOptions
  readonly #selfKey: Key
  readonly #entries = new Map<ChunkAddress, Entry>()
  readonly #waiting = new IndexedHeap<'place', Entry>('place', (a, b) => compareAt(a.distance, 0, b.distance, 0) < 0)
  /** Entries whose untried sources are all busy, under each of them: the first that is free takes one. */
  readonly #parked = new Map<PeerId, Set<Entry>>()
  readonly #outstanding = new Map<PeerId, number>()
  #inFlight = 0

  constructor(self: PeerId, options: FetchOptions) {
    this.#selfKey = keyOf(self)
    this.#options = options
  }

  /** Queued and in flight. */
  get size(): number {
    return this.#entries.size
  }
  get inFlight(): number {
    return this.#inFlight
  }
  /** Peers with something outstanding. */
  get busyPeers(): number {
    return this.#outstanding.size
  }
  has(key: ChunkAddress): boolean {
    return this.#entries.has(key)
  }

  /** In flight or not, it has a source that was not asked yet. */
  hasOther(key: ChunkAddress): boolean {
    return (this.#entries.get(key)?.sources.length ?? 0) > 0
  }

  /** As they were when they came. */
  *entries(): IterableIterator<PendingKey> {
    for (const { pending } of this.#entries.values()) yield pending
  }

  /** false: full, without a source, or there already; the key stays where it was. */
  add(pending: PendingKey, sources: readonly PeerId[], extended = false): boolean {
    if (this.#entries.size >= this.#options.fetchQueue || sources.length === 0 || this.has(pending.key)) return false
    const { key } = pending
    const untried = [...new Set(sources)].slice(0, this.#options.fetchSources)
    const away = distance(this.#selfKey, keyOf(key))
    const state = { sources: untried, named: [...untried], source: undefined, lines: [] }
    const entry: Entry = { key, distance: away, pending, extended, ...state, place: -1 }
    this.#entries.set(entry.key, entry)
    this.#waiting.push(entry)
    return true
  }

  /** One more peer that hinted the key as a replica. true: the key waited for busy sources only, and may start now. */
  join(key: ChunkAddress, source: PeerId): boolean {
    const entry = this.#entries.get(key)
    if (!entry || entry.named.includes(source) || entry.named.length >= this.#options.fetchSources) return false
    entry.named.push(source)
    entry.sources.push(source)
    const waited = entry.lines.length > 0
    if (waited) this.#unpark(entry)
    return waited
  }

  /** The nearest key that has a free source; undefined when nothing can start now. Who is suspected is asked last. */
  next(suspected: (peer: PeerId) => boolean = () => false): Fetch | undefined {
    if (this.#inFlight >= this.#options.fetchParallel) return undefined
    this.#unparkFree()
    for (let entry = this.#waiting.pop(); entry; entry = this.#waiting.pop()) {
      const sound = entry.sources.filter((peer) => !suspected(peer))
      const candidates = sound.length > 0 ? sound : entry.sources
      const index = entry.sources.indexOf(candidates.find((peer) => this.#free(peer) > 0) as PeerId)
      if (index < 0) {
        this.#park(entry, candidates)
        continue
      }
      const [source] = entry.sources.splice(index, 1) as [PeerId]
      entry.source = source
      this.#outstanding.set(source, (this.#outstanding.get(source) ?? 0) + 1)
      this.#inFlight++
      return { key: entry.key, source, extended: entry.extended }
    }
    return undefined
  }

  /** The end of a fetch that `next` gave; `rests`: its source is free only after `rested`. undefined: not in flight. */
  settle(key: ChunkAddress, outcome: FetchOutcome, rests = false): FetchSettled | undefined {
    const entry = this.#entries.get(key)
    if (entry?.source === undefined) return undefined
    const { source } = entry
    entry.source = undefined
    this.#inFlight--
    if (!rests) this.rested(source)
    switch (outcome) {
      case 'stored':
      case 'alreadyHeld':
      case 'noLongerResponsible':
        this.#entries.delete(key)
        return { next: { kind: 'done' }, blame: false }
      case 'localWriteFailed':
        this.#entries.delete(key)
        return { next: { kind: 'verifyAgain', pending: entry.pending }, blame: false }
      default:
        return { next: this.#tryNext(entry), blame: outcome === 'sourceFailed' }
    }
  }

  /** Takes a key out that has not started: held by now, or no longer ours. */
  drop(key: ChunkAddress): boolean {
    const entry = this.#entries.get(key)
    if (!entry || entry.source !== undefined) return false
    this.#entries.delete(key)
    this.#unpark(entry)
    this.#waiting.delete(entry)
    return true
  }

  #tryNext(entry: Entry): FetchNext {
    if (entry.sources.length > 0) {
      this.#waiting.push(entry)
      return { kind: 'nextSource' }
    }
    this.#entries.delete(entry.key)
    return { kind: 'verifyAgain', pending: entry.pending }
  }

  /** A source that had an outstanding fetch may be asked again. */
  rested(source: PeerId): void {
    const left = (this.#outstanding.get(source) ?? 1) - 1
    if (left === 0) this.#outstanding.delete(source)
    else this.#outstanding.set(source, left)
  }

  #free(peer: PeerId): number {
    return this.#options.fetchOutstandingPerPeer - (this.#outstanding.get(peer) ?? 0)
  }

  #park(entry: Entry, candidates: readonly PeerId[]): void {
    entry.lines = candidates
    for (const peer of candidates) {
      const line = this.#parked.get(peer)
      if (line) line.add(entry)
      else this.#parked.set(peer, new Set([entry]))
    }
  }

  #unpark(entry: Entry): void {
    for (const peer of entry.lines) {
      const line = this.#parked.get(peer)
      if (line?.delete(entry) && line.size === 0) this.#parked.delete(peer)
    }
    if (entry.lines.length > 0) this.#waiting.push(entry)
    entry.lines = []
  }

  /** As many of each line as its source has room for: lines exist only for the few peers that are busy. */
  #unparkFree(): void {
    for (const [peer, line] of this.#parked) {
      let room = this.#free(peer)
      for (const entry of line) {
        if (room-- <= 0) break
        this.#unpark(entry)
      }
    }
  }
}
