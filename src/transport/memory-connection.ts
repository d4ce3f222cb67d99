/** One end of a connection between two transports of a memory hub. */
import { raceAbort } from '../base/index.ts'
import type { SocketAddress } from '../protocol/index.ts'
import { TransportError } from './errors.ts'
import { Inbox } from './inbox.ts'
import type { TransportOptions } from './options.ts'
import type { CloseReason, Connection, ConnectionStats, SendOptions } from './transport.ts'

/** What an acknowledgement counts as. */
const PING_BYTES = 40

export interface MemoryConnectionDeps {
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  readonly remoteKey: Uint8Array
  /** How the other end names us. */
  readonly seenAs: SocketAddress
  readonly options: TransportOptions
  onClosed(connection: MemoryConnection): void
}

export class MemoryConnection implements Connection {
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  readonly remoteKey: Uint8Array
  readonly observedAddress: SocketAddress
  readonly closed: Promise<CloseReason>
  readonly #deps: MemoryConnectionDeps
  readonly #inbox = new Inbox()
  readonly #over = new AbortController()
  readonly #settleClosed: (reason: CloseReason) => void
  #peer: MemoryConnection | undefined
  #queued = 0
  #sent = 0
  #received = 0

  constructor(deps: MemoryConnectionDeps) {
    this.#deps = deps
    this.side = deps.side
    this.remote = deps.remote
    this.remoteKey = deps.remoteKey
    this.observedAddress = deps.seenAs
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#settleClosed = resolve
  }

  /** Joins two ends; once, before either is handed over. */
  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#peer = b
    b.#peer = a
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#inbox.handler
  }
  set onMessage(handler: (message: Uint8Array) => void) {
    this.#inbox.handler = handler
  }

  /** The address is known from the start, so it is told to whoever asks to be told. */
  get onObservedAddress(): (address: SocketAddress) => void {
    return this.#onObservedAddress
  }
  set onObservedAddress(handler: (address: SocketAddress) => void) {
    this.#onObservedAddress = handler
    handler(this.observedAddress)
  }
  #onObservedAddress: (address: SocketAddress) => void = () => undefined

  async send(message: Uint8Array, { signal }: SendOptions): Promise<void> {
    signal.throwIfAborted()
    this.#over.signal.throwIfAborted()
    const { maxMessageBytes, sendQueueBytes } = this.#deps.options
    const { length } = message
    if (length > maxMessageBytes) {
      throw new TransportError(
        'TRANSPORT_MESSAGE_TOO_LARGE',
        `sending a message of ${length} bytes: the limit is ${maxMessageBytes}`,
      )
    }
    if (this.#queued + length > sendQueueBytes) {
      throw new TransportError(
        'TRANSPORT_SEND_FAILED',
        `sending ${length} bytes: ${this.#queued} of ${sendQueueBytes} bytes wait already on this connection`,
      )
    }
    this.#queued += length
    try {
      // A turn of its own for every message: nothing arrives inside the call that sent it.
      await raceAbort(signal, raceAbort(this.#over.signal, Promise.resolve()))
      signal.throwIfAborted()
      this.#over.signal.throwIfAborted()
      this.#handOver(message)
    } finally {
      this.#queued -= length
    }
  }

  #handOver(message: Uint8Array): void {
    const peer = this.#peer
    if (peer === undefined || message.length === 0) return
    const limit = peer.#deps.options.maxMessageBytes
    if (message.length > limit) {
      throw new TransportError(
        'TRANSPORT_SEND_FAILED',
        `sending ${message.length} bytes: the peer stopped the stream, code 0`,
        { data: { code: 0 } },
      )
    }
    this.#sent += message.length
    peer.#received += message.length
    peer.#inbox.deliver(message.slice())
  }

  setReceiveWindow(_bytes: number): void {}

  stats(): ConnectionStats {
    return { rttMs: 0, sentBytes: this.#sent, receivedBytes: this.#received, lostPackets: 0 }
  }

  ping(): void {
    if (!this.#over.signal.aborted) this.#received += PING_BYTES
  }

  async close(code: number, reason: string): Promise<void> {
    if (!this.#over.signal.aborted) {
      const peer = this.#peer
      this.#end({ kind: 'local', code, reason })
      if (peer !== undefined) queueMicrotask(() => peer.#end({ kind: 'peer', code, reason }))
    }
    await this.closed
  }

  #end(reason: CloseReason): void {
    if (this.#over.signal.aborted) return
    this.#inbox.close()
    this.#over.abort(
      new TransportError(
        'TRANSPORT_CLOSED',
        `the connection is closed (${reason.kind}, code ${reason.code}, ${JSON.stringify(reason.reason)})`,
      ),
    )
    this.#deps.onClosed(this)
    this.#settleClosed(reason)
  }
}
