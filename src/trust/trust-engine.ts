/**
 * Who behaves, from our own view only: nothing here is ever sent. A moving average that forgets (dht.md 5).
 * Pure: `now` is monotonic milliseconds and comes in as an argument.
 */
import { LruMap } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'
import { resolveTrustOptions, type TrustOptions } from './options.ts'
import { TRUST_EVENTS, type TrustEventName, type TrustObservation } from './trust-events.ts'
import { clampScore, decayScore, NEUTRAL_TRUST, observeScore } from './trust-score.ts'

interface State {
  readonly score: number
  readonly at: number
}

export interface TrustRecord {
  readonly peer: PeerId
  readonly score: number
}

export class TrustEngine {
  readonly options: TrustOptions
  readonly #peers: LruMap<PeerId, State>

  constructor(options?: Partial<TrustOptions>) {
    this.options = resolveTrustOptions(options)
    this.#peers = new LruMap(this.options.maxPeers)
  }

  get size(): number {
    return this.#peers.size
  }

  /** 0..1; a stranger is neutral. Reading remembers nobody. */
  scoreOf(peer: PeerId, now: number): number {
    const state = this.#peers.get(peer)
    return state ? this.#decayed(state, now) : NEUTRAL_TRUST
  }

  /** One observation with its weight as it is; returns the new score. */
  observe(peer: PeerId, { success, weight }: TrustObservation, now: number): number {
    const before = this.scoreOf(peer, now)
    if (!Number.isFinite(weight) || weight <= 0) return before
    const score = observeScore(before, success, weight, this.options.emaWeight)
    this.#peers.set(peer, { score, at: now })
    return score
  }

  /** An observation of the application: its weight is cut to the cap. */
  report(peer: PeerId, { success, weight }: TrustObservation, now: number): number {
    return this.observe(peer, { success, weight: Math.min(weight, this.options.weightCap) }, now)
  }

  /** A named event of the table. */
  event(peer: PeerId, name: TrustEventName, now: number): number {
    return this.observe(peer, TRUST_EVENTS[name], now)
  }

  /** Scores of an earlier run: clamped, what is no number is neutral, and their age is ignored. */
  import(records: Iterable<TrustRecord>, now: number): void {
    for (const { peer, score } of records) this.#peers.set(peer, { score: clampScore(score), at: now })
  }

  #decayed({ score, at }: State, now: number): number {
    return decayScore(score, (now - at) / 1000, this.options.decayPerSecond)
  }
}
