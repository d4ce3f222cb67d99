/**
 * QUIC through the native endpoint: TLS 1.3 with X25519MLKEM768 and ML-DSA-65 raw public keys, one UDP socket for
 * dialling and accepting (wire.md 6 to 8). A started transport keeps the process alive until it is stopped.
 */
import { assert, type Bytes, type Registry } from '../../base/index.ts'
import { formatSocketAddress, type SocketAddress } from '../../protocol/index.ts'
import { TransportError } from '../errors.ts'
import { registerTransportMetrics } from '../metrics.ts'
import { STOP_CODE, STOP_REASON } from '../options.ts'
import type { CloseReason, Connection, DialOptions, Transport } from '../transport.ts'
import { addonEndpointClass, allocateMessage, STATUS } from './addon.ts'
import { FAILURE, NativeEndpoint, type NativeFailure } from './native-endpoint.ts'
import { QuicConnection } from './quic-connection.ts'
import { NO_COUNTERS, type QuicCounters, quicCounters } from './quic-counters.ts'
import { nativeOptions, type QuicOptions, resolveQuicOptions } from './quic-options.ts'

export interface QuicTransportConfig {
  /** ML-DSA-65: 4032-byte expanded secret key, or 32-byte seed (FIPS 204). */
  readonly secretKey: Uint8Array
  /** `0.0.0.0` or an address for IPv4, `::` for both families; port 0 takes a free one. */
  readonly bind: SocketAddress
  readonly options?: Partial<QuicOptions>
  readonly registry?: Registry
  /** The endpoint failed inside and is closed, with all its connections. A bug of ours. */
  readonly onFailure?: (error: TransportError) => void
}

/** Ports on this machine. */
export interface LinkCuts {
  /** What comes from them is lost. */
  readonly from: readonly number[]
  /** What goes to them is lost. */
  readonly to: readonly number[]
}

export interface QuicTransport extends Transport {
  counters(): QuicCounters
  /** For tests of local networks: replaces what was cut. Nothing is, until it is said; at most 1024 ports each way. */
  cutLinks(cuts: LinkCuts): void
}

/** Throws TRANSPORT_UNAVAILABLE on start where the addon is missing. */
export function createQuicTransport(config: QuicTransportConfig): QuicTransport {
  return new NativeQuicTransport(config)
}

class NativeQuicTransport implements QuicTransport {
  readonly driver = 'quic-native'
  readonly #config: QuicTransportConfig
  readonly #options: Readonly<QuicOptions>
  readonly #connections = new Map<number, QuicConnection>()
  #endpoint: NativeEndpoint<QuicConnection> | undefined
  #address: SocketAddress | undefined
  #stopping: Promise<void> | undefined
  onConnection: (connection: Connection) => void = () => undefined

  constructor(config: QuicTransportConfig) {
    this.#config = config
    this.#options = resolveQuicOptions(config.options)
    if (config.registry) registerTransportMetrics(config.registry, () => this.counters())
  }

  get localAddress(): SocketAddress {
    assert(this.#address !== undefined, 'localAddress is known after start')
    return this.#address
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.#stopping
    if (this.#endpoint !== undefined) return
    const { secretKey, bind } = this.#config
    const endpoint: NativeEndpoint<QuicConnection> = new NativeEndpoint(
      addonEndpointClass(),
      { secretKey, bind, options: nativeOptions(this.#options) },
      {
        connected: (id, remote, key, accepted) => this.#connected(endpoint, id, remote, key, accepted),
        closed: (id, reason) => this.#closed(id, reason),
        message: (id, message) => this.#connections.get(id)?.deliver(message),
        observed: (id, address) => this.#connections.get(id)?.observe(parseSocketAddress(address)),
        broken: (reason) => this.#broken(reason),
      },
    )
    this.#endpoint = endpoint
    this.#address = parseSocketAddress(endpoint.live?.address() ?? '')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined
    })
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const endpoint = this.#endpoint
    if (endpoint === undefined) return
    for (const connection of this.#connections.values()) connection.closing(STOP_CODE, STOP_REASON)
    await endpoint.close(STOP_CODE, STOP_REASON)
    this.#endpoint = undefined
    this.#address = undefined
    this.#endAll({ kind: 'local', code: STOP_CODE, reason: STOP_REASON })
  }

  async dial(address: SocketAddress, { signal, timeoutMs }: DialOptions): Promise<Connection> {
    signal.throwIfAborted()
    const endpoint = this.#endpoint
    const target = formatSocketAddress(address)
    if (endpoint === undefined || this.#stopping !== undefined) {
      throw new TransportError('TRANSPORT_CLOSED', `dialling ${target}: this transport is not running`)
    }
    const connection = await endpoint.request((addon, request) => addon.dial(request, target, wholeMs(timeoutMs)), {
      signal,
      describe: (failure) => dialError(target, failure),
    })
    assert(connection !== undefined, 'a dial ends with a connection or fails')
    return connection
  }

  allocate(bytes: number): Bytes {
    return allocateMessage(bytes)
  }

  counters(): QuicCounters {
    const numbers = this.#endpoint?.live?.counters()
    return numbers === undefined ? NO_COUNTERS : quicCounters(numbers)
  }

  cutLinks({ from, to }: LinkCuts): void {
    const status = this.#endpoint?.live?.cutLinks(Uint16Array.from(from), Uint16Array.from(to))
    assert(status === undefined || status === STATUS.ok, 'no more ports than the endpoint takes')
  }

  #connected(
    endpoint: NativeEndpoint<QuicConnection>,
    id: number,
    remote: string,
    remoteKey: Uint8Array,
    accepted: boolean,
  ): QuicConnection {
    const connection = new QuicConnection({
      id,
      endpoint,
      side: accepted ? 'acceptor' : 'dialler',
      remote: parseSocketAddress(remote),
      remoteKey,
      maxMessageBytes: this.#options.maxMessageBytes,
    })
    this.#connections.set(id, connection)
    if (this.#stopping !== undefined) connection.closing(STOP_CODE, STOP_REASON)
    else if (accepted) this.onConnection(connection)
    return connection
  }

  #closed(id: number, reason: CloseReason): void {
    const connection = this.#connections.get(id)
    this.#connections.delete(id)
    connection?.end(reason)
  }

  #endAll(reason: CloseReason): void {
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    for (const connection of connections) connection.end(reason)
  }

  #broken(reason: string): void {
    this.#endpoint = undefined
    this.#address = undefined
    this.#endAll({ kind: 'error', code: 0, reason })
    this.#config.onFailure?.(new TransportError('TRANSPORT_CLOSED', reason))
  }
}

/** The endpoint counts whole milliseconds, a caller's remaining time seldom is. */
function wholeMs(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), 2 ** 32 - 1)
}

function dialError(target: string, { kind, code, text }: NativeFailure): TransportError {
  if (kind === FAILURE.timeout) return new TransportError('TRANSPORT_DIAL_TIMEOUT', `dialling ${target}: ${text}`)
  return new TransportError('TRANSPORT_DIAL_FAILED', `dialling ${target}: ${text || `code ${code}`}`, {
    data: { code },
  })
}

/** Text of the endpoint, which is always whole. */
function parseSocketAddress(text: string): SocketAddress {
  const colon = text.lastIndexOf(':')
  return { ip: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) }
}
