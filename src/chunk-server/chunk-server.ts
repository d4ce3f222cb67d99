/**
 * Node side of `autonomi.ant.chunk.v1`: takes requests from the network, one bounded line for all, and answers on the
 * same topic to the peer that asked (storage.md 13). Runs the same on a virtual clock.
 *
 * Over a limit the answer is Error(Internal "busy"): a stock client takes any error as "ask the next peer" at once,
 * while silence costs it 10 s and lowers its rate. Those answers are bounded too; beyond that requests are dropped.
 */
import {
  type Clock,
  DeadlineExceeded,
  type Logger,
  messageOf,
  never,
  Registry,
  release,
  resolveOptions,
  type Startable,
  silentLogger,
  TaskGroup,
  TokenBuckets,
  withDeadline,
} from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import type { Dht } from '../dht/index.ts'
import type { MessageContext, Network } from '../network/index.ts'
import type { PaymentVerifier, Quoter } from '../payment/index.ts'
import {
  type ChunkMessage,
  type ChunkProtocolError,
  decodeChunkMessage,
  encodeChunkMessageParts,
  MAX_CHUNK_MESSAGE_BYTES,
  type PeerId,
  TOPIC_CHUNK,
} from '../protocol/index.ts'
import type { ChunkStore, Hash } from '../storage/index.ts'
import { asRequest, errorAnswer, type RequestBody, type ResponseBody } from './answers.ts'
import { handleGet } from './get-handler.ts'
import { type ChunkServerMetrics, createChunkServerMetrics, type RequestName, type TurnedAway } from './metrics.ts'
import { type ChunkServerOptions, chunkServerDefaults } from './options.ts'
import type { FreshChunkSink, PointerPresence } from './ports.ts'
import { handlePut } from './put-handler.ts'
import { handleCandidate, handleQuote } from './quote-handler.ts'
import { RequestLine, type Ticket } from './request-line.ts'

export interface ChunkServerDeps {
  readonly network: Pick<Network, 'handle' | 'send'>
  readonly dht: Pick<Dht, 'isResponsible'>
  readonly store: ChunkStore
  readonly payment: PaymentVerifier
  readonly quoter: Quoter
  readonly clock: Clock
  readonly log?: Logger
  readonly registry?: Registry
  /** BLAKE3; default: the backend in force, on this thread. */
  readonly hash?: Hash
  /** Default: nobody listens. */
  readonly freshChunks?: FreshChunkSink
  /** Default: no pointers are held. */
  readonly pointers?: PointerPresence
}

interface Accepted {
  readonly peer: PeerId
  readonly requestId: bigint
  readonly name: RequestName
  readonly body: RequestBody
}

const BUSY: ChunkProtocolError = { kind: 'internal', message: 'busy: too many requests at this node, ask another' }
const NO_POINTERS: ChunkProtocolError = {
  kind: 'storageFailed',
  message: 'pointers are not stored by this node yet',
}

export class ChunkServer implements Startable {
  readonly #deps: Required<ChunkServerDeps>
  readonly #options: ChunkServerOptions
  readonly #metrics: ChunkServerMetrics
  readonly #line: RequestLine
  /** Bytes that peers read. */
  readonly #budget: TokenBuckets<PeerId>
  #tasks: TaskGroup | undefined
  #unsubscribe: (() => void) | undefined
  #busyAnswers = 0

  constructor(deps: ChunkServerDeps, options?: Partial<ChunkServerOptions>) {
    this.#options = resolveOptions('chunk-server', chunkServerDefaults, options)
    const registry = deps.registry ?? new Registry()
    this.#deps = {
      ...deps,
      registry,
      log: (deps.log ?? silentLogger).child('chunk-server'),
      hash: deps.hash ?? ((content) => backend().blake3(content)),
      freshChunks: deps.freshChunks ?? { freshChunk: () => undefined },
      pointers: deps.pointers ?? { has: () => false },
    }
    this.#line = new RequestLine(this.#options)
    const { getBurstBytes: burst, getBytesPerSecond: perSecond, getPeers: keys } = this.#options
    this.#budget = new TokenBuckets({ burst, perSecond, keys })
    this.#metrics = createChunkServerMetrics(registry, this.#line)
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#tasks) return
    signal.throwIfAborted()
    this.#tasks = new TaskGroup((error, name) => this.#deps.log.error('a chunk request failed', { name, error }))
    this.#unsubscribe = this.#deps.network.handle(
      TOPIC_CHUNK,
      { maxBytes: MAX_CHUNK_MESSAGE_BYTES },
      // Nothing is awaited: the line here bounds the work, and one slow request must not hold up its peer's others.
      (data, context) => this.#receive(data, context),
    )
  }

  /** Takes nothing new, lets running requests end for a while, then gives up on the rest. */
  async stop(): Promise<void> {
    const tasks = this.#tasks
    if (!tasks) return
    this.#unsubscribe?.()
    this.#tasks = undefined
    try {
      await withDeadline(this.#deps.clock, this.#options.drainMs, never, 'draining', () => this.#line.idle())
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error
      this.#deps.log.warn('requests are given up at stop', { outstanding: this.#line.outstanding })
    }
    await tasks.stop()
  }

  #receive(data: Uint8Array, { from }: MessageContext): void {
    const tasks = this.#tasks
    const refusal = tasks ? this.#admit(tasks, data, from.peer) : 'stopping'
    if (refusal) this.#metrics.turnedAway(refusal)
  }

  #admit(tasks: TaskGroup, data: Uint8Array, peer: PeerId): TurnedAway | undefined {
    const message = this.#decode(data, peer)
    if (!message) return 'undecodable'
    const request = asRequest(message.body)
    if (!request) return 'response'
    const accepted = { peer, requestId: message.requestId, ...request }
    if (request.name === 'get' && !this.#budget.isOpen(peer, this.#deps.clock.monotonic()))
      return this.#turnAway(tasks, accepted, 'budget')
    const ticket = this.#line.enter(peer, data.length)
    if (ticket.kind === 'full') return this.#turnAway(tasks, accepted, ticket.limit)
    tasks.spawn(request.name, (signal) => this.#serve(accepted, ticket, signal))
    return undefined
  }

  #decode(data: Uint8Array, peer: PeerId): ChunkMessage | undefined {
    try {
      return decodeChunkMessage(data)
    } catch (error) {
      this.#deps.log.debug('an undecodable chunk message is dropped', { peer, bytes: data.length, error })
      return undefined
    }
  }

  #turnAway(tasks: TaskGroup, { peer, requestId, name, body }: Accepted, limit: string): TurnedAway {
    if (body.kind === 'putRequest') release(body.content)
    const silent = this.#busyAnswers >= this.#options.maxBusyAnswers
    this.#deps.log.debug('a request is turned away', { peer, request: name, limit, silent })
    if (silent) return 'dropped'
    this.#busyAnswers++
    tasks.spawn('busy', async (signal) => {
      try {
        await this.#send(peer, requestId, errorAnswer(name, BUSY), signal)
      } finally {
        this.#busyAnswers--
      }
    })
    return 'busy'
  }

  async #serve(accepted: Accepted, ticket: Ticket, signal: AbortSignal): Promise<void> {
    const { peer, requestId, name, body } = accepted
    const began = this.#deps.clock.monotonic()
    if (body.kind === 'putRequest') this.#metrics.putBytes.add(body.content.length)
    try {
      await ticket.turn(signal)
      const answer = await this.#answer(body, name, signal)
      const read = answer.kind === 'getResponse' && answer.result.kind === 'success' ? answer.result.content : undefined
      if (read) this.#budget.charge(peer, this.#deps.clock.monotonic(), read.length)
      await this.#send(peer, requestId, answer, signal)
      const duration = this.#deps.clock.monotonic() - began
      this.#metrics.answered(name, answer.result.kind, duration / 1000)
      this.#deps.log.debug('request answered', {
        request: name,
        outcome: answer.result.kind,
        durationMs: duration,
        peer,
      })
      if (read) {
        this.#metrics.getBytes.add(read.length)
        release(read)
      }
    } finally {
      ticket.leave()
      if (body.kind === 'putRequest') release(body.content)
    }
  }

  /** A failure that no handler foresaw is ours; the peer is told so and learns nothing else. */
  async #answer(body: RequestBody, name: RequestName, signal: AbortSignal): Promise<ResponseBody> {
    try {
      return await this.#dispatch(body, signal)
    } catch (error) {
      signal.throwIfAborted()
      this.#deps.log.error('a handler failed', { request: name, error })
      return errorAnswer(name, { kind: 'internal', message: 'the request failed at this node' })
    }
  }

  async #dispatch(body: RequestBody, signal: AbortSignal): Promise<ResponseBody> {
    switch (body.kind) {
      case 'putRequest':
        return { kind: 'putResponse', result: await handlePut(this.#deps, body, signal) }
      case 'getRequest':
        return { kind: 'getResponse', result: await handleGet(this.#deps, body.address) }
      case 'quoteRequest':
        this.#metrics.unversionedQuotes.add()
        return { kind: 'quoteResponse', result: await handleQuote(this.#deps, body) }
      case 'quoteRequestV2':
        return { kind: 'quoteResponse', result: await handleQuote(this.#deps, body) }
      case 'merkleCandidateRequest':
        this.#metrics.unversionedQuotes.add()
        return { kind: 'merkleCandidateResponse', result: await handleCandidate(this.#deps, body) }
      case 'merkleCandidateRequestV2':
        return { kind: 'merkleCandidateResponse', result: await handleCandidate(this.#deps, body) }
      case 'pointerPutRequest':
        return errorAnswer('pointerPut', NO_POINTERS)
      case 'pointerGetRequest':
        return errorAnswer('pointerGet', NO_POINTERS)
    }
  }

  async #send(peer: PeerId, requestId: bigint, body: ResponseBody, signal: AbortSignal): Promise<void> {
    const { clock, network, log } = this.#deps
    const parts = encodeChunkMessageParts({ requestId, body })
    try {
      await withDeadline(clock, this.#options.sendTimeoutMs, signal, `answering ${peer}`, (inner) =>
        // Only chunks are large.
        network.send(peer, TOPIC_CHUNK, parts, { signal: inner, lane: 'get' }),
      )
    } catch (error) {
      signal.throwIfAborted()
      this.#metrics.sendFailures.add()
      log.debug('an answer could not be sent', { peer, error: messageOf(error) })
    }
  }
}

/** Answers from `start` to `stop`. */
export function createChunkServer(deps: ChunkServerDeps, options?: Partial<ChunkServerOptions>): ChunkServer {
  return new ChunkServer(deps, options)
}
