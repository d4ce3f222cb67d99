/** Signs and sends. Each message is encoded and signed once, also when it has to be sent a second time. */
import { type Bytes, type Clock, codeOf, release } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import {
  encodeIdentityAnnounce,
  encodeWireMessage,
  MAX_MESSAGE_BYTES,
  type MessageData,
  type PeerId,
  short,
  TOPIC_IDENTITY,
} from '../protocol/index.ts'
import { NetworkError } from './errors.ts'
import type { Link } from './link.ts'
import type { SendOutcome } from './metrics.ts'
import type { PreparedMessage, SendOptions } from './network.ts'
import type { NetworkOptions } from './options.ts'
import type { SendLanes } from './send-lanes.ts'

export interface SenderDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly signer: Signer
  /** Memory for a whole message, from which the transport sends. */
  allocate(bytes: number): Bytes
  /** A usable link to the peer, dialling when there is none. */
  linkTo(peer: PeerId, signal: AbortSignal): Promise<Link>
  /** A link turned out to be dead. */
  onDead(link: Link): void
  readonly lanes: SendLanes
  count(topic: string, outcome: SendOutcome, bytes: number): void
}

export interface SendRequest extends SendOptions {
  /** Whether it waits for its turn: that is no fault of the peer's. */
  readonly onWait?: (waits: boolean) => void
}

/** Of streams: a small message passes the large ones of its connection. */
const SMALL_PRIORITY = 1

export class Sender {
  readonly #deps: SenderDeps
  readonly #options: NetworkOptions
  #announce: { readonly bytes: Promise<Bytes>; readonly at: number } | undefined

  constructor(deps: SenderDeps, options: NetworkOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** Signed when it is first sent, or asked for; until then the data are borrowed. Every send uses the same bytes. */
  prepare(topic: string, data: MessageData): PreparedMessage {
    let given: MessageData | undefined = data
    let bytes: Promise<Bytes> | undefined
    return {
      topic,
      bytes: () => {
        if (bytes !== undefined) return bytes
        if (given === undefined) throw new NetworkError('NETWORK_SEND_FAILED', `sending ${topic}: it was released`)
        bytes = this.#encode(topic, given)
        given = undefined
        return bytes
      },
      release: () => {
        // Not under a signature that is being made.
        bytes?.then(release, () => undefined)
        bytes = undefined
        given = undefined
      },
    }
  }

  /** `send` of a message that nobody needs afterwards. */
  async sendOnce(peer: PeerId, topic: string, data: MessageData, request: SendRequest): Promise<void> {
    const { signal } = request
    const link = await this.#deps.linkTo(peer, signal)
    signal.throwIfAborted()
    const bytes = await this.#encode(topic, data)
    try {
      signal.throwIfAborted()
      await this.#sendBytes(link, topic, bytes, request)
    } finally {
      release(bytes)
    }
  }

  /** Connects when needed. */
  async send(peer: PeerId, message: PreparedMessage, request: SendRequest): Promise<void> {
    const { signal } = request
    const first = await this.#deps.linkTo(peer, signal)
    signal.throwIfAborted()
    const bytes = await message.bytes()
    signal.throwIfAborted()
    await this.#sendBytes(first, message.topic, bytes, request)
  }

  /** A dead connection costs one more try (wire.md 7.6): a stalled or reset stream does not. */
  async #sendBytes(first: Link, topic: string, bytes: Uint8Array, request: SendRequest): Promise<void> {
    const { peer } = first
    const { signal } = request
    if (await this.#try(first, topic, bytes, request)) return
    const second = await this.#deps.linkTo(peer, signal)
    if (await this.#try(second, topic, bytes, request)) return
    throw new NetworkError('NETWORK_SEND_FAILED', `sending ${topic} to ${short(peer)}: two connections died under it`)
  }

  /** On this connection or not at all: for answers. */
  async sendOn(link: Link, topic: string, data: MessageData, request: SendRequest): Promise<void> {
    const bytes = await this.#encode(topic, data)
    try {
      await this.#try(link, topic, bytes, request)
    } finally {
      release(bytes)
    }
  }

  /** Says who we are: the first message on every connection (wire.md 10). */
  async announce(link: Link, signal: AbortSignal): Promise<void> {
    const bytes = await this.#announcement()
    await this.#try(link, TOPIC_IDENTITY, bytes, { signal })
  }

  /** A signature that failed is not kept: the next connection tries again. */
  async #announcement(): Promise<Bytes> {
    const now = this.#deps.clock.monotonic()
    if (this.#announce === undefined || now - this.#announce.at >= this.#options.announceReuseMs) {
      this.#announce = { bytes: encodeIdentityAnnounce(this.#identity(), this.#deps.signer), at: now }
    }
    const current = this.#announce
    try {
      return await current.bytes
    } catch (error) {
      if (this.#announce === current) this.#announce = undefined
      throw error
    }
  }

  async #encode(topic: string, data: MessageData): Promise<Bytes> {
    const { signer, allocate } = this.#deps
    const bytes = await encodeWireMessage({ topic, data, ...this.#identity() }, signer, allocate)
    if (bytes.length <= MAX_MESSAGE_BYTES) return bytes
    throw new NetworkError(
      'NETWORK_MESSAGE_TOO_LARGE',
      `sending ${topic}: ${bytes.length} bytes with the envelope, the limit is ${MAX_MESSAGE_BYTES}`,
    )
  }

  /** true when sent, false when the connection is dead; throws NETWORK_SEND_FAILED while it lives, or NETWORK_BUSY. */
  async #try(link: Link, topic: string, bytes: Uint8Array, request: SendRequest): Promise<boolean> {
    const { signal } = request
    const { lanes } = this.#deps
    const gone = lanes.passes(bytes.length) ? undefined : await this.#turn(link, topic, bytes.length, request)
    try {
      await link.connection.send(bytes, {
        signal,
        acknowledged: bytes.length >= this.#options.acknowledgedFromBytes,
        ...(lanes.isSmall(bytes.length) ? { priority: SMALL_PRIORITY } : {}),
      })
      this.#deps.count(topic, 'sent', bytes.length)
      return true
    } catch (cause) {
      signal.throwIfAborted()
      this.#deps.count(topic, 'failed', 0)
      if (!link.over && codeOf(cause) !== 'TRANSPORT_CLOSED') {
        throw new NetworkError('NETWORK_SEND_FAILED', `sending ${topic} to ${short(link.peer)} failed`, { cause })
      }
      this.#deps.onDead(link)
      return false
    } finally {
      gone?.()
    }
  }

  async #turn(link: Link, topic: string, bytes: number, request: SendRequest): Promise<() => void> {
    const { signal, lane = 'control', onWait } = request
    onWait?.(true)
    try {
      return await this.#deps.lanes.turn(lane, bytes, link.peer, signal)
    } catch (error) {
      if (!signal.aborted) this.#deps.count(topic, 'failed', 0)
      throw error
    } finally {
      onWait?.(false)
    }
  }

  #identity(): { from: PeerId; timestamp: number; userAgent: string } {
    const { self, clock } = this.#deps
    return { from: self, timestamp: Math.floor(clock.now() / 1000), userAgent: this.#options.userAgent }
  }
}
