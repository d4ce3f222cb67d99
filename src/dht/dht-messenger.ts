/**
 * DHT messages over the network: questions with their answers, publications without, and the door for what others ask.
 * An answer counts only for an open message id, from the peer that was asked, once (dht.md 8, wire.md 13.5).
 */
import {
  type Clock,
  codeOf,
  equal,
  type Logger,
  LruMap,
  PendingReplies,
  type Random,
  randomUuid,
  Semaphore,
  SemaphoreFull,
  withDeadline,
} from '../base/index.ts'
import type { MessageContext, Network, PeerConnection } from '../network/index.ts'
import {
  type DecodedDhtMessage,
  type DhtMessage,
  type DhtOperation,
  type DhtResult,
  decodeDhtMessage,
  dhtMessageParts,
  isLegalOnTopic,
  MAX_DHT_MESSAGE_BYTES,
  type MessageData,
  type PeerId,
  ProtocolError,
  type SignedAddressRecord,
  short,
  TOPIC_DHT,
  TOPIC_DHT_ADDRESS,
  type TypedAddress,
} from '../protocol/index.ts'
import { DhtError } from './errors.ts'
import type { DhtMetrics } from './metrics.ts'
import type { DhtOptions } from './options.ts'

export interface DhtAnswer {
  readonly result: DhtResult
  /** Records of the trailer, not verified. */
  readonly proofs: readonly SignedAddressRecord[]
  readonly from: PeerConnection
}

export interface DhtReply {
  readonly result: DhtResult
  /** Operation to echo; that of the request when absent. */
  readonly operation?: DhtOperation
  /** Signed records to append, in order, as far as they fit. */
  readonly proofs?: readonly SignedAddressRecord[]
}

export interface DhtMessengerDeps {
  readonly network: Pick<Network, 'self' | 'connect' | 'send' | 'handle' | 'connectionOf'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: DhtMetrics
  /** Any decodable DHT message that is legal for its topic is a sign of life. */
  touch(peer: PeerId): void
  /** A request that was sent and got nothing costs its peer a unit. */
  requestFailed(peer: PeerId): void
  /** What we answer; undefined = nothing. */
  answer(operation: DhtOperation, from: PeerConnection): Promise<DhtReply | undefined>
}

type Options = Pick<
  DhtOptions,
  | 'requestTimeoutMs'
  | 'tardyMs'
  | 'tardyForMs'
  | 'maxPendingRequests'
  | 'handlerPermits'
  | 'handlerQueue'
  | 'handlerBudgetMs'
>

interface Question {
  readonly peer: PeerId
  readonly operation: DhtOperation
}

const REQUEST_TTL = 10
/** Peers that are remembered as owing an answer. */
const OWING_PEERS = 1024

export class DhtMessenger {
  readonly #deps: DhtMessengerDeps
  readonly #options: Options
  readonly #pending: PendingReplies<DhtAnswer>
  readonly #questions = new Map<string, Question>()
  readonly #permits: Semaphore
  /** Since when peers owe an answer, and have said nothing else. */
  readonly #owing = new LruMap<PeerId, number>(OWING_PEERS)
  /** The same on one connection: a peer that is dialled anew starts anew. */
  readonly #owingHere = new WeakMap<PeerConnection, number>()
  /** When we sent a message of any kind on a connection. */
  readonly #said = new WeakMap<PeerConnection, number>()
  #unsubscribe: (() => void)[] = []

  constructor(deps: DhtMessengerDeps, options: Options) {
    this.#deps = deps
    this.#options = options
    this.#pending = new PendingReplies(deps.clock, options.maxPendingRequests)
    this.#permits = new Semaphore(options.handlerPermits, options.handlerQueue)
  }

  start(): void {
    if (this.#unsubscribe.length > 0) return
    this.#unsubscribe = [TOPIC_DHT, TOPIC_DHT_ADDRESS].map((topic) =>
      this.#deps.network.handle(
        topic,
        { maxBytes: MAX_DHT_MESSAGE_BYTES, budgetMs: this.#options.handlerBudgetMs },
        (data, context) => this.#receive(topic, data, context),
      ),
    )
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    this.#pending.failAll()
  }

  /**
   * Asks one peer, dialling it first when needed. Throws NetworkError, the signal's reason, or DHT_REQUEST_FAILED when
   * it was asked and no usable answer came.
   */
  async request(
    peer: PeerId,
    operation: DhtOperation,
    options: { signal: AbortSignal; addresses?: readonly TypedAddress[] },
  ): Promise<DhtAnswer> {
    const { network, metrics } = this.#deps
    const { signal, addresses } = options
    try {
      await network.connect(peer, { signal, ...(addresses === undefined ? {} : { addresses }) })
      const answer = await this.#ask(peer, operation, signal)
      metrics.requests.add(1, { kind: operation.kind, outcome: 'answered' })
      return answer
    } catch (error) {
      metrics.requests.add(1, { kind: operation.kind, outcome: 'failed' })
      throw error
    }
  }

  /**
   * It was asked more than 2 s ago and has said nothing since: frozen, overloaded or gone without a word. Walks do not
   * wait for it, and ask it like everybody a minute later.
   */
  tardy(peer: PeerId): boolean {
    const since = this.#owing.get(peer)
    if (since === undefined) return false
    const waited = this.#deps.clock.monotonic() - since
    return waited >= this.#options.tardyMs && waited < this.#options.tardyForMs
  }

  /** Since when a connected peer owes an answer on this connection, and has said nothing. */
  owedSince(peer: PeerId): number | undefined {
    const connection = this.#owing.has(peer) ? this.#deps.network.connectionOf(peer) : undefined
    return connection && this.#owingHere.get(connection)
  }

  /** When the peer of this connection last heard of us here. */
  saidAt(connection: PeerConnection): number | undefined {
    return this.#said.get(connection)
  }

  /** Ping and its answer, from a peer that is connected afterwards. Never throws. */
  async ping(peer: PeerId, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      await withDeadline(this.#deps.clock, timeoutMs, signal, `ping ${short(peer)}`, (scope) =>
        this.request(peer, { kind: 'ping' }, { signal: scope }),
      )
      return this.#deps.network.connectionOf(peer) !== undefined
    } catch {
      return false
    }
  }

  /** A message whose acknowledgement nobody reads. */
  async publish(peer: PeerId, topic: string, operation: DhtOperation, signal: AbortSignal): Promise<void> {
    const message = this.#message(peer, randomUuid(this.#deps.random), operation)
    await this.#send(peer, topic, dhtMessageParts(message), signal)
  }

  async #send(peer: PeerId, topic: string, parts: MessageData, signal: AbortSignal): Promise<void> {
    const { clock, network } = this.#deps
    await network.send(peer, topic, parts, { signal })
    const connection = network.connectionOf(peer)
    if (connection) this.#said.set(connection, clock.monotonic())
  }

  async #ask(peer: PeerId, operation: DhtOperation, signal: AbortSignal): Promise<DhtAnswer> {
    const messageId = randomUuid(this.#deps.random)
    const what = `${operation.kind} to ${short(peer)}`
    const reply = this.#pending.expect(messageId, { timeoutMs: this.#options.requestTimeoutMs, signal, what })
    this.#questions.set(messageId, { peer, operation })
    const { clock, network } = this.#deps
    const { tardyMs, tardyForMs } = this.#options
    const owed = this.#owing.get(peer)
    const asked = clock.monotonic()
    const connection = network.connectionOf(peer)
    const anew = owed === undefined || asked - owed >= tardyForMs
    if (anew) this.#owing.set(peer, asked)
    if (connection && (anew || !this.#owingHere.has(connection))) this.#owingHere.set(connection, asked)
    try {
      const bytes = dhtMessageParts(this.#message(peer, messageId, operation))
      const sent = this.#send(peer, TOPIC_DHT, bytes, signal)
      sent.catch((error) => this.#pending.fail(messageId, error))
      return await reply
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      const code = codeOf(cause)
      if (code === 'PENDING_FULL') throw new DhtError('DHT_BUSY', `${what}: too many requests are open`, { cause })
      if (!isNotItsFault(code)) this.#deps.requestFailed(peer)
      throw new DhtError('DHT_REQUEST_FAILED', `${what}: no usable answer`, { cause })
    } finally {
      this.#questions.delete(messageId)
      // Given up early: that says nothing.
      if (clock.monotonic() - (this.#owing.get(peer) ?? 0) < tardyMs) this.#owing.delete(peer)
    }
  }

  #message(target: PeerId, messageId: string, operation: DhtOperation): DhtMessage {
    const timestamp = Math.floor(this.#deps.clock.now() / 1000)
    const { self } = this.#deps.network
    return { messageId, source: self, target, type: 'request', operation, timestamp, ttl: REQUEST_TTL, hopCount: 0 }
  }

  async #receive(topic: string, data: Uint8Array, context: MessageContext): Promise<void> {
    const decoded = tryDecode(data)
    if (!decoded) return this.#drop('undecodable')
    const { message, proofs } = decoded
    if (!isLegalOnTopic(topic, message)) return this.#drop('illegal')
    this.#owing.delete(context.from.peer)
    this.#deps.touch(context.from.peer)
    if (message.type === 'request') return this.#handle(topic, message, context)
    if (message.type === 'response') this.#settle(message, proofs, context.from)
    else this.#deps.log.debug('dht message without effect', { from: short(context.from.peer), type: message.type })
  }

  #settle(message: DhtMessage, proofs: readonly SignedAddressRecord[], from: PeerConnection): void {
    const question = this.#questions.get(message.messageId)
    if (!question || question.peer !== from.peer || !message.result) return
    if (!answers(question.operation, message.result)) return
    this.#pending.settle(message.messageId, { result: message.result, proofs, from })
  }

  async #handle(topic: string, request: DhtMessage, { from, signal }: MessageContext): Promise<void> {
    try {
      await this.#permits.run(signal, async () => {
        const reply = await this.#deps.answer(request.operation, from)
        if (!reply) return
        signal.throwIfAborted()
        const bytes = dhtMessageParts(this.#replyMessage(request, reply), reply.proofs)
        this.#deps.metrics.handled.add(1, { kind: request.operation.kind })
        await this.#send(from.peer, topic, bytes, signal)
      })
    } catch (error) {
      // The asker will ask somebody else; an answer that cannot be sent is nobody's fault.
      this.#drop(error instanceof SemaphoreFull ? 'tooBusy' : 'overBudget')
      this.#deps.log.debug('dht request not answered', { from: short(from.peer), error })
    }
  }

  #replyMessage(request: DhtMessage, { result, operation }: DhtReply): DhtMessage {
    return {
      messageId: request.messageId,
      source: this.#deps.network.self,
      target: request.source,
      type: 'response',
      operation: operation ?? request.operation,
      result,
      timestamp: Math.floor(this.#deps.clock.now() / 1000),
      ttl: Math.max(0, request.ttl - 1),
      hopCount: Math.min(255, request.hopCount + 1),
    }
  }

  #drop(reason: string): void {
    this.#deps.metrics.dropped.add(1, { reason })
  }
}

/** Failed dials are charged where they happen; our own limits and stops are nobody's fault (dht.md 5). */
function isNotItsFault(code: string | undefined): boolean {
  return code?.startsWith('NETWORK_') === true && code !== 'NETWORK_SEND_FAILED'
}

function tryDecode(data: Uint8Array): DecodedDhtMessage | undefined {
  try {
    return decodeDhtMessage(data)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** A node list answers only a question for the same key; other results answer any question. */
function answers(question: DhtOperation, result: DhtResult): boolean {
  if (result.kind !== 'nodesFound') return true
  return question.kind === 'findNode' && equal(question.key, result.key)
}
