/**
 * First audits of peers that were just paid (replication.md 19.2). The caller launches what `next` gives and reports
 * its end. Nominations arrive by call, so there is no channel to fill up. Pure: time and dice are arguments.
 */
import { LruMap, type Random, randomBelow, randomBetween } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'
import type { Pin } from './commitment.ts'
import type { LaunchStamps } from './gossip-trigger.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

export interface Nomination {
  readonly peer: PeerId
  readonly pin: Pin
  readonly keyCount: number
  /** On the clock of `now`. */
  readonly quotedAt: number
}

export type NextFirstAudit =
  | { readonly kind: 'launch'; readonly nomination: Nomination; readonly delayMs: number }
  /** Ask again then, or after a nomination or the end of an audit. */
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'idle' }

export class FirstAudits {
  readonly #options: AuditOptions
  readonly #launches: LaunchStamps
  /** The oldest first. */
  readonly #queue = new Map<PeerId, Nomination>()
  /** Count of keys and time of the last first audit. */
  readonly #audited: LruMap<PeerId, { readonly keyCount: number; readonly at: number }>
  readonly #inFlight = new Set<PeerId>()
  #tokens: number
  #tokensAt: number
  #newestNext = true

  constructor(now: number, launches: LaunchStamps, options: AuditOptions = defaultAuditOptions) {
    this.#options = options
    this.#launches = launches
    this.#audited = new LruMap(options.stampedPeers)
    this.#tokens = options.firstAuditBurst
    this.#tokensAt = now
  }

  get queued(): number {
    return this.#queue.size
  }
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** false when it is ignored: a quote of another time, a smaller count than the queued one, audited of late. */
  nominate(nomination: Nomination, now: number, random: Random): boolean {
    const { peer, keyCount } = nomination
    if (!this.#isFresh(nomination, now) || !this.#isDue(nomination, now)) return false
    const queued = this.#queue.get(peer)
    if (queued !== undefined && queued.keyCount >= keyCount) return false
    this.#queue.delete(peer)
    this.#queue.set(peer, nomination)
    if (this.#queue.size > this.#options.firstAuditQueue) this.#evict(peer, random)
    return true
  }

  next(now: number, random: Random): NextFirstAudit {
    this.#refill(now)
    for (const [peer, nomination] of this.#queue) {
      if (!this.#isFresh(nomination, now) || !this.#isDue(nomination, now)) this.#queue.delete(peer)
    }
    if (this.#queue.size === 0) return { kind: 'idle' }
    const { firstAuditsInFlight, firstAuditTokenMs, firstAuditRetryMs, firstAuditJitterMs } = this.#options
    if (this.#inFlight.size >= firstAuditsInFlight) return { kind: 'wait', ms: firstAuditRetryMs }
    if (this.#tokens < 1) return { kind: 'wait', ms: Math.ceil((1 - this.#tokens) * firstAuditTokenMs) }
    const nomination = this.#pick(now)
    if (nomination === undefined) return { kind: 'wait', ms: firstAuditRetryMs }
    this.#tokens--
    this.#queue.delete(nomination.peer)
    this.#inFlight.add(nomination.peer)
    this.#audited.set(nomination.peer, { keyCount: nomination.keyCount, at: now })
    return { kind: 'launch', nomination, delayMs: randomBetween(random, 0, firstAuditJitterMs) }
  }

  /** The audit of this peer ended, however. */
  finished(peer: PeerId): void {
    this.#inFlight.delete(peer)
  }

  /** Newest and oldest in turn: the newest is what clients rely on, the oldest must not starve. */
  #pick(now: number): Nomination | undefined {
    const free = [...this.#queue.values()].filter(({ peer }) => !this.#inFlight.has(peer))
    if (this.#newestNext) free.reverse()
    const nomination = free.find(({ peer }) => this.#launches.take(peer, now))
    if (nomination !== undefined) this.#newestNext = !this.#newestNext
    return nomination
  }

  #isFresh({ quotedAt }: Nomination, now: number): boolean {
    const { quoteFutureMs, quoteAgeMs } = this.#options
    return quotedAt - now <= quoteFutureMs && now - quotedAt < quoteAgeMs
  }

  #isDue({ peer, keyCount }: Nomination, now: number): boolean {
    const last = this.#audited.get(peer)
    if (last === undefined || now - last.at >= this.#options.firstAuditAgainMs) return true
    return keyCount > last.keyCount * this.#options.firstAuditGrowth
  }

  /** By chance, so that a flood of nominations does not choose who goes; the one that just came stays. */
  #evict(newest: PeerId, random: Random): void {
    const others = [...this.#queue.keys()].filter((peer) => peer !== newest)
    this.#queue.delete(others[randomBelow(random, others.length)] as PeerId)
  }

  #refill(now: number): void {
    const { firstAuditBurst, firstAuditTokenMs } = this.#options
    const gained = Math.max(0, now - this.#tokensAt) / firstAuditTokenMs
    this.#tokens = Math.min(firstAuditBurst, this.#tokens + gained)
    this.#tokensAt = now
  }
}
