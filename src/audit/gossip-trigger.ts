/** When a gossiped commitment leads to a subtree audit (replication.md 19.1). Pure: time and dice are arguments. */
import { LruMap, type Random } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

/** The last launch of a subtree audit by peer; gossip and first audits share it. */
export class LaunchStamps {
  readonly #options: AuditOptions
  readonly #last: LruMap<PeerId, number>

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#last = new LruMap(options.stampedPeers)
  }

  allows(peer: PeerId, now: number): boolean {
    const last = this.#last.get(peer)
    return last === undefined || now - last >= this.#options.launchSpacingMs
  }

  /** Takes the peer's launch if it is free. */
  take(peer: PeerId, now: number): boolean {
    if (!this.allows(peer, now)) return false
    this.#last.set(peer, now)
    return true
  }
}

export class GossipTrigger {
  readonly #options: AuditOptions
  readonly #launches: LaunchStamps
  readonly #attempts: LruMap<PeerId, number>

  constructor(launches: LaunchStamps, options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#launches = launches
    this.#attempts = new LruMap(options.stampedPeers)
  }

  /** It left the table. Launches are not forgotten: its own cool-down for us goes on. */
  forget(peer: PeerId): void {
    this.#attempts.delete(peer)
  }

  /**
   * Whether to audit the commitment that the peer just showed. The attempt is stamped before the lottery: a flood of
   * gossip has one try a window, and losing uses it up.
   */
  audits(peer: PeerId, now: number, random: Random): boolean {
    const last = this.#attempts.get(peer)
    if (last !== undefined && now - last < this.#options.gossipAttemptMs) return false
    this.#attempts.set(peer, now)
    return random.float() < this.#options.gossipProbability && this.#launches.take(peer, now)
  }
}
