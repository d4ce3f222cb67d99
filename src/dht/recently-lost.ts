/**
 * Neighbours that went lately and where they could be dialled: tried again with growing pauses, then forgotten. After a
 * partition all of them are there again, so one is felt for now and then whatever its pause, and as soon as one has
 * returned the others are tried, a few at a time. Pure.
 */
import { LruMap } from '../base/index.ts'
import type { PeerId, TypedAddress } from '../protocol/index.ts'

export interface RecentlyLostOptions {
  /** Pause before the first try; it doubles with each. */
  readonly lostFirstMs: number
  readonly lostForgetMs: number
  readonly lostRemembered: number
  /** Between two that are tried before their time, one after the other. */
  readonly lostFeelMs: number
  /** Tried in one go. */
  readonly lostAtOnce: number
}

export interface LostPeer {
  readonly peer: PeerId
  readonly addresses: readonly TypedAddress[]
}

interface Entry extends LostPeer {
  readonly lostAt: number
  dueAt: number
  pauseMs: number
}

export class RecentlyLost {
  readonly #options: RecentlyLostOptions
  readonly #entries: LruMap<PeerId, Entry>
  #feltAt = Number.NEGATIVE_INFINITY

  constructor(options: RecentlyLostOptions) {
    this.#options = options
    this.#entries = new LruMap(options.lostRemembered)
  }

  get size(): number {
    return this.#entries.size
  }

  add(peer: PeerId, addresses: readonly TypedAddress[], now: number): void {
    const pauseMs = this.#options.lostFirstMs
    if (this.size === 0) this.#feltAt = now
    this.#entries.set(peer, { peer, addresses, lostAt: now, dueAt: now + pauseMs, pauseMs })
  }

  returned(peer: PeerId, now: number): void {
    if (!this.#entries.delete(peer)) return
    for (const [, entry] of this.#entries.entries()) entry.dueAt = Math.min(entry.dueAt, now)
  }

  /** Whom to dial now. */
  due(now: number): LostPeer[] {
    if (this.size === 0) return []
    const { lostAtOnce, lostFeelMs, lostForgetMs } = this.#options
    const due: LostPeer[] = []
    for (const [peer, entry] of [...this.#entries.entries()]) {
      if (now >= entry.lostAt + lostForgetMs) this.#entries.delete(peer)
      else if (now >= entry.dueAt && due.length < lostAtOnce) {
        entry.pauseMs *= 2
        entry.dueAt = now + entry.pauseMs
        due.push(entry)
        // To the end of the line: who was not tried yet comes first.
        this.#entries.get(peer)
      }
    }
    if (due.length > 0) this.#feltAt = now
    else if (now >= this.#feltAt + lostFeelMs) {
      this.#feltAt = now
      const [next] = this.#entries.entries()
      if (next) {
        this.#entries.get(next[0])
        due.push(next[1])
      }
    }
    return due
  }
}
