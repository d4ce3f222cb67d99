/**
 * Questions to one peer on the chunk topic. Both directions are plain messages: an answer belongs to a question when
 * its request id and its authenticated sender are the ones asked (wire.md 16).
 */
import {
  Aborted,
  type Clock,
  codeOf,
  DeadlineExceeded,
  messageOf,
  PendingReplies,
  type Random,
  withDeadline,
} from '../base/index.ts'
import type { DhtPeer } from '../dht/index.ts'
import type { Network, PreparedMessage } from '../network/index.ts'
import {
  type ChunkBody,
  decodeChunkMessage,
  encodeChunkMessageParts,
  MAX_CHUNK_MESSAGE_BYTES,
  type PeerId,
  TOPIC_CHUNK,
} from '../protocol/index.ts'
import type { ClientMetrics } from './metrics.ts'

/** One message, encoded and signed once, for any number of peers. */
export interface PreparedRequest {
  readonly requestId: bigint
  readonly message: PreparedMessage
}

export type Reply =
  | { readonly kind: 'answer'; readonly body: ChunkBody }
  /** Delivered, but no answer in time. */
  | { readonly kind: 'timeout'; readonly message: string }
  /** Not connected or not delivered. */
  | { readonly kind: 'dial'; readonly message: string }

export interface ChunkRequestsDeps {
  readonly network: Pick<Network, 'handle' | 'prepare' | 'sendPrepared' | 'connect' | 'connectionOf'>
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Pick<ClientMetrics, 'droppedReplies'>
}

export interface ChunkRequestsOptions {
  readonly responseTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly maxPendingRequests: number
}

export class ChunkRequests {
  readonly #deps: ChunkRequestsDeps
  readonly #options: ChunkRequestsOptions
  readonly #pending: PendingReplies<ChunkBody>
  #unsubscribe: (() => void) | undefined

  constructor(deps: ChunkRequestsDeps, options: ChunkRequestsOptions) {
    this.#deps = deps
    this.#options = options
    this.#pending = new PendingReplies(deps.clock, options.maxPendingRequests)
  }

  get pending(): number {
    return this.#pending.size
  }

  start(): void {
    this.#unsubscribe ??= this.#deps.network.handle(
      TOPIC_CHUNK,
      { maxBytes: MAX_CHUNK_MESSAGE_BYTES },
      (data, { from }) => this.#receive(from.peer, data),
    )
  }

  stop(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#pending.failAll(new Aborted('the client stopped'))
  }

  prepare(body: ChunkBody): PreparedRequest {
    const { random, network } = this.#deps
    const requestId = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32())
    return { requestId, message: network.prepare(TOPIC_CHUNK, encodeChunkMessageParts({ requestId, body })) }
  }

  /**
   * Connects when needed, sends, waits for the answer. Never throws for what the peer or the way to it does; throws
   * the signal's reason when that is aborted. `delivered` is called when the peer has the whole message and the wait for
   * its answer begins.
   */
  async ask(
    peer: DhtPeer,
    request: PreparedRequest,
    { signal, delivered }: { signal: AbortSignal; delivered?: () => void },
  ): Promise<Reply> {
    signal.throwIfAborted()
    const { clock } = this.#deps
    const { sendTimeoutMs, responseTimeoutMs } = this.#options
    const key = keyOfRequest(peer.peer, request.requestId)
    const what = `chunk request to ${peer.peer.slice(0, 16)}`
    const answered = this.#pending.expect(key, { timeoutMs: sendTimeoutMs + responseTimeoutMs, signal, what })
    const answer = answered.then(
      (body): Reply => ({ kind: 'answer', body }),
      (error): Reply => {
        signal.throwIfAborted()
        return { kind: error instanceof DeadlineExceeded ? 'timeout' : 'dial', message: messageOf(error) }
      },
    )
    answer.catch(() => undefined)
    if (!this.#pending.has(key)) return answer
    try {
      await withDeadline(clock, sendTimeoutMs, signal, what, (scope) => this.#deliver(peer, request.message, scope))
    } catch (error) {
      this.#pending.fail(key, new Aborted(`not delivered: ${codeOf(error) ?? 'error'}: ${messageOf(error)}`))
      return answer
    }
    delivered?.()
    const timer = clock.timer(responseTimeoutMs, () =>
      this.#pending.fail(key, new DeadlineExceeded(responseTimeoutMs, what)),
    )
    try {
      return await answer
    } finally {
      timer.cancel()
    }
  }

  async #deliver({ peer, addresses }: DhtPeer, message: PreparedMessage, signal: AbortSignal): Promise<void> {
    const { network } = this.#deps
    // The address book knows the routing table only; a lookup also finds peers that are not in it.
    if (!network.connectionOf(peer)) {
      await network.connect(peer, addresses.length > 0 ? { signal, addresses } : { signal })
    }
    await network.sendPrepared(peer, message, { signal, lane: 'put' })
  }

  #receive(from: PeerId, data: Uint8Array): void {
    let message: ReturnType<typeof decodeChunkMessage>
    try {
      message = decodeChunkMessage(data)
    } catch {
      this.#deps.metrics.droppedReplies.add()
      return
    }
    if (!this.#pending.settle(keyOfRequest(from, message.requestId), message.body)) {
      this.#deps.metrics.droppedReplies.add()
    }
  }
}

function keyOfRequest(peer: PeerId, requestId: bigint): string {
  return `${peer}:${requestId}`
}
