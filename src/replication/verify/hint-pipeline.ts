/**
 * The way of a hinted key (replication.md 4.4, 8, 9.5, 10): admitted, verified, fetched, back to verification or gone.
 * A key is in at most one of pending, fetch queue and in flight. Pure; what the node holds comes in as questions.
 */
import { type InSlices, LruMap } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { inAcceptanceWidth, inStorageWidth, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'
import { type Fetch, type FetchOptions, type FetchOutcome, FetchQueue } from './fetch-queue.ts'
import { type PendingKey, type PendingOptions, PendingTable, type Pipeline } from './pending-table.ts'
import { isShort } from './quorum.ts'
import type { KeyResult, KeyToVerify } from './verification-round.ts'

export type PipelineOptions = PendingOptions &
  FetchOptions &
  Widths &
  Pick<
    ReplicationOptions,
    'cycleKeys' | 'quorumThreshold' | 'extendPauseMs' | 'extendRefusedKeys' | 'extendRefusedMs' | 'extendHints'
  >

/** What the node knows at the moment of the call. */
export interface Facts {
  readonly view: OwnView
  stored(key: ChunkAddress): boolean
  /** In the own paid list. */
  paid(key: ChunkAddress): boolean
  /** The store takes nothing now: fetches and the search for their sources wait (section 23). */
  readonly full: boolean
  /** May be gone: asked last. */
  suspected(peer: PeerId): boolean
}

export interface HintsTaken {
  /** New entries: a node that joins has caught up when they have ended. */
  readonly admitted: readonly ChunkAddress[]
  /** Known, or not ours to know. */
  readonly ignored: number
  readonly overCapacity: number
  /** Waited for sources that are busy, and may be fetched from this one now. */
  readonly startable: number
}

/** What one decision asks of the caller. */
export interface Decided {
  /** Insert in the paid list. */
  readonly learnPaid: boolean
  /** Authorised, but nobody has it: log it, once for an entry. */
  readonly lost: boolean
  readonly next: 'fetch' | 'retry' | 'blocked' | 'end'
}

/** A queue that empties because the view or the disk changed does so in steps: the worker polls again. */
const SKIPPED_AT_ONCE = 256

/** Keys looked at in one go: some 3 ms. */
const SLICE = 512

/** Whose hints beyond the storage width are counted. */
const MAX_SOURCES = 1024

const ENDED: Decided = { learnPaid: false, lost: false, next: 'end' }

export class HintPipeline {
  readonly #self: PeerId
  readonly #options: PipelineOptions
  readonly pending: PendingTable
  readonly fetches: FetchQueue
  /** Who hinted how many keys to which others are nearer, since when: whoever does so in vain has it cheap. */
  readonly #heard = new LruMap<PeerId, { readonly since: number; keys: number }>(MAX_SOURCES)
  /** When a round found that enough of those nearer hold the key. */
  readonly #refused: LruMap<ChunkAddress, number>

  constructor(self: PeerId, options: PipelineOptions) {
    this.#self = self
    this.#options = options
    this.pending = new PendingTable(options)
    this.fetches = new FetchQueue(self, options)
    this.#refused = new LruMap(options.extendRefusedKeys)
  }

  /** Pending, queued or in flight. */
  has(key: ChunkAddress): boolean {
    return this.pending.has(key) || this.fetches.has(key)
  }

  /**
   * Hints of one message (section 8), or a slice of them: 1000 cost some 3 ms. When all have been given `hintsEnd` says
   * whether they were taken whole. Replica hints go first, so that a key of both sets is a replica.
   */
  hint(
    source: PeerId,
    hints: { readonly replica: readonly ChunkAddress[]; readonly paid: readonly ChunkAddress[] },
    facts: Facts,
    now: number,
  ): HintsTaken {
    const replica = new Set(hints.replica)
    const paid = new Set(hints.paid.filter((key) => !replica.has(key)))
    const admitted: ChunkAddress[] = []
    const counts = { ignored: 0, overCapacity: 0, startable: 0 }
    const take = (key: ChunkAddress, pipeline: Pipeline) => {
      const taken = this.#admit(source, key, pipeline, facts, now)
      if (taken === 'admitted') admitted.push(key)
      else counts[taken]++
    }
    for (const key of replica) take(key, 'replica')
    for (const key of paid) take(key, 'paidOnly')
    return { admitted, ...counts }
  }

  /** A message without hints over capacity clears the source's capacity mark (12.1). */
  hintsEnd(source: PeerId, overCapacity: number): void {
    if (overCapacity === 0) this.pending.forgetRejection(source)
  }

  /** Drops what is too old, then takes the due keys for a round; what ends without a round is not among them (9.1). */
  *startRound(facts: Facts, now: number): InSlices<KeyToVerify[]> {
    const keys: KeyToVerify[] = []
    while (this.pending.expire(now, SLICE).length === SLICE) yield
    for (let left = this.#options.cycleKeys, taken: PendingKey[]; left > 0; left -= taken.length) {
      taken = this.pending.takeDue(now, Math.min(left, SLICE))
      for (const { key, hinters, pipeline } of taken) {
        const [held, paidLocally] = [facts.stored(key), facts.paid(key)]
        const keeps = paidLocally && !held && this.#keeps(key, facts)
        const counted = paidLocally && !held && !keeps && pipeline === 'replica' && this.#accepts(key, facts)
        if (paidLocally && !keeps && !counted) this.pending.delete(key)
        else if (paidLocally && facts.full) this.pending.block(key, now)
        else keys.push({ key, paidLocally, held, counted, hinters })
      }
      if (taken.length < SLICE) break
      yield
    }
    return keys
  }

  /** A result of the round (9.5). Keys that left meanwhile are ignored. */
  decided({ key, result, sources, ...counts }: KeyResult, facts: Facts, now: number): Decided {
    const entry = this.pending.get(key)
    if (entry?.state !== 'verifying') return ENDED
    if (result === 'quorumInconclusive') return this.#retry(entry, now, { learnPaid: false, lost: false })
    if (result === 'quorumFailed') return this.#end(key, false)
    const learnPaid = result !== 'authorised'
    const keeps = this.#keeps(key, facts)
    // Between 9 and 20 the key is learnt and never fetched (scenarios 7 and 21), whoever hinted it. One that was learnt
    // before is, when those nearer lack it.
    const beyond = !keeps && result === 'authorised' && entry.pipeline === 'replica' && this.#accepts(key, facts)
    const extended = beyond && this.#fewHold(counts.absent, counts.nearer + counts.unheard)
    if (facts.stored(key) || !(keeps || extended)) {
      // Had the silent lacked it, it would be otherwise: the next hint is welcome.
      if (beyond && !this.#fewHold(counts.absent + counts.silent, counts.nearer)) this.#refused.set(key, now)
      return this.#end(key, learnPaid)
    }
    // They may just be fetching it, as after every put.
    if (extended && !this.pending.short(key, now, this.#options.extendPauseMs))
      return { learnPaid, lost: false, next: 'retry' }
    if (facts.full) {
      this.pending.block(key, now)
      return { learnPaid, lost: false, next: 'blocked' }
    }
    if (sources.length === 0) return this.#retry(entry, now, { learnPaid, lost: this.pending.reportLoss(key) })
    if (!this.fetches.add(entry, sources, extended)) {
      this.pending.block(key, now)
      return { learnPaid, lost: false, next: 'blocked' }
    }
    this.pending.delete(key)
    return { learnPaid, lost: false, next: 'fetch' }
  }

  /** Keys that wait for verification as replicas, or for their bytes; at most `limit`. */
  owed(limit: number, now: number): { readonly key: ChunkAddress; readonly ageMs: number }[] {
    const owed: { key: ChunkAddress; ageMs: number }[] = []
    for (const entries of [this.fetches.entries(), this.pending.entries()]) {
      for (const { key, pipeline, createdAt } of entries) {
        if (owed.length >= limit) return owed
        if (pipeline === 'replica') owed.push({ key, ageMs: now - createdAt })
      }
    }
    return owed
  }

  /** Keys that were owed before a restart, as if self had hinted them then. How many were not too old. */
  owe(keys: Iterable<{ readonly key: ChunkAddress; readonly ageMs: number }>, now: number): number {
    const of = { pipeline: 'replica' as const, hinters: [{ peer: this.#self, replica: true }] }
    let taken = 0
    for (const { key, ageMs } of keys) {
      const entry = { ...of, key, createdAt: now - ageMs, attempts: 0, lossReported: false, shortSince: undefined }
      if (this.pending.restore(entry, now)) taken++
    }
    return taken
  }

  /** The round fell apart (own shutdown, lost view): its keys wait as after an inconclusive one. */
  abandonRound(keys: Iterable<ChunkAddress>, now: number): void {
    for (const key of keys) if (this.pending.get(key)?.state === 'verifying') this.pending.retry(key, now)
  }

  /** The next fetch to start; keys that need none any more, or find no room, leave the queue on the way. */
  nextFetch(facts: Facts, now: number): Fetch | undefined {
    for (let skipped = 0; skipped < SKIPPED_AT_ONCE; skipped++) {
      const fetch = this.fetches.next((peer) => facts.suspected(peer))
      if (!fetch) return undefined
      if (facts.stored(fetch.key)) this.fetched(fetch, 'alreadyHeld', now)
      else if (!this.wants(fetch, facts)) this.fetched(fetch, 'noLongerResponsible', now)
      else if (facts.full) {
        this.fetched(fetch, 'localWriteFailed', now)
        this.pending.block(fetch.key, now)
      } else return fetch
    }
    return undefined
  }

  /** The view may have changed since the fetch was queued. */
  wants({ key, extended }: Fetch, facts: Pick<Facts, 'view'>): boolean {
    return extended ? this.#accepts(key, facts) : this.#keeps(key, facts)
  }

  /** The end of a fetch, as `FetchQueue.settle`: true when its source is charged a failure of weight 1. */
  fetched({ key }: Fetch, outcome: FetchOutcome, now: number, rests = false): boolean {
    const settled = this.fetches.settle(key, outcome, rests)
    if (!settled) return false
    if (settled.next.kind === 'verifyAgain') this.pending.restore(settled.next.pending, now)
    return settled.blame
  }

  #admit(source: PeerId, key: ChunkAddress, pipeline: Pipeline, facts: Facts, now: number): keyof HintsTaken {
    const [held, paid] = [facts.stored(key), facts.paid(key)]
    if (held && pipeline === 'replica') return 'ignored'
    // Most hints of a settled network: nothing to learn and nothing to fetch.
    if (paid && (held || !(this.#keeps(key, facts) || this.#mayExtend(source, key, pipeline, facts, now))))
      return 'ignored'
    if (this.fetches.has(key)) {
      // Self hints what it lost: no source.
      const joined = pipeline === 'replica' && source !== this.#self && this.fetches.join(key, source)
      return joined ? 'startable' : 'ignored'
    }
    const known = held || paid || this.pending.has(key)
    if (!known && !this.#accepts(key, facts)) return 'ignored'
    const outcome = this.pending.add(key, pipeline, source, now)
    return outcome === 'known' ? 'ignored' : outcome === 'added' ? 'admitted' : 'overCapacity'
  }

  /** Others are nearer, and may lack it: whoever hints it as a replica thinks so. */
  #mayExtend(source: PeerId, key: ChunkAddress, pipeline: Pipeline, facts: Facts, now: number): boolean {
    if (pipeline !== 'replica' || !this.#accepts(key, facts)) return false
    const { extendHints, extendRefusedMs } = this.#options
    const refusedAt = this.#refused.get(key)
    if (refusedAt !== undefined && now - refusedAt < extendRefusedMs) return false
    let heard = this.#heard.get(source)
    if (!heard || now - heard.since >= extendRefusedMs) this.#heard.set(source, (heard = { since: now, keys: 0 }))
    return ++heard.keys <= extendHints
  }

  /** At most a bare quorum of the 7 can hold it, and those that stand in for the others are too few. */
  #fewHold(absent: number, holding: number): boolean {
    return isShort(absent, this.#options) && holding < this.#options.closeGroupSize
  }

  #accepts(key: ChunkAddress, { view }: Pick<Facts, 'view'>): boolean {
    return inAcceptanceWidth(view, keyOf(key), this.#options)
  }

  #keeps(key: ChunkAddress, { view }: Pick<Facts, 'view'>): boolean {
    return inStorageWidth(view, keyOf(key), this.#options)
  }

  #retry({ key }: PendingKey, now: number, told: Omit<Decided, 'next'>): Decided {
    this.pending.retry(key, now)
    return { ...told, next: 'retry' }
  }

  #end(key: ChunkAddress, learnPaid: boolean): Decided {
    this.pending.delete(key)
    return { learnPaid, lost: false, next: 'end' }
  }
}
