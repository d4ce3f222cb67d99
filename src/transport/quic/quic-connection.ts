/** A QUIC connection as the port shows it. */
import type { SocketAddress } from '../../protocol/index.ts'
import { TransportError } from '../errors.ts'
import { Inbox } from '../inbox.ts'
import type { CloseReason, Connection, ConnectionStats, SendOptions } from '../transport.ts'
import { FAILURE, type NativeEndpoint, type NativeFailure } from './native-endpoint.ts'

export interface QuicConnectionDeps {
  readonly id: number
  readonly endpoint: NativeEndpoint<QuicConnection>
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  readonly remoteKey: Uint8Array
  readonly maxMessageBytes: number
}

const NO_STATS: ConnectionStats = { rttMs: 0, sentBytes: 0, receivedBytes: 0, lostPackets: 0 }

export class QuicConnection implements Connection {
  readonly side: 'dialler' | 'acceptor'
  readonly remote: SocketAddress
  readonly remoteKey: Uint8Array
  readonly closed: Promise<CloseReason>
  readonly #deps: QuicConnectionDeps
  readonly #inbox = new Inbox()
  readonly #settleClosed: (reason: CloseReason) => void
  #ours: CloseReason | undefined
  #over: CloseReason | undefined
  #observed: SocketAddress | undefined
  #stats = NO_STATS
  #onObservedAddress: (address: SocketAddress) => void = () => undefined

  constructor(deps: QuicConnectionDeps) {
    this.#deps = deps
    this.side = deps.side
    this.remote = deps.remote
    this.remoteKey = deps.remoteKey
    const { promise, resolve } = Promise.withResolvers<CloseReason>()
    this.closed = promise
    this.#settleClosed = resolve
  }

  get onMessage(): (message: Uint8Array) => void {
    return this.#inbox.handler
  }
  set onMessage(handler: (message: Uint8Array) => void) {
    this.#inbox.handler = handler
  }

  get observedAddress(): SocketAddress | undefined {
    return this.#observed
  }
  get onObservedAddress(): (address: SocketAddress) => void {
    return this.#onObservedAddress
  }
  /** An address that came before the handler is told to it at once. */
  set onObservedAddress(handler: (address: SocketAddress) => void) {
    this.#onObservedAddress = handler
    if (this.#observed !== undefined) handler(this.#observed)
  }

  /** Not async, as every message comes through here: one promise for each instead of three. */
  send(message: Uint8Array, options: SendOptions): Promise<void> {
    const { signal, acknowledged = false, priority = 0 } = options
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.#over !== undefined) return Promise.reject(closedError(this.#over))
    const { id, endpoint, maxMessageBytes } = this.#deps
    const { length } = message
    if (length > maxMessageBytes) {
      const text = `sending a message of ${length} bytes: the limit is ${maxMessageBytes}`
      return Promise.reject(new TransportError('TRANSPORT_MESSAGE_TOO_LARGE', text))
    }
    const sent = endpoint.request((addon, request) => addon.send(request, id, message, acknowledged, priority), {
      signal,
      describe: (failure) => sendError(length, failure, this.#over),
    })
    // It has no value: a connection comes only from a dial.
    return sent as Promise<unknown> as Promise<void>
  }

  setReceiveWindow(bytes: number): void {
    if (this.#over === undefined)
      this.#deps.endpoint.live?.setReceiveWindow(this.#deps.id, Math.max(0, Math.floor(bytes)))
  }

  /** After the end: the last figures that were asked for. */
  stats(): ConnectionStats {
    const figures = this.#over === undefined ? this.#deps.endpoint.live?.stats(this.#deps.id) : undefined
    if (figures !== undefined) {
      const [rttMs = 0, sentBytes = 0, receivedBytes = 0, , lostPackets = 0] = figures
      this.#stats = { rttMs, sentBytes, receivedBytes, lostPackets }
    }
    return this.#stats
  }

  ping(): void {
    if (this.#over === undefined) this.#deps.endpoint.live?.ping(this.#deps.id)
  }

  async close(code: number, reason: string): Promise<void> {
    if (this.#over === undefined && this.#ours === undefined) {
      this.closing(code, reason)
      this.#deps.endpoint.live?.closeConnection(this.#deps.id, code, reason)
    }
    await this.closed
  }

  /** Our side ends it: what `closed` will say. */
  closing(code: number, reason: string): void {
    this.#ours ??= { kind: 'local', code, reason }
    this.#inbox.close()
  }

  deliver(message: Uint8Array): void {
    this.#inbox.deliver(message)
  }

  observe(address: SocketAddress): void {
    this.#observed = address
    this.#onObservedAddress(address)
  }

  /** The endpoint says that it is over. */
  end(reason: CloseReason): void {
    if (this.#over !== undefined) return
    this.#over = reason.kind === 'local' && this.#ours !== undefined ? this.#ours : reason
    this.#inbox.close()
    this.#settleClosed(this.#over)
  }
}

function closedError({ kind, code, reason }: CloseReason): TransportError {
  return new TransportError(
    'TRANSPORT_CLOSED',
    `the connection is closed (${kind}, code ${code}, ${JSON.stringify(reason)})`,
  )
}

function sendError(length: number, { kind, code, text }: NativeFailure, over: CloseReason | undefined): TransportError {
  switch (kind) {
    case FAILURE.stalled:
      return new TransportError('TRANSPORT_SEND_STALLED', `sending ${length} bytes: ${text}`)
    case FAILURE.stopped:
      return new TransportError('TRANSPORT_SEND_FAILED', `sending ${length} bytes: ${text}, code ${code}`, {
        data: { code },
      })
    case FAILURE.closed:
      return over === undefined ? new TransportError('TRANSPORT_CLOSED', text) : closedError(over)
    default:
      return new TransportError('TRANSPORT_SEND_FAILED', `sending ${length} bytes: ${text}`)
  }
}
