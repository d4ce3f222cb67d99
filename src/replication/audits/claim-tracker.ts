/**
 * Peers that say they are bootstrapping (replication.md 12.3): one window of 24 h each, ever. Who claims after it, or
 * claims again after it had stopped, is hiding from audits. Histories outlive a restart (30.3 nr 7). Pure; `now` is
 * monotonic milliseconds.
 */
import { LruMap } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type ClaimOptions = Pick<ReplicationOptions, 'claimGraceMs' | 'claimPeers'>

export interface ClaimHistory {
  readonly peer: PeerId
  /** Of the first claim. */
  readonly since: number
  /** Still claiming, as far as we know. */
  readonly active: boolean
}

export class ClaimTracker {
  readonly #options: ClaimOptions
  readonly #histories: LruMap<PeerId, ClaimHistory>
  #changes = 0

  constructor(options: ClaimOptions) {
    this.#options = options
    this.#histories = new LruMap(options.claimPeers)
  }

  get size(): number {
    return this.#histories.size
  }
  /** Moves with every history that begins, ends or goes on. */
  get changes(): number {
    return this.#changes
  }
  active(peer: PeerId): boolean {
    return this.#histories.get(peer)?.active === true
  }

  /** A claim was seen. `failure`: of weight 1, for each observation. */
  claimed(peer: PeerId, now: number): 'tolerated' | 'failure' {
    const history = this.#histories.get(peer)
    if (!history) {
      this.#changes++
      this.#histories.set(peer, { peer, since: now, active: true })
      return 'tolerated'
    }
    return history.active && now - history.since <= this.#options.claimGraceMs ? 'tolerated' : 'failure'
  }

  /** A decoded answer that is no claim, good or bad. A timeout is none. The history stays. */
  answered(peer: PeerId): void {
    const history = this.#histories.get(peer)
    if (!history?.active) return
    this.#changes++
    this.#histories.set(peer, { ...history, active: false })
  }

  /** To be kept over a restart. */
  histories(): ClaimHistory[] {
    return [...this.#histories.entries()].map(([, history]) => history)
  }
  /** From before a restart: beginnings in the future count as now. */
  restore(histories: Iterable<ClaimHistory>, now: number): void {
    for (const history of histories)
      this.#histories.set(history.peer, { ...history, since: Math.min(history.since, now) })
  }
}
