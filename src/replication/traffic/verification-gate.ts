/**
 * One verification request of ours for each peer at a time (replication.md 4.2): the next one would be dropped there in
 * silence and cost a timeout, whoever here asks. Users look before they ask, and hear when somebody is free again.
 */
import { raceAbort } from '../../base/index.ts'
import type { ChunkAddress, PeerId, VerificationResult } from '../../protocol/index.ts'
import type { AskOptions, Messenger } from './messenger.ts'

/** Which of the keys a peer holds, and which of some of them it lists as paid. */
export interface VerificationQuestion {
  readonly peer: PeerId
  readonly keys: readonly ChunkAddress[]
  readonly paidListCheckIndices: readonly number[]
}

export class VerificationGate {
  readonly #messenger: Pick<Messenger, 'ask'>
  readonly #busy = new Set<PeerId>()
  readonly #freed = new Set<() => void>()

  constructor(messenger: Pick<Messenger, 'ask'>) {
    this.#messenger = messenger
  }

  busy(peer: PeerId): boolean {
    return this.#busy.has(peer)
  }

  /** Called whenever a peer is free again. Returns the unsubscriber. */
  onFreed(listener: () => void): () => void {
    this.#freed.add(listener)
    return () => this.#freed.delete(listener)
  }

  /**
   * Asks when the peer is free; one that is free is busy when this returns. undefined: no answer that can be read.
   * Rejects with the signal's reason.
   */
  async ask(
    { peer, keys, paidListCheckIndices }: VerificationQuestion,
    options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
  ): Promise<readonly VerificationResult[] | undefined> {
    while (this.#busy.has(peer)) await this.#nextFreed(options.signal)
    this.#busy.add(peer)
    try {
      const body = { kind: 'verificationRequest' as const, keys, paidListCheckIndices }
      const answer = await this.#messenger.ask(peer, body, 'verificationResponse', options)
      return answer.kind === 'answer' ? answer.body.results : undefined
    } finally {
      this.#busy.delete(peer)
      for (const listener of [...this.#freed]) listener()
    }
  }

  async #nextFreed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const unsubscribe = this.onFreed(resolve)
    try {
      await raceAbort(signal, promise)
    } finally {
      unsubscribe()
    }
  }
}
