/**
 * The hints for a peer (replication.md 7.2, 30.3 nr 2): all that it should hold and list as paid, or what is new since it
 * heard the last list. What finds no place in one message is told in the next one.
 */
import { LruMap } from '../../base/index.ts'
import { type ChunkAddress, KEY_BYTES, type NeighborHints, type PeerId } from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import { ALL_KINDS, type KeyKind } from '../view/hint-index.ts'
import type { HintWalk } from '../view/hint-walk.ts'
import { keyText } from '../view/key-bytes.ts'
import type { OwnView } from '../view/own-view.ts'
import { type Moment, type Since, ToldPeers } from './told-peers.ts'

export interface HintLists extends Pick<NeighborHints, 'replicaHints' | 'paidHints'> {
  /** Keys that the message had no room for. */
  readonly more: boolean
  /** The replica hints are all that there are, or the end of that: whoever missed some before hears them again. */
  readonly whole: boolean
  /** The peer has answered, or has been answered. */
  heard(peer: { bootstrapping: boolean }): void
}

export interface ListsWanted {
  readonly kinds: readonly KeyKind[]
  /** An answer may be lost: of replica hints only those count that went out with a question. */
  readonly inAnswer?: boolean
  /** What the last message had no room for, and no more. */
  readonly restOnly?: boolean
  /** Everything, whatever the peer has heard. */
  readonly all?: boolean
}

/** Hints of one kind in one message: encoding them, and decoding them on the other side, takes some 5 ms. */
const MAX_HINTS = 16_384
/** Lists whose last message had no room for all. */
const RESUMED = 512
const FORGOTTEN = 512
/** Peers that are told of keys outside of their groups, and keys of one of them. */
const EXTRA_PEERS = 512
const EXTRA_KEYS = 4096
const NEVER = Number.NEGATIVE_INFINITY

interface List {
  readonly kind: KeyKind
  readonly keys: readonly ChunkAddress[]
  readonly moment: Moment
  /** Whether it is, or ends, a list of everything. */
  readonly full: boolean
  readonly more: boolean
}

export class HintListMaker {
  readonly #parts: Parts
  readonly #told: ToldPeers
  /** The last key that was told, by peer, kind and way, and when its list began. */
  readonly #resume = new LruMap<string, { after: ChunkAddress; moment: Moment }>(RESUMED)
  /** When: what was under way then does not count. */
  readonly #forgotten = new LruMap<PeerId, number>(FORGOTTEN)
  #allForgottenAt = NEVER
  readonly #extra = new LruMap<PeerId, Set<ChunkAddress>>(EXTRA_PEERS)

  constructor(parts: Parts) {
    this.#parts = parts
    this.#told = new ToldPeers(parts.options)
  }

  async make(peer: PeerId, wanted: ListsWanted, signal: AbortSignal): Promise<HintLists> {
    const { kinds, inAnswer = false, restOnly = false, all = false } = wanted
    const madeAt = this.#parts.clock.monotonic()
    const lists: List[] = []
    for (const kind of kinds) {
      const place = placeOf(peer, kind, inAnswer)
      if (!restOnly || this.#resume.has(place)) lists.push(await this.#list(peer, kind, { place, all }, signal))
    }
    const keysOf = (kind: KeyKind) => lists.find((list) => list.kind === kind)?.keys ?? []
    const extra = inAnswer || !kinds.includes('stored') ? [] : this.#extraFor(peer)
    const stored = keysOf('stored')
    return {
      ...{ replicaHints: extra.length > 0 ? [...new Set([...stored, ...extra])] : stored, paidHints: keysOf('paid') },
      more: lists.some(({ more }) => more),
      whole: lists.some(({ kind, full }) => kind === 'stored' && full),
      heard: ({ bootstrapping }) => {
        // Of who joins nobody takes hints.
        if (!this.#parts.bootstrapping()) for (const key of extra) this.#extra.get(peer)?.delete(key)
        if (this.#forgottenSince(madeAt, peer)) return
        if (bootstrapping) this.joins(peer)
        for (const { kind, keys, moment, full, more } of lists) {
          const place = placeOf(peer, kind, inAnswer)
          // The next part follows the last one that was heard.
          if (more) this.#resume.set(place, { after: keys.at(-1) as ChunkAddress, moment })
          else if (full) this.#resume.delete(place)
          if (!more && !(inAnswer && kind === 'stored')) this.#told.heard(peer, kind, moment, { full, bootstrapping })
        }
      },
    }
  }

  /** The peer came into groups in which it was not in the view `before`. */
  regained(peer: PeerId, before: OwnView): void {
    this.#told.regained(peer, 'stored', before, this.#parts.clock.monotonic())
  }

  /** The peer is to hear of these keys once, whatever group it is in. What finds no room is left out. */
  extra(peer: PeerId, keys: readonly ChunkAddress[]): void {
    const known = this.#extra.get(peer) ?? new Set()
    for (const key of keys) if (known.size < EXTRA_KEYS) known.add(key)
    this.#extra.set(peer, known)
  }
  #extraFor(peer: PeerId): ChunkAddress[] {
    return [...(this.#extra.get(peer) ?? [])].filter((key) => this.#says('stored', key))
  }

  /** It says that it has not caught up. */
  joins(peer: PeerId): void {
    if (this.#told.joins(peer)) this.#startAnew(peer)
  }
  forget(peer: PeerId): void {
    this.#forgotten.set(peer, this.#parts.clock.monotonic())
    this.#extra.delete(peer)
    this.#told.forget(peer)
    this.#startAnew(peer)
  }
  /** What is held is not what it was: everybody is told all. */
  forgetAll(): void {
    this.#allForgottenAt = this.#parts.clock.monotonic()
    this.#told.clear()
    this.#resume.clear()
  }

  #forgottenSince(at: number, peer: PeerId): boolean {
    return at <= this.#allForgottenAt || at <= (this.#forgotten.get(peer) ?? NEVER)
  }

  #startAnew(peer: PeerId): void {
    for (const kind of ALL_KINDS)
      for (const inAnswer of [true, false]) this.#resume.delete(placeOf(peer, kind, inAnswer))
  }

  async #list(
    peer: PeerId,
    kind: KeyKind,
    { place, all }: { readonly place: string; readonly all: boolean },
    signal: AbortSignal,
  ): Promise<List> {
    const { clock, holdings } = this.#parts
    const resumed = this.#resume.get(place)
    const since = resumed || all ? undefined : this.#told.since(peer, kind, clock.monotonic())
    const now = { at: clock.monotonic(), view: holdings.view, place: holdings.index.place(kind) }
    const news = since && (await this.#news(peer, kind, since, now, signal))
    if (news) return { kind, keys: news, moment: now, full: false, more: false }
    const { index, view } = holdings
    const { after, moment } = resumed ?? { after: undefined, moment: now }
    const keys = await this.#collect(kind, index.keysFor(view, peer, kind, this.#width(kind), after), signal)
    const more = keys.length > MAX_HINTS
    return { kind, keys: more ? keys.slice(0, MAX_HINTS) : keys, moment, full: true, more }
  }

  /** Keys whose group gained the peer, and keys that came; undefined when these are too many or not known any more. */
  async #news(peer: PeerId, kind: KeyKind, since: Since, now: Moment, signal: AbortSignal) {
    const { holdings } = this.#parts
    const { index } = holdings
    const came = index.cameSince(since.place, kind)
    if (!came) return undefined
    const width = this.#width(kind)
    // At once, before another key comes: 16,384 take a millisecond.
    const standing = now.view.standing(peer)
    const mine: ChunkAddress[] = []
    for (let at = 0; at < came.bytes.length; at += KEY_BYTES)
      if (standing.rank(came.bytes, at) < width) mine.push(keyText(came.bytes, at))
    const keys = new Set<ChunkAddress>()
    for (const before of [since.view, ...since.gaps]) {
      if (before === now.view) continue
      const gained = index.keysGainedBy(peer, before, now.view, kind, width)
      for (const key of await this.#collect(kind, gained, signal)) keys.add(key)
    }
    for (const key of mine) if (index.has(key, kind) && this.#says(kind, key)) keys.add(key)
    return keys.size > MAX_HINTS ? undefined : [...keys]
  }

  /** One more than a message takes says that there are more. */
  async #collect(kind: KeyKind, walk: HintWalk, signal: AbortSignal): Promise<ChunkAddress[]> {
    const keys: ChunkAddress[] = []
    const visit = (key: ChunkAddress) => this.#says(kind, key) && keys.push(key)
    await this.#parts.holdings.walk(walk, visit, signal, () => keys.length > MAX_HINTS)
    return keys
  }

  /** A disk that is away, or a chunk that cannot be read, is hinted by those who have the bytes. */
  #says(kind: KeyKind, key: ChunkAddress): boolean {
    return kind === 'paid' || this.#parts.store.has(key)
  }

  #width(kind: KeyKind): number {
    const { closeGroupSize, paidGroupSize } = this.#parts.options
    return kind === 'stored' ? closeGroupSize : paidGroupSize
  }
}

function placeOf(peer: PeerId, kind: KeyKind, inAnswer: boolean): string {
  return `${peer} ${kind} ${inAnswer}`
}
