/**
 * Chunks that a member of their close group turned out not to hold: its disk is full, or it lies (replication.md 23, 30.3
 * nr 9). Who holds such a chunk asks the group. Who lacks it twice is passed over, and the next nearest is told of it,
 * until as many hold it as a close group has members, or the acceptance width is used up; beyond the storage width only
 * where the chunk `isShort`, since whoever is told there looks for himself and takes it only then. Bounded. Pure; `now`
 * is monotonic milliseconds.
 */
import { type ChunkAddress, keyOf, type PeerId, type VerificationResult } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { ProbeBatches } from '../traffic/probe-batches.ts'
import type { VerificationQuestion } from '../traffic/verification-gate.ts'
import { IndexedHeap, type Placed } from '../verify/indexed-heap.ts'
import { isShort } from '../verify/quorum.ts'
import type { Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'

export type ExtendOptions = Widths &
  Pick<
    ReplicationOptions,
    'quorumThreshold' | 'requestKeys' | 'extendKeys' | 'extendDelayMs' | 'extendPauseMs' | 'extendLooks'
  >

export type ExtendAction =
  /** `answered` answers. */
  | ({ readonly kind: 'ask' } & VerificationQuestion)
  /** The peer should hold the key. */
  | { readonly kind: 'tell'; readonly key: ChunkAddress; readonly peer: PeerId }

interface Entry extends Placed<'dueIndex'> {
  readonly key: ChunkAddress
  readonly holding: Set<PeerId>
  /** How often each said that it does not hold the key. */
  readonly absent: Map<PeerId, number>
  readonly told: Set<PeerId>
  readonly asking: Set<PeerId>
  looks: number
  dueAt: number
}

/** Who says so once may just be fetching it. */
const LACKS = 2

export class UnderReplicated {
  readonly #options: ExtendOptions
  readonly #entries = new Map<ChunkAddress, Entry>()
  readonly #due = new IndexedHeap<'dueIndex', Entry>('dueIndex', (a, b) => a.dueAt < b.dueAt)
  readonly #probes: ProbeBatches
  /** All have answered that were asked in this look. */
  #looked: Entry[] = []

  constructor(options: ExtendOptions) {
    this.#options = options
    this.#probes = new ProbeBatches(options.requestKeys)
  }

  get size(): number {
    return this.#entries.size
  }
  /** When `step` has something to do without a report; undefined: nothing is timed. */
  get nextAt(): number | undefined {
    return this.#due.peek()?.dueAt
  }

  /** The peer should hold the key, which is held here, and does not. Beyond the limit nothing is noted. */
  lacks(key: ChunkAddress, peer: PeerId, now: number): void {
    const entry = this.#enter(key, now)
    entry?.absent.set(peer, LACKS)
    entry?.holding.delete(peer)
  }

  /** The key, which is held here, may be missing with others. */
  doubt(key: ChunkAddress, now: number): void {
    this.#enter(key, now)
  }

  /** It is not held here any more. */
  forget(key: ChunkAddress): void {
    const entry = this.#entries.get(key)
    if (entry) this.#end(entry)
  }

  /** What is to be done now. `busy`: may not be asked now; `silent`: is not asked at all. */
  step(
    view: OwnView,
    now: number,
    { busy, silent }: { busy?(peer: PeerId): boolean; silent?(peer: PeerId): boolean } = {},
  ): ExtendAction[] {
    for (let entry = this.#due.peek(); entry && entry.dueAt <= now; entry = this.#due.peek()) {
      this.#due.pop()
      entry.looks++
      for (const peer of this.#wanted(entry, view)) {
        if (entry.holding.has(peer) || silent?.(peer)) continue
        entry.asking.add(peer)
        this.#probes.add(peer, entry.key)
      }
      if (entry.asking.size === 0) this.#looked.push(entry)
    }
    const tells = this.#looked.splice(0).flatMap((entry) => this.#extend(entry, view, now))
    return [...tells, ...this.#probes.take(busy).map((question) => ({ kind: 'ask' as const, ...question }))]
  }

  /** Answers of a peer that was asked; undefined when it gave none in time. */
  answered(peer: PeerId, results: readonly VerificationResult[] | undefined): void {
    const answers = new Map(results?.map(({ key, present }) => [key, present]))
    for (const key of this.#probes.answered(peer)) {
      const entry = this.#entries.get(key)
      if (!entry?.asking.delete(peer)) continue
      const present = answers.get(key)
      if (present === true) entry.holding.add(peer)
      else if (present === false) entry.absent.set(peer, (entry.absent.get(peer) ?? 0) + 1)
      if (entry.asking.size === 0) this.#looked.push(entry)
    }
  }

  #enter(key: ChunkAddress, now: number): Entry | undefined {
    const known = this.#entries.get(key)
    if (known || this.#entries.size >= this.#options.extendKeys) return known
    const entry: Entry = {
      ...{ key, holding: new Set(), absent: new Map(), told: new Set(), asking: new Set() },
      ...{ looks: 0, dueAt: now + this.#options.extendDelayMs, dueIndex: -1 },
    }
    this.#entries.set(key, entry)
    this.#due.push(entry)
    return entry
  }

  /** After a look: tells who should hold it now, and looks again unless all do. */
  #extend(entry: Entry, view: OwnView, now: number): ExtendAction[] {
    if (this.#entries.get(entry.key) !== entry) return []
    const wanted = this.#wanted(entry, view)
    const missing = wanted.filter((peer) => !entry.holding.has(peer))
    if (missing.length === 0 || entry.looks >= this.#options.extendLooks) {
      this.#end(entry)
      return []
    }
    const news = missing.filter((peer) => !entry.told.has(peer))
    for (const peer of news) entry.told.add(peer)
    entry.dueAt = now + this.#options.extendPauseMs
    this.#due.push(entry)
    return news.map((peer) => ({ kind: 'tell' as const, key: entry.key, peer }))
  }

  /** As many others as make a close group with self, nearest first, without those that lack it. */
  #wanted({ key, absent }: Entry, view: OwnView): PeerId[] {
    const { closeGroupSize, storageWidth, acceptanceWidth } = this.#options
    const lacking = (peer: PeerId) => (absent.get(peer) ?? 0) >= LACKS
    const near = view.closest(keyOf(key), acceptanceWidth)
    const missing = near.slice(0, closeGroupSize).filter(lacking).length
    const within = isShort(missing, this.#options) ? near : near.slice(0, storageWidth)
    const takers = within.filter((peer) => peer !== view.self && !lacking(peer))
    return takers.slice(0, closeGroupSize - 1)
  }

  #end(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#due.delete(entry)
  }
}
