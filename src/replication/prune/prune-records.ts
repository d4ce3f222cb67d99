/**
 * Which stored keys may be deleted (replication.md 21.1): out of width 9 for 3 days, bound by no commitment, and either
 * 20 closer peers are known or all but one of the close group prove that they hold the key. One pass: `plan`, then
 * `judged` for each challenge, then `settle`, where everything is judged anew by the view of that moment. Pure.
 */
import type { InSlices } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../protocol/index.ts'
import { type ChallengeVerdict, keyVerdicts, possessionConsequence } from '../audits/challenge-verdict.ts'
import type { ReplicationOptions } from '../options.ts'
import { inStorageWidth, presenceTargets, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'

export type PruneOptions = Widths &
  Pick<ReplicationOptions, 'pruneHysteresisMs' | 'pruneKeys' | 'pruneRequests' | 'fastDeletes' | 'pruneScan'>

/** Since when keys are out of range, monotonic; the room storage keeps it over restarts (`OutOfRangeTimers`). */
export interface OutOfRange {
  /** Starts the timer or lets it run on: milliseconds so far. */
  out(kind: 'record' | 'paid', key: ChunkAddress, now: number): number
  clear(kind: 'record' | 'paid', key: ChunkAddress): void
}

export interface PruneFacts {
  readonly view: OwnView
  readonly now: number
  /** Under any retained commitment. */
  committed(key: ChunkAddress): boolean
}

/** Keys that one challenge of a peer may name. */
export type KeysEach = (peer: PeerId) => number

/** Stored keys in ascending order, after a key or from the start. */
export type KeysAfter = (after: ChunkAddress | undefined, limit: number) => readonly ChunkAddress[]

export interface PruneChallenge {
  readonly peer: PeerId
  readonly keys: readonly ChunkAddress[]
}

export interface PruneVerdict {
  readonly deletable: readonly ChunkAddress[]
  /** Each once: a failure of weight 5. */
  readonly failures: readonly PeerId[]
  /** Each once: claimed to be bootstrapping. */
  readonly claims: readonly PeerId[]
  /** Each once: answered like a node that is not bootstrapping. */
  readonly answered: readonly PeerId[]
}

/** Proofs needed of a close group without self. */
export function proofsNeeded(targets: number): number {
  return targets <= 2 ? targets : targets - 1
}

/** 20 members of the own view are closer than self: nobody will miss our copy. */
export function fastDeletable(view: OwnView, key: Uint8Array, { acceptanceWidth }: Widths): boolean {
  return view.rank(key, view.self) >= acceptanceWidth
}

/** Keys looked at in one go: some 3 ms. */
const SLICE = 512
const NO_PROOFS: ReadonlySet<PeerId> = new Set()

export class RecordPrune {
  readonly #options: PruneOptions
  readonly #timers: OutOfRange
  /** Where the next pass goes on. */
  #cursor: ChunkAddress | undefined
  #fast: ChunkAddress[] = []
  readonly #proofs = new Map<ChunkAddress, Set<PeerId>>()
  readonly #failed = new Map<PeerId, Set<ChunkAddress>>()
  readonly #claims = new Set<PeerId>()
  readonly #answered = new Set<PeerId>()

  constructor(options: PruneOptions, timers: OutOfRange) {
    this.#options = options
    this.#timers = timers
  }

  /** Looks at the next keys and says whom to challenge. `drained`: audits may go out. */
  *plan(keysAfter: KeysAfter, keysEach: KeysEach, drained: boolean, facts: PruneFacts): InSlices<PruneChallenge[]> {
    this.#fast = []
    for (const table of [this.#proofs, this.#failed, this.#claims, this.#answered]) table.clear()
    const challenges = new Challenges(keysEach, this.#options.pruneRequests)
    for (const [i, key] of this.#nextKeys(keysAfter).entries()) {
      if ((i + 1) % SLICE === 0) yield
      if (!this.#mayGo(key, facts) || !drained) continue
      const bytes = keyOf(key)
      if (fastDeletable(facts.view, bytes, this.#options)) {
        if (this.#fast.length < this.#options.fastDeletes) this.#fast.push(key)
        continue
      }
      const targets = presenceTargets(facts.view, bytes, this.#options)
      if (targets.length === 0 || this.#proofs.size >= this.#options.pruneKeys) continue
      if (challenges.add(key, targets)) this.#proofs.set(key, new Set())
    }
    return challenges.all()
  }

  /** What came of a challenge of this pass. */
  judged({ peer, keys }: PruneChallenge, verdict: ChallengeVerdict): void {
    const { claim } = possessionConsequence(verdict)
    if (claim === 'observe') this.#claims.add(peer)
    if (claim === 'clear') this.#answered.add(peer)
    const { proved, failed } = keyVerdicts(verdict, keys)
    for (const key of proved) this.#proofs.get(key)?.add(peer)
    for (const key of failed) this.#failed.set(peer, (this.#failed.get(peer) ?? new Set()).add(key))
  }

  /** The end of the pass. What is deletable is asked for once more at its turn (`mayStillGo`); `deleted` follows. */
  *settle(facts: PruneFacts): InSlices<PruneVerdict> {
    const { view } = facts
    const deletable: ChunkAddress[] = []
    let looked = 0
    for (const [key, proofs] of [...this.#fast.map((fast) => [fast, NO_PROOFS] as const), ...this.#proofs]) {
      if (++looked % SLICE === 0) yield
      if (this.#sure(key, proofs, facts)) deletable.push(key)
    }
    const responsible = (peer: PeerId) => (key: ChunkAddress) =>
      view.has(peer) && view.rank(keyOf(key), peer) < this.#options.closeGroupSize
    const failures = [...this.#failed].filter(([peer, keys]) => [...keys].some(responsible(peer))).map(([peer]) => peer)
    return { deletable, failures, claims: [...this.#claims], answered: [...this.#answered] }
  }

  /** The line of deletions may take minutes, in which neighbours die and commitments are made. */
  mayStillGo(key: ChunkAddress, facts: PruneFacts): boolean {
    return this.#sure(key, this.#proofs.get(key) ?? NO_PROOFS, facts)
  }

  #sure(key: ChunkAddress, proofs: ReadonlySet<PeerId>, facts: PruneFacts): boolean {
    const bytes = keyOf(key)
    const others = fastDeletable(facts.view, bytes, this.#options) || this.#proved(facts.view, bytes, proofs)
    return others && this.#mayGo(key, facts)
  }

  #proved(view: OwnView, key: Uint8Array, proofs: ReadonlySet<PeerId>): boolean {
    const targets = presenceTargets(view, key, this.#options)
    const count = targets.filter((peer) => proofs.has(peer)).length
    return targets.length > 0 && count >= proofsNeeded(targets.length)
  }

  /** The record is gone: its timer goes, that of its paid entry starts if it has one. */
  deleted(key: ChunkAddress, paid: boolean, now: number): void {
    this.#timers.clear('record', key)
    if (paid) this.#timers.out('paid', key, now)
  }

  /** Out of range for 3 days and not committed. Starts, continues or clears the timer. */
  #mayGo(key: ChunkAddress, { view, now, committed }: PruneFacts): boolean {
    if (inStorageWidth(view, keyOf(key), this.#options)) {
      this.#timers.clear('record', key)
      return false
    }
    return this.#timers.out('record', key, now) >= this.#options.pruneHysteresisMs && !committed(key)
  }

  /** Up to the scan's limit, once around; the cursor moves past what was looked at, whatever comes of it. */
  #nextKeys(keysAfter: KeysAfter): readonly ChunkAddress[] {
    const { pruneScan } = this.#options
    const ahead = keysAfter(this.#cursor, pruneScan)
    const around = this.#cursor === undefined ? [] : keysAfter(undefined, pruneScan - ahead.length)
    const last = this.#cursor
    const keys = last === undefined ? ahead : [...ahead, ...around.filter((key) => key <= last)]
    this.#cursor = keys.at(-1) ?? this.#cursor
    return keys
  }
}

/** Keys by peer in challenges of limited size and number. */
class Challenges {
  readonly #keysEach: KeysEach
  readonly #limit: number
  readonly #open = new Map<PeerId, ChunkAddress[]>()
  readonly #all: PruneChallenge[] = []

  constructor(keysEach: KeysEach, limit: number) {
    this.#keysEach = keysEach
    this.#limit = limit
  }

  /** All targets or none. */
  add(key: ChunkAddress, targets: readonly PeerId[]): boolean {
    const opened = targets.filter((peer) => {
      const keys = this.#open.get(peer)
      return !keys || keys.length >= this.#keysEach(peer)
    })
    if (this.#all.length + opened.length > this.#limit) return false
    for (const peer of opened) {
      const keys: ChunkAddress[] = []
      this.#open.set(peer, keys)
      this.#all.push({ peer, keys })
    }
    for (const peer of targets) this.#open.get(peer)?.push(key)
    return true
  }
  all(): PruneChallenge[] {
    return this.#all
  }
}
