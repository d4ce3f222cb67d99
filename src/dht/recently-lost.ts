/** Neighbours that went lately and where they could be dialled: tried again with growing pauses, then forgotten. Pure. */
import { LruMap } from '../base/index.ts'
import type { PeerId, TypedAddress } from '../protocol/index.ts'

export interface RecentlyLostOptions {
  /** Pause before the first try; it doubles with each. */
  readonly lostFirstMs: number
  readonly lostForgetMs: number
  readonly lostRemembered: number
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

  constructor(options: RecentlyLostOptions) {
    this.#options = options
    this.#entries = new LruMap(options.lostRemembered)
  }

  get size(): number {
    return this.#entries.size
  }

  add(peer: PeerId, addresses: readonly TypedAddress[], now: number): void {
    const pauseMs = this.#options.lostFirstMs
    this.#entries.set(peer, { peer, addresses, lostAt: now, dueAt: now + pauseMs, pauseMs })
  }

  returned(peer: PeerId): void {
    this.#entries.delete(peer)
  }

  /** Whom to dial now. */
  due(now: number): LostPeer[] {
    const due: LostPeer[] = []
    for (const [, entry] of [...this.#entries.entries()]) {
      if (now >= entry.lostAt + this.#options.lostForgetMs) this.#entries.delete(entry.peer)
      else if (now >= entry.dueAt) {
        entry.pauseMs *= 2
        entry.dueAt = now + entry.pauseMs
        due.push(entry)
      }
    }
    return due
  }
}
