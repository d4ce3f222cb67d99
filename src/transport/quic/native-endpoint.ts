/**
 * The JS side of the native endpoint: requests with numbers go in, one queue of events comes out. The addon wakes us
 * once for whatever has gathered; we drain until it is empty, in turns of 256 events, so that the loop stays alive.
 */
import { codeOf, messageOf, never } from '../../base/index.ts'
import { formatSocketAddress, type SocketAddress } from '../../protocol/index.ts'
import { TransportError, type TransportErrorCode } from '../errors.ts'
import { STOP_CODE, STOP_REASON } from '../options.ts'
import type { CloseReason } from '../transport.ts'
import { type AddonEndpoint, type AddonEndpointClass, HAS_DATA, HAS_TEXT, STATUS } from './addon.ts'
import { closeOnExit } from './exit.ts'

const NUMBERS = 4
const FULL_DRAIN = 256
const MAX_REQUEST = 2 ** 32 - 1
const NO_BYTES = new Uint8Array()

const KIND = 0xff

/** Numbers of native/quic/src/abi_types.rs. */
const EVENT = { connected: 1, done: 2, failed: 3, closed: 4, message: 5, observed: 6, broken: 7 } as const
const END_KINDS: readonly CloseReason['kind'][] = ['error', 'local', 'peer', 'timeout', 'reset', 'error']

/** Numbers of FailureKind in native/quic/src/events.rs. */
export const FAILURE = { cancelled: 1, timeout: 2, closed: 3, stopped: 4, stalled: 5, handshake: 6 } as const

/** How a request failed, in the words of the endpoint. */
export interface NativeFailure {
  readonly kind: number
  readonly code: number
  readonly text: string
}

/** What happens to connections. Ids are the endpoint's. */
export interface EndpointHandlers<Connection> {
  /** Handed over before any of its messages. `accepted`: nobody here asked for it. */
  connected(id: number, remote: string, key: Uint8Array, accepted: boolean): Connection
  closed(id: number, reason: CloseReason): void
  message(id: number, message: Uint8Array): void
  observed(id: number, address: string): void
  /** The endpoint failed inside; nothing more comes. */
  broken(reason: string): void
}

interface Pending<Connection> {
  readonly options: RequestOptions
  readonly resolve: (connection: Connection | undefined) => void
  readonly reject: (error: unknown) => void
  readonly onAbort: (() => void) | undefined
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  describe(failure: NativeFailure): TransportError
}

export class NativeEndpoint<Connection> {
  readonly #addon: AddonEndpoint
  readonly #handlers: EndpointHandlers<Connection>
  readonly #pending = new Map<number, Pending<Connection>>()
  readonly #numbers = new Float64Array(FULL_DRAIN * NUMBERS)
  readonly #forgetExit: () => void
  #lastRequest = 0
  #over = false

  /** Binds at once. Throws TRANSPORT_ADDRESS_IN_USE or TRANSPORT_BIND_FAILED. */
  constructor(
    addon: AddonEndpointClass,
    config: { secretKey: Uint8Array; bind: SocketAddress; options: Float64Array },
    handlers: EndpointHandlers<Connection>,
  ) {
    this.#handlers = handlers
    const bind = formatSocketAddress(config.bind)
    try {
      this.#addon = new addon(config.secretKey, bind, config.options, () => this.#pump())
    } catch (cause) {
      throw bindError(bind, cause)
    }
    this.#forgetExit = closeOnExit(this.#addon, STOP_CODE, STOP_REASON)
  }

  /** The native side; undefined once it is closed. */
  get live(): AddonEndpoint | undefined {
    return this.#over ? undefined : this.#addon
  }

  /**
   * Runs one request: `begin` gets its number and returns the status of the native call. Rejects at once with the
   * signal's reason when it aborts; the native side is cancelled then.
   */
  request(
    begin: (addon: AddonEndpoint, request: number) => number,
    options: RequestOptions,
  ): Promise<Connection | undefined> {
    const { signal } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const request = this.#nextRequest()
      const status = this.#over ? STATUS.gone : begin(this.#addon, request)
      if (status !== STATUS.ok) return reject(statusError(status))
      let onAbort: (() => void) | undefined
      // Listening costs more than sending a small message does.
      if (signal !== undefined && signal !== never) {
        onAbort = () => {
          this.#pending.delete(request)
          if (!this.#over) this.#addon.cancel(request)
          reject(signal.reason)
        }
        signal.addEventListener('abort', onAbort, { once: true })
      }
      this.#pending.set(request, { options, resolve, reject, onAbort })
    })
  }

  /** Closes every connection and the socket; resolves when the port is free and peers have been told. */
  async close(code: number, reason: string): Promise<void> {
    if (this.#over) return
    const describe = (failure: NativeFailure) => new TransportError('TRANSPORT_CLOSED', failure.text)
    await this.request((addon, request) => addon.close(request, code, reason), { describe }).catch(() => undefined)
    this.#end('the transport is stopped')
  }

  #end(why: string): void {
    if (this.#over) return
    this.#over = true
    this.#forgetExit()
    this.#addon.free()
    for (const request of [...this.#pending.keys()]) {
      this.#take(request)?.reject(new TransportError('TRANSPORT_CLOSED', why))
    }
  }

  #nextRequest(): number {
    do this.#lastRequest = this.#lastRequest >= MAX_REQUEST ? 1 : this.#lastRequest + 1
    while (this.#pending.has(this.#lastRequest))
    return this.#lastRequest
  }

  #pump(): void {
    if (this.#over) return
    const numbers = this.#numbers
    const values: unknown[] = []
    const count = this.#addon.drain(numbers, values)
    for (let i = 0, at = 0, value = 0; i < count && !this.#over; i++, at += NUMBERS) {
      const kind = numbers[at] as number
      const text = kind & HAS_TEXT ? (values[value++] as string) : ''
      const data = kind & HAS_DATA ? (values[value++] as Uint8Array) : NO_BYTES
      try {
        this.#dispatch(kind & KIND, at, text, data)
      } catch (error) {
        // A handler that throws is a bug of ours: it surfaces, and the other events still arrive.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    if (count === FULL_DRAIN) setImmediate(() => this.#pump())
  }

  #dispatch(kind: number, at: number, text: string, data: Uint8Array): void {
    const a = this.#numbers[at + 1] as number
    const b = this.#numbers[at + 2] as number
    const code = this.#numbers[at + 3] as number
    switch (kind) {
      case EVENT.connected:
        this.#connected(a, b, text, data)
        break
      case EVENT.done:
        this.#take(a)?.resolve(undefined)
        break
      case EVENT.failed: {
        const pending = this.#take(a)
        pending?.reject(pending.options.describe({ kind: b, code, text }))
        break
      }
      case EVENT.closed:
        this.#handlers.closed(a, { kind: END_KINDS[b] ?? 'error', code, reason: text })
        break
      case EVENT.message:
        this.#handlers.message(a, data)
        break
      case EVENT.observed:
        this.#handlers.observed(a, text)
        break
      case EVENT.broken:
        this.#end(text)
        this.#handlers.broken(text)
    }
  }

  #connected(request: number, id: number, remote: string, key: Uint8Array): void {
    if (request === 0) {
      this.#handlers.connected(id, remote, key, true)
      return
    }
    const pending = this.#take(request)
    // Nobody waits any more: the dial was aborted while its last packet was on the way.
    if (pending === undefined) this.#addon.closeConnection(id, 0, '')
    else pending.resolve(this.#handlers.connected(id, remote, key, false))
  }

  #take(request: number): Pending<Connection> | undefined {
    const pending = this.#pending.get(request)
    this.#pending.delete(request)
    if (pending?.onAbort !== undefined) pending.options.signal?.removeEventListener('abort', pending.onAbort)
    return pending
  }
}

function statusError(status: number): TransportError {
  if (status === STATUS.gone) return new TransportError('TRANSPORT_CLOSED', 'the connection is closed')
  if (status === STATUS.queueFull)
    return new TransportError('TRANSPORT_SEND_FAILED', 'sending: too much waits already on this connection')
  return new TransportError('TRANSPORT_CLOSED', `the QUIC endpoint refused the call (${status})`)
}

function bindError(bind: string, cause: unknown): TransportError {
  const code: TransportErrorCode =
    codeOf(cause) === 'ADDRESS_IN_USE' ? 'TRANSPORT_ADDRESS_IN_USE' : 'TRANSPORT_BIND_FAILED'
  const why = code === 'TRANSPORT_ADDRESS_IN_USE' ? 'another program has this port' : messageOf(cause)
  return new TransportError(code, `binding ${bind}: ${why}`, { cause })
}
