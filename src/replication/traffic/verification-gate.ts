/**
 * One verification request of ours for each peer at a time (replication.md 4.2): the next one would be dropped there in
 * silence and cost a timeout, whoever here asks. Users look before they ask, and hear when somebody is free again.
 */
import { raceAbort } from '../../base/index.ts'
import type { PeerId } from '../../protocol/index.ts'

export class VerificationGate {
  readonly #busy = new Set<PeerId>()
  readonly #freed = new Set<() => void>()

  busy(peer: PeerId): boolean {
    return this.#busy.has(peer)
  }

  /** Called whenever a peer is free again. Returns the unsubscriber. */
  onFreed(listener: () => void): () => void {
    this.#freed.add(listener)
    return () => this.#freed.delete(listener)
  }

  /** false: somebody else asks it now. */
  tryTake(peer: PeerId): boolean {
    if (this.#busy.has(peer)) return false
    this.#busy.add(peer)
    return true
  }

  free(peer: PeerId): void {
    this.#busy.delete(peer)
    for (const listener of [...this.#freed]) listener()
  }

  /** Waits for its turn. Rejects with the signal's reason. */
  async take(peer: PeerId, signal: AbortSignal): Promise<void> {
    while (!this.tryTake(peer)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const unsubscribe = this.onFreed(resolve)
      try {
        await raceAbort(signal, promise)
      } finally {
        unsubscribe()
      }
    }
  }
}
