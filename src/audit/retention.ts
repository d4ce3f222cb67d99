/**
 * Which of our commitments may still be asked about (replication.md 14.2). One becomes answerable when it is shown to
 * somebody, and stays so for 3 h from the last time, by the clock that never jumps: peers count the 3 h on theirs, and a
 * board without a clock of its own may find hours after its start what time it is. `now` is monotonic milliseconds.
 */
import { equal } from '../base/index.ts'
import type { Pin, SignedTree } from './commitment.ts'
import { indexOfKey } from './entries.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

export interface RetainedSlot {
  readonly signed: SignedTree
  /** undefined: never shown, so nobody can ask for it. */
  readonly expiresAt: number | undefined
}

export interface Shown {
  readonly signed: SignedTree
  /** Not on disk yet as shown: a crash now would repudiate a pin that a peer holds. */
  readonly firstTime: boolean
}

interface Slot {
  readonly signed: SignedTree
  expiresAt: number | undefined
  /** The stamp that was last counted as a change. */
  countedAt?: number
}

export class Retention {
  readonly #options: AuditOptions
  #current: Slot | undefined
  /** Shown and not expired; the current one is among them once it was shown. */
  #shown: Slot[] = []
  #changes = 0

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
  }

  /** What is shown to others, if anything. */
  get current(): SignedTree | undefined {
    return this.#current?.signed
  }
  /** Counts up with every change that the files should know of. */
  get changes(): number {
    return this.#changes
  }

  /** Whether a tree with this root would be a new commitment: signatures are random, so a re-sign moves the pin. */
  isNew(root: Uint8Array): boolean {
    return this.#current === undefined || !equal(this.#current.signed.tree.root, root)
  }

  /** Makes it the current one unless its root is that of the current one. A predecessor nobody saw is dropped. */
  rotate(signed: SignedTree, now: number): boolean {
    if (!this.isNew(signed.tree.root)) return false
    this.#expire(now)
    this.#current = { signed, expiresAt: undefined }
    this.#changes++
    return true
  }

  /** Nothing to commit to any more: not shown again, answerable until it expires. */
  retire(now: number): void {
    this.#expire(now)
    if (this.#current === undefined) return
    this.#current = undefined
    this.#changes++
  }

  /** Call before the commitment leaves: with a sync message, or pinned by a quote. */
  show(now: number): Shown | undefined {
    this.#expire(now)
    const slot = this.#current
    if (slot === undefined) return undefined
    const firstTime = !this.#shown.includes(slot)
    slot.expiresAt = now + this.#options.answerableMs
    if (firstTime) this.#shown.push(slot)
    if (this.#shown.length > this.#options.shownSlots) this.#dropEarliest()
    // Stamps on disk may lag by half of the grace that they get after a restart: the files are as large as the trees.
    const lag = slot.expiresAt - (slot.countedAt ?? Number.NEGATIVE_INFINITY)
    if (firstTime || lag >= this.#options.restartGraceMs / 2) {
      slot.countedAt = slot.expiresAt
      this.#changes++
    }
    return { signed: slot.signed, firstTime }
  }

  /** The commitment under this pin, while it is answerable. Never another one in its place. */
  find(pin: Pin, now: number): SignedTree | undefined {
    this.#expire(now)
    return this.#shown.find(({ signed }) => signed.pin === pin)?.signed
  }

  /** Prune veto: the 32-byte key is in a retained tree, some 20 comparisons for each of them. */
  isCommitted(key: Uint8Array, now: number): boolean {
    return this.slots(now).some(({ signed }) => indexOfKey(signed.tree.entries, key) !== undefined)
  }

  /** Current first, then the others by age. */
  slots(now: number): readonly RetainedSlot[] {
    this.#expire(now)
    const others = this.#shown.filter((slot) => slot !== this.#current)
    return this.#current === undefined ? others : [this.#current, ...others]
  }

  /** What was on disk, checked by `loadRetention`; stamps get their grace and their cap. */
  restore(slots: readonly RetainedSlot[], hasCurrent: boolean, now: number): void {
    const { answerableMs, restartGraceMs, shownSlots } = this.#options
    for (const [i, { signed, expiresAt: stamp }] of slots.entries()) {
      const latest = now + answerableMs + restartGraceMs
      const slot = { signed, expiresAt: stamp === undefined ? undefined : Math.min(stamp + restartGraceMs, latest) }
      if (hasCurrent && i === 0) this.#current = slot
      if (slot.expiresAt !== undefined && this.#shown.length < shownSlots) this.#shown.push(slot)
    }
    this.#expire(now)
  }

  #expire(now: number): void {
    const live = this.#shown.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt > now)
    if (live.length === this.#shown.length) return
    this.#shown = live
    // The current one may be shown again; until then nobody can ask for it.
    if (this.#current !== undefined && !live.includes(this.#current)) this.#current.expiresAt = undefined
    this.#changes++
  }

  /** The current one stands last and was shown just now: of equal stamps the first one goes. */
  #dropEarliest(): void {
    const stamps = this.#shown.map(({ expiresAt }) => expiresAt as number)
    this.#shown.splice(stamps.indexOf(Math.min(...stamps)), 1)
  }
}
