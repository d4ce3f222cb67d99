/**
 * Chunks that a member of their close group turned out not to hold: its disk is full, or it lies (replication.md 23, 30.3
 * nr 9). Who holds such a chunk asks the group. Who lacks it at three looks is passed over, and the next nearest is told
 * of it, until as many hold it as a close group has members, or the acceptance width is used up; beyond the storage width
 * only where the chunk `isShort`, since whoever is told there looks for himself and takes it only then. A chunk with
 * copies outside of its group stays under watch: when they go, no group changes. Bounded. Pure; `now` is monotonic
 * milliseconds.
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
    | 'quorumThreshold'
    | 'requestKeys'
    | 'extendKeys'
    | 'extendDelayMs'
    | 'extendPauseMs'
    | 'extendLooks'
    | 'extendWatchMs'
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
  /** How often. */
  readonly told: Map<PeerId, number>
  readonly asking: Set<PeerId>
  looks: number
  dueAt: number
}

/** Who says so once or twice may just be fetching it. */
const LACKS = 3
/** Who was told before it knew of the payment has learnt that first. */
const TELLS = 2

export class UnderReplicated {
  readonly #options: ExtendOptions
  readonly #entries = new Map<ChunkAddress, Entry>()
  readonly #due = new IndexedHeap<'dueIndex', Entry>('dueIndex', (a, b) => a.dueAt < b.dueAt)
  readonly #probes: ProbeBatches
  /** Those of which enough are held, some of them outside of the group; the first gives way. */
  readonly #watched = new Set<Entry>()
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

  /** The peer left the view, and its copies with it: what counts on them is looked at soon. */
  gone(peer: PeerId, now: number): void {
    for (const entry of this.#watched) {
      if (!entry.holding.has(peer)) continue
      this.#due.delete(entry)
      this.#resume(entry, now + this.#options.extendDelayMs)
    }
  }

  /** What is to be done now. `busy`: may not be asked now; `silent`: is not asked at all. */
  step(
    view: OwnView,
    now: number,
    { busy, silent }: { busy?(peer: PeerId): boolean; silent?(peer: PeerId): boolean } = {},
  ): ExtendAction[] {
    for (let entry = this.#due.peek(); entry && entry.dueAt <= now; entry = this.#due.peek()) {
      this.#due.pop()
      if (this.#watched.has(entry)) this.#forgetLooks(entry)
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
    if (known) return known
    if (this.#entries.size >= this.#options.extendKeys) {
      const [watched] = this.#watched
      if (!watched) return undefined
      this.#end(watched)
    }
    const entry: Entry = {
      ...{ key, holding: new Set(), absent: new Map(), told: new Map(), asking: new Set() },
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
      const group = new Set(view.closest(keyOf(entry.key), this.#options.closeGroupSize))
      if (wanted.every((peer) => group.has(peer))) this.#end(entry)
      else {
        this.#watched.add(entry)
        this.#resume(entry, now + this.#options.extendWatchMs)
      }
      return []
    }
    const news = missing.filter((peer) => (entry.told.get(peer) ?? 0) < TELLS)
    for (const peer of news) entry.told.set(peer, (entry.told.get(peer) ?? 0) + 1)
    this.#resume(entry, now + this.#options.extendPauseMs)
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

  #resume(entry: Entry, at: number): void {
    entry.dueAt = at
    this.#due.push(entry)
  }

  /** Much may have changed since. */
  #forgetLooks(entry: Entry): void {
    this.#watched.delete(entry)
    for (const memory of [entry.holding, entry.absent, entry.told]) memory.clear()
    entry.looks = 0
  }

  #end(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#watched.delete(entry)
    this.#due.delete(entry)
  }
}
