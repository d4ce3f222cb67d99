/**
 * Hinted keys that wait for verification (replication.md 4.4, 4.5, 13). Bounded: when full, the source that holds most
 * gives way, so that a flooder cannot push out a modest peer. Due keys are found without looking at the others. Pure;
 * `now` is monotonic milliseconds.
 */
import { assert, type InSlices } from '../../base/index.ts'
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { type Charged, FairShare } from './fair-share.ts'
import { IndexedHeap, type Placed } from './indexed-heap.ts'
import type { Hinter } from './verification-round.ts'

/** `replica` ends in a fetch, `paidOnly` in the paid list. A key hinted both ways is a replica. */
export type Pipeline = 'replica' | 'paidOnly'

export interface PendingKey {
  readonly key: ChunkAddress
  readonly pipeline: Pipeline
  readonly state: 'waiting' | 'verifying'
  readonly hinters: readonly Hinter[]
  /** Of the first hint; a fetch that came back keeps it. */
  readonly createdAt: number
  /** Rounds without a final result so far: the exponent of the back-off. */
  readonly attempts: number
  /** "No holder" is logged once. */
  readonly lossReported: boolean
  /** Others are nearer, and a round found that too few of them hold it: when first. */
  readonly shortSince: number | undefined
}

export type PendingOptions = Pick<
  ReplicationOptions,
  | 'pendingEntries'
  | 'pendingSources'
  | 'pendingLifeMs'
  | 'pendingHinters'
  | 'retryMinMs'
  | 'retryMaxMs'
  | 'capacityRetryMs'
>

/** `known`: the key was pending already; it has the source now unless it has enough of them. */
export type AddOutcome = 'added' | 'known' | 'overCapacity'

interface Entry extends PendingKey, Charged<PeerId>, Placed<'dueIndex' | 'lifeIndex'> {
  pipeline: Pipeline
  state: 'waiting' | 'verifying'
  hinters: Hinter[]
  attempts: number
  lossReported: boolean
  shortSince: number | undefined
  dueAt: number
}

/** Entries in one go: some 3 ms. */
const SLICE = 2048

export class PendingTable {
  readonly #options: PendingOptions
  readonly #entries = new Map<ChunkAddress, Entry>()
  readonly #shares = new FairShare<PeerId, Entry>()
  readonly #due = new IndexedHeap<'dueIndex', Entry>('dueIndex', (a, b) => a.dueAt < b.dueAt)
  readonly #life = new IndexedHeap<'lifeIndex', Entry>('lifeIndex', (a, b) => a.createdAt < b.createdAt)
  /** Sources with hints that found no room and were not repeated since, by the time of the last one. */
  readonly #rejected = new Map<PeerId, number>()

  constructor(options: PendingOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }
  /** Sources that pay for something: at most as many as there are entries. */
  get sources(): number {
    return this.#shares.sources
  }
  /** When the next key is due; undefined when none waits. */
  get nextDueAt(): number | undefined {
    return this.#due.peek()?.dueAt
  }
  /** When the next key is due or the life of one is over; undefined when the table is empty. */
  get nextAt(): number | undefined {
    const oldest = this.#life.peek()
    if (!oldest) return undefined
    return Math.min(oldest.createdAt + this.#options.pendingLifeMs, this.nextDueAt ?? Number.POSITIVE_INFINITY)
  }
  has(key: ChunkAddress): boolean {
    return this.#entries.has(key)
  }
  get(key: ChunkAddress): PendingKey | undefined {
    return this.#entries.get(key)
  }
  entries(): IterableIterator<PendingKey> {
    return this.#entries.values()
  }
  /** Entries charged to a source. */
  heldBy(source: PeerId): number {
    return this.#shares.held(source)
  }

  /** A hint. New keys are due at once. */
  add(key: ChunkAddress, pipeline: Pipeline, source: PeerId, now: number): AddOutcome {
    const entry = this.#entries.get(key)
    if (entry) {
      this.#join(entry, pipeline, source)
      return 'known'
    }
    if (!this.#makeRoom(source, now)) {
      this.#reject(source, now)
      return 'overCapacity'
    }
    this.#insert(
      key,
      pipeline,
      [{ peer: source, replica: pipeline === 'replica' }],
      { createdAt: now, attempts: 0 },
      now,
    )
    return 'added'
  }

  /** A key that left for the fetch queue and found no source: it keeps its age and back-off. false: too old or no room. */
  restore(from: Omit<PendingKey, 'state'>, now: number): boolean {
    const first = from.hinters[0]
    if (this.#entries.has(from.key) || !first || now - from.createdAt >= this.#options.pendingLifeMs) return false
    if (!this.#makeRoom(first.peer, now)) {
      this.#reject(first.peer, now)
      return false
    }
    const entry = this.#insert(from.key, from.pipeline, [...from.hinters], from, now)
    this.#due.delete(entry)
    entry.lossReported = from.lossReported
    this.#wait(entry, now)
    return true
  }

  /** Up to `limit` keys whose time has come; they are `verifying` until `retry`, `block` or `delete`. */
  takeDue(now: number, limit: number): PendingKey[] {
    const taken: Entry[] = []
    while (taken.length < limit) {
      const entry = this.#due.peek()
      if (!entry || entry.dueAt > now) break
      this.#due.pop()
      entry.state = 'verifying'
      taken.push(entry)
    }
    return taken
  }

  /** Inconclusive or no holder: 15 s, 30 s ... 5 min. */
  retry(key: ChunkAddress, now: number): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#due.delete(entry)
    this.#wait(entry, now)
  }

  /** No room on disk: a flat 5 min, no attempt is counted. */
  block(key: ChunkAddress, now: number): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#postpone(entry, now + this.#options.capacityRetryMs)
  }

  /** Too few of those nearer hold it. true when they did not `pauseMs` ago either; else it is looked at again then. */
  short(key: ChunkAddress, now: number, pauseMs: number): boolean {
    const entry = this.#entries.get(key)
    if (!entry) return false
    entry.shortSince ??= now
    if (now - entry.shortSince >= pauseMs) return true
    this.#postpone(entry, entry.shortSince + pauseMs)
    return false
  }

  /** What waits is due now, in slices: whatever it waited for may be there. */
  *wake(now: number): InSlices<void> {
    let slice = 0
    for (const entry of this.#entries.values()) {
      if (this.#due.delete(entry)) this.#schedule(entry, Math.min(entry.dueAt, now))
      if (++slice % SLICE === 0) yield
    }
  }

  /** true the first time for an entry. */
  reportLoss(key: ChunkAddress): boolean {
    const entry = this.#entries.get(key)
    if (!entry || entry.lossReported) return false
    entry.lossReported = true
    return true
  }

  /** Leaves by any end; the entry as it was. */
  delete(key: ChunkAddress): PendingKey | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    this.#due.delete(entry)
    this.#life.delete(entry)
    this.#shares.remove(entry)
    return entry
  }

  /** Keys whose 30 minutes are over, at most `limit` of them. */
  expire(now: number, limit: number): ChunkAddress[] {
    const expired: ChunkAddress[] = []
    for (let entry = this.#life.peek(); entry && expired.length < limit; entry = this.#life.peek()) {
      if (now - entry.createdAt < this.#options.pendingLifeMs) break
      this.delete(entry.key)
      expired.push(entry.key)
    }
    return expired
  }

  /** Sources whose hints were turned away: they must hint again (12.1). */
  capacityRejected(source: PeerId): boolean {
    return this.#rejected.has(source)
  }
  get capacityRejectedSources(): IterableIterator<PeerId> {
    return this.#rejected.keys()
  }
  /** A later batch of the source was taken whole, or the source is gone. */
  forgetRejection(source: PeerId): void {
    this.#rejected.delete(source)
  }

  #join(entry: Entry, pipeline: Pipeline, source: PeerId): void {
    const replica = pipeline === 'replica'
    if (replica) entry.pipeline = 'replica'
    const index = entry.hinters.findIndex(({ peer }) => peer === source)
    if (index >= 0) {
      if (replica) entry.hinters[index] = { peer: source, replica }
    } else if (entry.hinters.length < this.#options.pendingSources) entry.hinters.push({ peer: source, replica })
  }

  #insert(
    key: ChunkAddress,
    pipeline: Pipeline,
    hinters: Hinter[],
    { createdAt, attempts }: { createdAt: number; attempts: number },
    now: number,
  ): Entry {
    const entry: Entry = {
      ...{ key, pipeline, hinters, createdAt, attempts, lossReported: false, shortSince: undefined },
      ...{ state: 'waiting', dueAt: now },
      ...{ payer: undefined, payerIndex: -1, dueIndex: -1, lifeIndex: -1 },
    }
    this.#entries.set(key, entry)
    this.#shares.add(entry, (hinters[0] as Hinter).peer)
    this.#life.push(entry)
    this.#due.push(entry)
    return entry
  }

  /** A place for one more entry of the source: true when there is one. */
  #makeRoom(source: PeerId, now: number): boolean {
    while (this.#entries.size >= this.#options.pendingEntries) {
      const largest = this.#shares.largest()
      if (largest === undefined || this.#shares.held(largest) <= this.#shares.held(source) + 1) return false
      const entry = this.#shares.newest(largest) as Entry
      if (this.#passOn(entry)) continue
      this.#reject(largest, now)
      this.delete(entry.key)
    }
    return true
  }

  /** What a modest peer hinted too is charged to that peer instead of being lost; each step levels the shares. */
  #passOn(entry: Entry): boolean {
    const payer = entry.payer as PeerId
    const modest = entry.hinters.find(({ peer }) => this.#shares.held(peer) + 1 < this.#shares.held(payer))
    if (!modest) return false
    this.#shares.remove(entry)
    this.#shares.add(entry, modest.peer)
    return true
  }

  #postpone(entry: Entry, dueAt: number): void {
    this.#due.delete(entry)
    this.#schedule(entry, dueAt)
  }

  #wait(entry: Entry, now: number): void {
    const { retryMinMs, retryMaxMs } = this.#options
    const pause = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(entry.attempts, 30))
    entry.attempts++
    this.#schedule(entry, now + pause)
  }

  #schedule(entry: Entry, dueAt: number): void {
    assert(!this.#due.has(entry), 'an entry is due once')
    entry.state = 'waiting'
    entry.dueAt = dueAt
    this.#due.push(entry)
  }

  #reject(source: PeerId, now: number): void {
    this.#rejected.delete(source)
    this.#rejected.set(source, now)
    if (this.#rejected.size > this.#options.pendingHinters) {
      this.#rejected.delete(this.#rejected.keys().next().value as PeerId)
    }
  }
}
