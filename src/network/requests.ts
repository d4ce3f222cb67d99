/**
 * Requests of ours that wait for an answer (wire.md 11). An answer counts only from the peer that was asked: the
 * sender is part of the key, so a spoofed one finds nothing and consumes nothing.
 */
import { assert, type Clock, DeadlineExceeded, PendingFull, PendingReplies } from '../base/index.ts'
import { type PeerId, short } from '../protocol/index.ts'
import { NetworkError } from './errors.ts'
import type { NetworkOptions } from './options.ts'

type RequestOptions = Pick<NetworkOptions, 'maxOutstandingRequests' | 'maxRequestTimeoutMs'>

export class Requests {
  readonly #options: RequestOptions
  readonly #pending: PendingReplies<Uint8Array>
  /** Ids by peer, to end them when the peer is gone. */
  readonly #open = new Map<PeerId, Set<string>>()

  constructor(clock: Clock, options: RequestOptions) {
    this.#options = options
    this.#pending = new PendingReplies(clock, options.maxOutstandingRequests)
  }

  get size(): number {
    return this.#pending.size
  }

  /**
   * Waits for the answer to `messageId`. Throws NETWORK_REQUEST_TIMEOUT, NETWORK_REQUEST_LOST, NETWORK_REQUESTS_FULL
   * or the signal's reason.
   */
  async expect(
    peer: PeerId,
    messageId: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly protocol: string },
  ): Promise<Uint8Array> {
    const { timeoutMs, signal, protocol } = options
    const { maxRequestTimeoutMs } = this.#options
    assert(timeoutMs <= maxRequestTimeoutMs, `a request waits ${maxRequestTimeoutMs} ms at most, not ${timeoutMs}`)
    const what = `asking ${short(peer)} by ${protocol}`
    const ids = this.#open.get(peer) ?? new Set<string>()
    this.#open.set(peer, ids.add(messageId))
    try {
      return await this.#pending.expect(keyOf(peer, messageId), { timeoutMs, signal, what })
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      if (cause instanceof DeadlineExceeded) throw failure('NETWORK_REQUEST_TIMEOUT', cause.message, peer, cause)
      if (cause instanceof PendingFull) throw failure('NETWORK_REQUESTS_FULL', cause.message, peer, cause)
      throw cause
    } finally {
      ids.delete(messageId)
      if (ids.size === 0) this.#open.delete(peer)
    }
  }

  /** false when nobody waits for it: unknown id, late, or from somebody else. */
  settle(peer: PeerId, messageId: string, answer: Uint8Array): boolean {
    return this.#pending.settle(keyOf(peer, messageId), answer)
  }

  fail(peer: PeerId, messageId: string, error: unknown): void {
    this.#pending.fail(keyOf(peer, messageId), error)
  }

  /** The peer's last connection ended: its answers will not come. */
  peerGone(peer: PeerId): void {
    for (const messageId of [...(this.#open.get(peer) ?? [])]) {
      const what = `asking ${short(peer)}: its last connection ended before the answer`
      this.fail(peer, messageId, failure('NETWORK_REQUEST_LOST', what, peer))
    }
  }

  failAll(error: unknown): void {
    this.#pending.failAll(error)
  }
}

function keyOf(peer: PeerId, messageId: string): string {
  return `${peer} ${messageId}`
}

function failure(
  code: 'NETWORK_REQUEST_TIMEOUT' | 'NETWORK_REQUEST_LOST' | 'NETWORK_REQUESTS_FULL',
  message: string,
  peer: PeerId,
  cause?: unknown,
): NetworkError {
  return new NetworkError(code, message, { data: { peer }, cause })
}
