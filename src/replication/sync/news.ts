/** Keys that a peer has become responsible for and has not been told of: what repair says, to whom. Bounded. Pure. */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'

/** Of one peer; what finds no place is told at the next round with all the rest. */
const MAX_KEYS = 65_536
const MAX_PEERS = 256

export class News {
  readonly #keys = new Map<PeerId, Set<ChunkAddress>>()

  get peers(): number {
    return this.#keys.size
  }
  add(peer: PeerId, key: ChunkAddress): void {
    let keys = this.#keys.get(peer)
    if (!keys) {
      if (this.#keys.size >= MAX_PEERS) return
      this.#keys.set(peer, (keys = new Set()))
    }
    if (keys.size < MAX_KEYS) keys.add(key)
  }
  /** Told now: at most `limit` of them. */
  take(peer: PeerId, limit: number): ChunkAddress[] {
    const waiting = this.#keys.get(peer)
    const taken: ChunkAddress[] = []
    for (const key of waiting ?? []) {
      if (taken.length >= limit) return taken
      taken.push(key)
      waiting?.delete(key)
    }
    this.#keys.delete(peer)
    return taken
  }
  forget(peer: PeerId): void {
    this.#keys.delete(peer)
  }
}
