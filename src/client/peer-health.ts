/** Peers that kept a read or a put waiting are asked after the others for a while (pure: time is an argument). */
import { LruMap } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'

const MAX_SUSPECTS = 1024

export class PeerHealth {
  readonly #until = new LruMap<PeerId, number>(MAX_SUSPECTS)
  readonly #suspectMs: number

  constructor(suspectMs: number) {
    this.#suspectMs = suspectMs
  }

  suspect(peer: PeerId, now: number): void {
    this.#until.set(peer, now + this.#suspectMs)
  }

  /** It answered: whatever was suspected is over. */
  clear(peer: PeerId): void {
    this.#until.delete(peer)
  }

  isSuspect(peer: PeerId, now: number): boolean {
    const until = this.#until.get(peer)
    if (until === undefined) return false
    if (now < until) return true
    this.#until.delete(peer)
    return false
  }
}
