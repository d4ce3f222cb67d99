/**
 * Which keys to hint to whom, without looking at all keys (replication.md 7.2, 30.3 nr 2 and 6). Holds the keys that are
 * stored and those that are paid; answers by walks that can be taken in steps. Pure.
 */
import { Buffer } from 'node:buffer'
import { type ChunkAddress, KEY_BYTES, type PeerId } from '../../protocol/index.ts'
import { groupsGained, groupsGainedBy, groupsOf, HintWalk } from './hint-walk.ts'
import { keyText } from './key-bytes.ts'
import { KeyJournal, type KeyRun } from './key-journal.ts'
import type { OwnView } from './own-view.ts'
import { SortedKeys } from './sorted-keys.ts'

/** `stored` keys make replica hints, `paid` keys make paid hints; a key may be both. */
export type KeyKind = 'stored' | 'paid'

export const ALL_KINDS: readonly KeyKind[] = ['stored', 'paid']

const FLAGS: Readonly<Record<KeyKind, number>> = { stored: 1, paid: 2 }

export class HintIndex {
  readonly #keys = new SortedKeys()
  readonly #counts = { stored: 0, paid: 0 }
  readonly #changes = { stored: 0, paid: 0 }
  readonly #came: Readonly<Record<KeyKind, KeyJournal>> = { stored: new KeyJournal(), paid: new KeyJournal() }
  readonly #scratch = Buffer.alloc(KEY_BYTES)

  /** Keys of any kind. */
  get size(): number {
    return this.#keys.size
  }
  count(kind: KeyKind): number {
    return this.#counts[kind]
  }
  /** Moves with every key of the kind that comes or goes. */
  changes(kind: KeyKind): number {
    return this.#changes[kind]
  }
  has(key: ChunkAddress, kind: KeyKind): boolean {
    return (this.#keys.get(this.#bytes(key)) & FLAGS[kind]) !== 0
  }
  /** false when it was known. Without `news` neighbours hear of it with the next whole list only. */
  add(key: ChunkAddress, kind: KeyKind, news = true): boolean {
    const bytes = this.#bytes(key)
    const old = this.#keys.get(bytes)
    if ((old & FLAGS[kind]) !== 0) return false
    this.#keys.set(bytes, old | FLAGS[kind])
    this.#counts[kind]++
    this.#changes[kind]++
    if (news) this.#came[kind].add(bytes)
    return true
  }
  /** false when it was not known. */
  remove(key: ChunkAddress, kind: KeyKind): boolean {
    const bytes = this.#bytes(key)
    const old = this.#keys.get(bytes)
    if ((old & FLAGS[kind]) === 0) return false
    this.#keys.set(bytes, old & ~FLAGS[kind])
    this.#counts[kind]--
    this.#changes[kind]++
    return true
  }

  /** Where the keys of a kind that come from now on can be asked for. */
  place(kind: KeyKind): number {
    return this.#came[kind].place
  }
  /** Keys that came since, some of which may be gone again; undefined when that is not known any more. */
  cameSince(place: number, kind: KeyKind): KeyRun | undefined {
    return this.#came[kind].since(place)
  }
  /** What is held now was there from the start. */
  loaded(): void {
    for (const journal of Object.values(this.#came)) journal.clear()
  }

  /** Keys of a kind in ascending order, the first one after `after`; [] past the end. For scans in steps. */
  keysAfter(after: ChunkAddress | undefined, kind: KeyKind, limit: number): ChunkAddress[] {
    const found: ChunkAddress[] = []
    const cursor = this.#keys.seek(after === undefined ? new Uint8Array(KEY_BYTES) : this.#bytes(after))
    for (; !cursor.atEnd && found.length < limit; cursor.advance()) {
      if ((cursor.flags & FLAGS[kind]) === 0) continue
      const key = keyText(cursor.bytes, cursor.offset)
      if (key !== after) found.push(key)
    }
    return found
  }

  /** Keys of a kind for which the peer is among the `width` closest of the view, ascending, after `after`. */
  keysFor(view: OwnView, peer: PeerId, kind: KeyKind, width: number, after?: ChunkAddress): HintWalk {
    return new HintWalk(this.#keys, FLAGS[kind], groupsOf(view, peer, width), after) as HintWalk
  }

  /**
   * Keys of a kind whose `width` closest gained members by the change of view, with those members; self is told like
   * any other. Views the other way round give those that lost members.
   */
  keysGained(before: OwnView, after: OwnView, kind: KeyKind, width: number): HintWalk {
    return new HintWalk(this.#keys, FLAGS[kind], groupsGained(before, after, width)) as HintWalk
  }

  /** Those of `peer` alone. */
  keysGainedBy(peer: PeerId, before: OwnView, after: OwnView, kind: KeyKind, width: number): HintWalk {
    return new HintWalk(this.#keys, FLAGS[kind], groupsGainedBy(peer, before, after, width)) as HintWalk
  }

  #bytes(key: ChunkAddress): Uint8Array {
    // A fifth of what digits one by one take: every key that is asked about comes by here.
    this.#scratch.write(key, 'hex')
    return this.#scratch
  }
}
