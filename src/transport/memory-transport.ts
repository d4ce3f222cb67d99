/**
 * In-memory driver: transports of one hub reach each other by address, without latency or loss. Everything arrives in
 * a later microtask, in the order in which it was sent, so a run depends on nothing but its inputs.
 */
import { assert, type Bytes, type Clock, raceAbort, resolveOptions, withScope } from '../base/index.ts'
import { formatSocketAddress, type SocketAddress } from '../protocol/index.ts'
import { TransportError } from './errors.ts'
import { MemoryConnection } from './memory-connection.ts'
import { STOP_CODE, STOP_REASON, TRANSPORT_DEFAULTS, type TransportOptions } from './options.ts'
import type { Connection, DialOptions, Transport } from './transport.ts'

const FIRST_FREE_PORT = 49_152

export interface MemoryHub {
  /** A transport that binds `address` in this hub when started; port 0 takes a free one. */
  createTransport(config: MemoryTransportConfig): Transport
}

export interface MemoryTransportConfig {
  readonly address: SocketAddress
  /** ML-DSA-65 public key that peers see, 1952 bytes. */
  readonly publicKey: Uint8Array
  readonly options?: Partial<TransportOptions>
}

/** A network of memory transports. `clock` times dials to addresses where nobody listens. */
export function createMemoryHub(deps: { readonly clock: Clock }): MemoryHub {
  const hub = new Hub(deps.clock)
  return { createTransport: (config) => new MemoryTransport(hub, config) }
}

class Hub {
  readonly clock: Clock
  readonly #bound = new Map<string, MemoryTransport>()
  #nextPort = FIRST_FREE_PORT

  constructor(clock: Clock) {
    this.clock = clock
  }

  bind(wanted: SocketAddress, transport: MemoryTransport): SocketAddress {
    const address = wanted.port === 0 ? { ip: wanted.ip, port: this.#freePort(wanted.ip) } : wanted
    const key = formatSocketAddress(address)
    if (this.#bound.has(key)) {
      throw new TransportError('TRANSPORT_ADDRESS_IN_USE', `binding ${key}: another transport has this address`)
    }
    this.#bound.set(key, transport)
    return address
  }

  unbind(address: SocketAddress): void {
    this.#bound.delete(formatSocketAddress(address))
  }

  at(address: SocketAddress): MemoryTransport | undefined {
    return this.#bound.get(formatSocketAddress(address))
  }

  #freePort(ip: string): number {
    while (this.#bound.has(formatSocketAddress({ ip, port: this.#nextPort }))) this.#nextPort++
    assert(this.#nextPort < 65_536, 'a memory hub ran out of ports')
    return this.#nextPort++
  }
}

class MemoryTransport implements Transport {
  readonly driver = 'memory'
  readonly #hub: Hub
  readonly #config: MemoryTransportConfig
  readonly #options: Readonly<TransportOptions>
  readonly #connections = new Set<MemoryConnection>()
  #address: SocketAddress | undefined
  #running = new AbortController()
  onConnection: (connection: Connection) => void = () => undefined

  constructor(hub: Hub, config: MemoryTransportConfig) {
    this.#hub = hub
    this.#config = config
    this.#options = resolveOptions('transport', TRANSPORT_DEFAULTS, config.options)
  }

  get localAddress(): SocketAddress {
    assert(this.#address !== undefined, 'localAddress is known after start')
    return this.#address
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#address !== undefined) return
    this.#address = this.#hub.bind(this.#config.address, this)
    this.#running = new AbortController()
  }

  async stop(): Promise<void> {
    if (this.#address === undefined) return
    this.#hub.unbind(this.#address)
    this.#address = undefined
    this.#running.abort(new TransportError('TRANSPORT_CLOSED', 'the transport is stopped'))
    await Promise.all([...this.#connections].map((connection) => connection.close(STOP_CODE, STOP_REASON)))
  }

  allocate(bytes: number): Bytes {
    return new Uint8Array(bytes)
  }

  async dial(address: SocketAddress, { signal, timeoutMs }: DialOptions): Promise<Connection> {
    signal.throwIfAborted()
    if (this.#address === undefined) throw notRunning(address)
    await raceAbort(signal, Promise.resolve())
    const target = this.#hub.at(address)
    if (target === undefined) await this.#waitForNobody(address, timeoutMs, signal)
    if (this.#address === undefined) throw notRunning(address)
    if (target === undefined || !target.#hasRoom() || !this.#hasRoom()) {
      throw new TransportError(
        'TRANSPORT_DIAL_FAILED',
        `dialling ${formatSocketAddress(address)}: one end has all the connections it may have`,
      )
    }
    const ours = this.#connection('dialler', address, target)
    const theirs = target.#connection('acceptor', this.#address, this)
    MemoryConnection.join(ours, theirs)
    target.onConnection(theirs)
    return ours
  }

  /** A datagram to nobody is not answered: like the wire, only the timer ends the dial. */
  async #waitForNobody(address: SocketAddress, timeoutMs: number, signal: AbortSignal): Promise<never> {
    await withScope(signal, async (scope) => {
      const { signal: running } = this.#running
      running.throwIfAborted()
      const onStop = () => scope.abort(running.reason)
      running.addEventListener('abort', onStop, { once: true })
      try {
        await this.#hub.clock.sleep(timeoutMs, scope.signal)
      } finally {
        running.removeEventListener('abort', onStop)
      }
    })
    throw new TransportError(
      'TRANSPORT_DIAL_TIMEOUT',
      `dialling ${formatSocketAddress(address)}: no connection within ${timeoutMs} ms`,
    )
  }

  #hasRoom(): boolean {
    return this.#connections.size < this.#options.maxConnections
  }

  #connection(side: 'dialler' | 'acceptor', remote: SocketAddress, other: MemoryTransport): MemoryConnection {
    const connection = new MemoryConnection({
      side,
      remote,
      remoteKey: other.#config.publicKey,
      seenAs: this.localAddress,
      options: this.#options,
      onClosed: (closed) => this.#connections.delete(closed),
    })
    this.#connections.add(connection)
    return connection
  }
}

function notRunning(address: SocketAddress): TransportError {
  return new TransportError(
    'TRANSPORT_CLOSED',
    `dialling ${formatSocketAddress(address)}: this transport is not running`,
  )
}
