/**
 * Questions of fresh replication and about under-replicated keys, gathered for each peer: one request outstanding, the
 * keys of the last moments in it (replication.md 30.3 nr 3). A second request at once would be dropped in silence (4.2). Pure.
 */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { VerificationQuestion } from './verification-gate.ts'

export class ProbeBatches {
  readonly #keysPerRequest: number
  readonly #waiting = new Map<PeerId, Set<ChunkAddress>>()
  readonly #outstanding = new Map<PeerId, readonly ChunkAddress[]>()

  constructor(keysPerRequest: number) {
    this.#keysPerRequest = keysPerRequest
  }

  add(peer: PeerId, key: ChunkAddress): void {
    const keys = this.#waiting.get(peer)
    if (keys) keys.add(key)
    else this.#waiting.set(peer, new Set([key]))
  }

  /** A request for each peer that is free and has questions; `answered` frees it. `busy`: with other requests of ours. */
  take(busy: (peer: PeerId) => boolean = () => false): VerificationQuestion[] {
    const questions: VerificationQuestion[] = []
    for (const [peer, waiting] of this.#waiting) {
      if (this.#outstanding.has(peer) || busy(peer)) continue
      const keys = [...waiting].slice(0, this.#keysPerRequest)
      for (const key of keys) waiting.delete(key)
      if (waiting.size === 0) this.#waiting.delete(peer)
      this.#outstanding.set(peer, keys)
      questions.push({ peer, keys, paidListCheckIndices: keys.map((_, index) => index) })
    }
    return questions
  }

  /** The keys that were asked. */
  answered(peer: PeerId): readonly ChunkAddress[] {
    const keys = this.#outstanding.get(peer) ?? []
    this.#outstanding.delete(peer)
    return keys
  }
}
