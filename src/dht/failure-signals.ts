/** One peer failing in one walk ends the wait of every other walk for it, without a second unit (dht.md 8). */
import type { PeerId } from '../protocol/index.ts'
import { short } from '../protocol/index.ts'
import { DhtError } from './errors.ts'

export class FailureSignals {
  readonly #waiting = new Map<PeerId, Set<AbortController>>()

  /** The controller is aborted when the peer fails elsewhere; call the result when the wait is over. */
  watch(peer: PeerId, controller: AbortController): () => void {
    let watchers = this.#waiting.get(peer)
    if (!watchers) {
      watchers = new Set()
      this.#waiting.set(peer, watchers)
    }
    watchers.add(controller)
    return () => {
      watchers.delete(controller)
      if (watchers.size === 0 && this.#waiting.get(peer) === watchers) this.#waiting.delete(peer)
    }
  }

  /** Ends every wait for the peer but that of `origin`. */
  failed(peer: PeerId, origin?: AbortController): void {
    for (const controller of [...(this.#waiting.get(peer) ?? [])]) {
      if (controller === origin) continue
      controller.abort(new DhtError('DHT_PEER_FAILED_ELSEWHERE', `${short(peer)} failed in another active lookup`))
    }
  }
}
