/**
 * Which paid entries may be forgotten (replication.md 21.2): out of the 20 closest for 3 days, and three quarters of the
 * group list the key. Whether anybody holds the chunk is irrelevant. One pass: `plan`, `answered`, `settle`. Pure.
 */
import type { InSlices } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId, type VerificationResult } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import type { VerificationQuestion } from '../traffic/verification-gate.ts'
import { closestOthers, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'
import type { KeysAfter, OutOfRange } from './prune-records.ts'

export type PaidPruneOptions = Widths &
  Pick<ReplicationOptions, 'pruneHysteresisMs' | 'paidPruneEntries' | 'paidPrunePeers' | 'pruneScan'>

/** ceil(3n/4): 15 of 20. */
export function paidConfirmationsNeeded(group: number): number {
  return Math.ceil((3 * group) / 4)
}

/** Keys looked at in one go: some 3 ms. */
const SLICE = 512

export class PaidPrune {
  readonly #options: PaidPruneOptions
  readonly #timers: OutOfRange
  #cursor: ChunkAddress | undefined
  readonly #confirmed = new Map<ChunkAddress, Set<PeerId>>()

  constructor(options: PaidPruneOptions, timers: OutOfRange) {
    this.#options = options
    this.#timers = timers
  }

  /** One question a peer. Not before the node is drained, but timers run. */
  *plan(keysAfter: KeysAfter, drained: boolean, view: OwnView, now: number): InSlices<VerificationQuestion[]> {
    this.#confirmed.clear()
    const { pruneScan, paidPruneEntries, paidPrunePeers, paidGroupSize } = this.#options
    const keys = keysAfter(this.#cursor, pruneScan)
    // Past the end the next pass starts anew.
    this.#cursor = keys.length < pruneScan ? undefined : keys.at(-1)
    const byPeer = new Map<PeerId, ChunkAddress[]>()
    for (const [i, key] of keys.entries()) {
      if ((i + 1) % SLICE === 0) yield
      if (!this.#mayGo(key, view, now) || !drained || this.#confirmed.size >= paidPruneEntries) continue
      const group = closestOthers(view, keyOf(key), paidGroupSize)
      const strangers = group.filter((peer) => !byPeer.has(peer)).length
      if (byPeer.size + strangers > paidPrunePeers) continue
      this.#confirmed.set(key, new Set())
      for (const peer of group) {
        const asked = byPeer.get(peer)
        if (asked) asked.push(key)
        else byPeer.set(peer, [key])
      }
    }
    return [...byPeer].map(([peer, asked]) => ({ peer, keys: asked, paidListCheckIndices: asked.map((_, i) => i) }))
  }

  /** Silence confirms nothing. */
  answered(peer: PeerId, results: readonly VerificationResult[] | undefined): void {
    for (const { key, paid } of results ?? []) if (paid === true) this.#confirmed.get(key)?.add(peer)
  }

  /** Entries to remove now. */
  settle(view: OwnView, now: number): ChunkAddress[] {
    return [...this.#confirmed]
      .filter(([key, confirmed]) => {
        if (!this.#mayGo(key, view, now)) return false
        const group = closestOthers(view, keyOf(key), this.#options.paidGroupSize)
        const count = group.filter((peer) => confirmed.has(peer)).length
        return count >= paidConfirmationsNeeded(group.length)
      })
      .map(([key]) => key)
  }

  /** Forgotten: should they be learnt anew, they have their whole time. */
  forgotten(keys: readonly ChunkAddress[]): void {
    for (const key of keys) this.#timers.clear('paid', key)
  }

  /** Out of the group for 3 days; so its members without self are as many as it has places. */
  #mayGo(key: ChunkAddress, view: OwnView, now: number): boolean {
    const { paidGroupSize, pruneHysteresisMs } = this.#options
    if (view.rank(keyOf(key), view.self) >= paidGroupSize)
      return this.#timers.out('paid', key, now) >= pruneHysteresisMs
    this.#timers.clear('paid', key)
    return false
  }
}
