/**
 * Walks over the parts of the key space where a question about groups can be answered with yes (replication.md 30.3,
 * nr 2 and 6). A region is left at once when its answer is no for all keys, told whole when it is yes for all, and
 * halved otherwise. Runs in steps; keys may come and go between them: those behind the walk are not seen. Pure.
 */
import { type ChunkAddress, KEY_BYTES, keyOf, type PeerId } from '../../protocol/index.ts'
import { bitOf, compareAt, keyText } from './key-bytes.ts'
import { Narrowing } from './narrowing.ts'
import type { OwnView } from './own-view.ts'
import type { KeyCursor, SortedKeys } from './sorted-keys.ts'

/** What a walk asks of each region. */
export interface WalkRule<State> {
  readonly start: State
  half(state: State, bit: number, value: 0 | 1): State
  /** Peers that all keys of the region are told for; 'none' leaves the region, 'open' halves it. */
  verdict(state: State): readonly PeerId[] | 'none' | 'open'
}

/** `peers` is the same array for all keys of a region. */
export type KeyVisitor = (key: ChunkAddress, peers: readonly PeerId[]) => void

interface Region<State> {
  /** The prefix, then zeros; where the telling goes on once it began. */
  readonly from: Uint8Array
  readonly prefixBits: number
  readonly state: State
  /** Told up to `from`, for these. */
  readonly peers?: readonly PeerId[]
}

export class HintWalk<State = unknown> {
  readonly #keys: SortedKeys
  readonly #flag: number
  readonly #rule: WalkRule<State>
  readonly #stack: Region<State>[]
  readonly #start: Uint8Array | undefined
  /** Regions and keys looked at so far. */
  operations = 0

  /** Keys up to `after` are left out. */
  constructor(keys: SortedKeys, flag: number, rule: WalkRule<State>, after?: ChunkAddress) {
    this.#start = after === undefined ? undefined : following(keyOf(after))
    this.#keys = keys
    this.#flag = flag
    this.#rule = rule
    this.#stack = [{ from: new Uint8Array(KEY_BYTES), prefixBits: 0, state: rule.start }]
  }

  /** Goes on for about `budget` regions and keys. true when all has been told. */
  step(budget: number, visit: KeyVisitor): boolean {
    const end = this.operations + budget
    while (this.operations < end) {
      const region = this.#stack.pop()
      if (!region) break
      this.operations++
      const peers = region.peers ?? this.#rule.verdict(region.state)
      if (peers === 'none') continue
      const start = this.#start
      const begun = !start || compareAt(region.from, 0, start, 0) >= 0
      const cursor = this.#keys.seek(begun ? region.from : start)
      if (!inRegion(cursor, region)) continue
      if (peers === 'open') this.#halve(region)
      else this.#tell(region, cursor, peers, end, visit)
    }
    return this.#stack.length === 0
  }

  #halve({ from, prefixBits, state }: Region<State>): void {
    const upper = from.slice()
    upper[prefixBits >>> 3] = (upper[prefixBits >>> 3] as number) | (0x80 >>> (prefixBits & 7))
    const half = (start: Uint8Array, value: 0 | 1) =>
      this.#stack.push({ from: start, prefixBits: prefixBits + 1, state: this.#rule.half(state, prefixBits, value) })
    half(upper, 1)
    half(from, 0)
  }

  #tell(region: Region<State>, cursor: KeyCursor, peers: readonly PeerId[], end: number, visit: KeyVisitor): void {
    for (; inRegion(cursor, region); cursor.advance()) {
      if (this.operations >= end) {
        const from = cursor.bytes.slice(cursor.offset, cursor.offset + KEY_BYTES)
        this.#stack.push({ ...region, from, peers })
        return
      }
      this.operations++
      if ((cursor.flags & this.#flag) !== 0) visit(keyText(cursor.bytes, cursor.offset), peers)
    }
  }
}

/** The next key; after the last one the first. */
function following(key: Uint8Array): Uint8Array {
  const next = key.slice()
  let place = KEY_BYTES - 1
  while (place > 0 && next[place] === 255) next[place--] = 0
  next[place] = ((next[place] as number) + 1) & 255
  return next
}

function inRegion(cursor: KeyCursor, { from, prefixBits }: Region<unknown>): boolean {
  if (cursor.atEnd) return false
  const { bytes, offset } = cursor
  const whole = prefixBits >>> 3
  for (let i = 0; i < whole; i++) if (bytes[offset + i] !== from[i]) return false
  for (let bit = whole * 8; bit < prefixBits; bit++) if (bitOf(bytes, bit, offset) !== bitOf(from, bit)) return false
  return true
}

/** Keys for which `peer` is among the `width` closest. */
export function groupsOf(view: OwnView, peer: PeerId, width: number): WalkRule<Narrowing> {
  const index = view.indexOf(peer)
  const told = [peer]
  return {
    start: Narrowing.of(view, width),
    half: (state, bit, value) => state.half(bit, value),
    verdict: (state) => {
      const held = index < 0 ? 'none' : state.holds(index)
      return held === 'all' ? told : held === 'some' ? 'open' : 'none'
    },
  }
}

/**
 * Keys whose `width` closest are others after the change, with the peers that came in. A region is left when no peer
 * that went can have been in a group there and none that came can be: groups without either are the same.
 */
export function groupsGained(
  before: OwnView,
  after: OwnView,
  width: number,
): WalkRule<{ readonly old: Narrowing; readonly now: Narrowing }> {
  const gone = marksOf(before, (peer) => !after.has(peer))
  const come = marksOf(after, (peer) => !before.has(peer))
  return {
    start: { old: Narrowing.of(before, width), now: Narrowing.of(after, width) },
    half: ({ old, now }, bit, value) => ({ old: old.half(bit, value), now: now.half(bit, value) }),
    verdict: ({ old, now }) => {
      if (!old.marked(gone) && !now.marked(come)) return 'none'
      if (!old.decided || !now.decided) return 'open'
      const had = new Set(old.members())
      const gained = now.members().filter((peer) => !had.has(peer))
      return gained.length > 0 ? gained : 'none'
    },
  }
}

/** Keys for which `peer` is among the `width` closest after the change and was not before. */
export function groupsGainedBy(
  peer: PeerId,
  before: OwnView,
  after: OwnView,
  width: number,
): WalkRule<{ readonly old: Narrowing; readonly now: Narrowing }> {
  const [was, is] = [before.indexOf(peer), after.indexOf(peer)]
  const told = [peer]
  return {
    start: { old: Narrowing.of(before, width), now: Narrowing.of(after, width) },
    half: ({ old, now }, bit, value) => ({ old: old.half(bit, value), now: now.half(bit, value) }),
    verdict: ({ old, now }) => {
      const holds = is < 0 ? 'none' : now.holds(is)
      const held = was < 0 ? 'none' : old.holds(was)
      if (holds === 'none' || held === 'all') return 'none'
      return holds === 'all' && held === 'none' ? told : 'open'
    },
  }
}

/** Running count of the members for which the question is true. */
function marksOf(view: OwnView, marked: (peer: PeerId) => boolean): Int32Array {
  const marks = new Int32Array(view.size + 1)
  for (const [index, peer] of view.peers.entries()) marks[index + 1] = (marks[index] as number) + (marked(peer) ? 1 : 0)
  return marks
}
