/**
 * From received bytes to verified messages: queue, decode, the connection's own key, size by topic, signature, route.
 * Whatever is wrong is dropped and counted; nothing is thrown and nobody is blamed (wire.md 25).
 */
import { type Logger, messageOf } from '../base/index.ts'
import type { Verifier } from '../crypto/index.ts'
import {
  decodeRequestEnvelope,
  decodeWireMessage,
  MAX_MESSAGE_BYTES,
  type MessageData,
  ProtocolError,
  protocolOfTopic,
  type RequestEnvelope,
  TOPIC_IDENTITY,
  verifyWireMessage,
  type WireMessage,
} from '../protocol/index.ts'
import { InboundQueue } from './inbound-queue.ts'
import type { Link } from './link.ts'
import type { ReceiveOutcome } from './metrics.ts'
import type { SendOptions } from './network.ts'
import type { NetworkOptions } from './options.ts'
import type { Requests } from './requests.ts'
import type { Router } from './router.ts'

export interface ReceiverDeps {
  readonly verifier: Verifier
  readonly log: Logger
  readonly router: Router
  readonly requests: Requests
  /** The first verified message of a connection. */
  onIdentified(link: Link, userAgent: string): void
  /** Sends the answer to a request back to who asked. */
  answer(link: Link, topic: string, messageId: string, answer: MessageData, options: SendOptions): Promise<void>
  count(topic: string, outcome: ReceiveOutcome): void
  countBytes(topic: string, bytes: number): void
}

export class Receiver {
  readonly #deps: ReceiverDeps
  readonly #options: NetworkOptions
  readonly #queue: InboundQueue<Link>
  #verifying = 0
  #stopped = false

  constructor(deps: ReceiverDeps, options: NetworkOptions) {
    this.#deps = deps
    this.#options = options
    this.#queue = new InboundQueue(options)
  }

  /** Messages and bytes that wait for verification. */
  get waiting(): { readonly messages: number; readonly bytes: number } {
    return this.#queue
  }

  /** `bytes` are moved here. */
  accept(link: Link, bytes: Uint8Array): void {
    if (this.#stopped) return
    const refusal = this.#enqueue(link, bytes)
    if (refusal !== undefined) this.#deps.count('', refusal)
    else this.#pump()
  }

  #enqueue(link: Link, bytes: Uint8Array): ReceiveOutcome | undefined {
    if (bytes.length === 0) return 'empty'
    if (bytes.length > MAX_MESSAGE_BYTES) return 'tooLarge'
    return this.#queue.push(link, bytes) ? undefined : 'queueFull'
  }

  forget(link: Link): void {
    this.#queue.forget(link)
  }

  stop(): void {
    this.#stopped = true
  }

  #pump(): void {
    while (this.#verifying < this.#options.verifyConcurrency) {
      const next = this.#queue.next()
      if (next === undefined) return
      this.#verifying++
      void this.#takeNext(next.link, next.message)
    }
  }

  async #takeNext(link: Link, bytes: Uint8Array): Promise<void> {
    try {
      await this.#take(link, bytes)
    } catch (error) {
      this.#deps.log.error('taking a message failed', { error: messageOf(error) })
    }
    this.#verifying--
    this.#pump()
  }

  async #take(link: Link, bytes: Uint8Array): Promise<void> {
    const { count, countBytes, router, verifier } = this.#deps
    const message = tryDecode(bytes, decodeWireMessage)
    if (message === undefined) return count('', 'undecodable')
    const { topic } = message
    if (message.signature.length === 0) return count(topic, 'unsigned')
    // On our links nobody speaks for somebody else. Verification ties the envelope's key to `from` by its hash, so
    // equal ids mean that it is the key proved in the handshake.
    if (message.from !== link.peer) return count(topic, 'foreignKey')
    const refusal = topic === TOPIC_IDENTITY ? undefined : router.refusal(topic, message.data.length)
    if (link.identified && refusal !== undefined && !isAnswer(message)) return count(topic, refusal)
    const verdict = await verifyWireMessage(message, verifier, link)
    if (verdict.kind !== 'ok') return count(topic, verdict.kind === 'unsigned' ? 'unsigned' : 'badSignature')
    if (this.#stopped || link.over) return
    countBytes(topic, bytes.length)
    if (!link.identified) this.#deps.onIdentified(link, message.userAgent)
    if (topic === TOPIC_IDENTITY) return count(topic, 'announce')
    this.#route(link, message, refusal)
  }

  #route(link: Link, message: WireMessage, refusal: ReceiveOutcome | undefined): void {
    const { topic, data } = message
    const { count, router } = this.#deps
    if (protocolOfTopic(topic) !== undefined) {
      const envelope = tryDecode(data, decodeRequestEnvelope)
      if (envelope === undefined) count(topic, 'undecodable')
      else this.#envelope(link, topic, envelope)
    } else if (refusal !== undefined) count(topic, refusal)
    else router.message(topic, data, link)
  }

  #envelope(link: Link, topic: string, { messageId, isResponse, payload }: RequestEnvelope): void {
    const { count, requests, router } = this.#deps
    if (isResponse) {
      const matched = requests.settle(link.peer, messageId, payload)
      count(topic, matched ? 'delivered' : 'unmatchedResponse')
    } else {
      router.request(topic, payload, link, (answer, options) =>
        this.#deps.answer(link, topic, messageId, answer, options),
      )
    }
  }
}

/** An answer may come on a topic that we only ask on. Its size is bound by the stream limit. */
function isAnswer({ topic }: WireMessage): boolean {
  return protocolOfTopic(topic) !== undefined
}

function tryDecode<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined {
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
