/** Transport driver over a simulated network: one bound port of one boot of one host. */
import { assert, type Bytes, resolveOptions } from '../base/index.ts'
import { formatSocketAddress, type SocketAddress } from '../protocol/index.ts'
import {
  type Connection,
  type DialOptions,
  TRANSPORT_DEFAULTS,
  type Transport,
  TransportError,
  type TransportOptions,
} from '../transport/index.ts'
import { SimPair } from './sim-pair.ts'
import type { Listener, Machine, Wires } from './wires.ts'

/** Bytes of a ClientHello with its post-quantum key share and of the answer with a key and a signature. */
const HELLO_BYTES = 2_400
const ANSWER_BYTES = 8_000

export interface SimTransportConfig {
  readonly port: number
  readonly publicKey: Uint8Array
  readonly options?: Partial<TransportOptions>
}

export class SimTransport implements Transport, Listener {
  readonly driver = 'simulated'
  readonly publicKey: Uint8Array
  readonly limits: Readonly<TransportOptions>
  readonly machine: Machine
  readonly #wires: Wires
  readonly #port: number
  readonly #boot: number
  readonly #connections = new Set<Connection>()
  /** Ends the dials under way. */
  readonly #dials = new Set<(error: unknown) => void>()
  #address: SocketAddress | undefined
  onConnection: (connection: Connection) => void = () => undefined

  constructor(wires: Wires, machine: Machine, config: SimTransportConfig) {
    this.#wires = wires
    this.machine = machine
    this.#boot = machine.boot
    this.#port = config.port
    this.publicKey = config.publicKey
    this.limits = resolveOptions('transport', TRANSPORT_DEFAULTS, config.options)
  }

  get localAddress(): SocketAddress {
    assert(this.#address !== undefined, 'localAddress is known after start')
    return this.#address
  }

  /** Its process runs: the host is up and was not restarted since. */
  get alive(): boolean {
    return this.machine.up && this.machine.boot === this.#boot
  }

  allocate(bytes: number): Bytes {
    return this.#wires.memory.allocate(bytes)
  }

  get hasRoom(): boolean {
    return this.#connections.size < this.limits.maxConnections
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    assert(this.alive, 'a transport starts on the boot it was made on')
    this.#address ??= this.machine.bind(this.#port, this)
  }

  async stop(): Promise<void> {
    if (this.#address === undefined || !this.alive) return
    this.machine.unbind(this.#address.port)
    this.#address = undefined
    for (const end of [...this.#dials]) end(new TransportError('TRANSPORT_CLOSED', 'this transport stops'))
    await Promise.all([...this.#connections].map((connection) => connection.close(0, 'shutdown')))
  }

  /** One round trip until it resolves; the other side has the connection half a round trip later. */
  dial(address: SocketAddress, { signal, timeoutMs }: DialOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const from = this.#address
      if (from === undefined) return reject(dialError('TRANSPORT_CLOSED', address, 'this transport is not running'))
      const timers: { cancel(): void }[] = []
      const finish = (settle: () => void) => {
        for (const timer of timers) timer.cancel()
        signal.removeEventListener('abort', onAbort)
        this.#dials.delete(fail)
        if (this.alive) settle()
      }
      const fail = (error: unknown) => finish(() => reject(error))
      this.#dials.add(fail)
      const onAbort = () => fail(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      const late = () => dialError('TRANSPORT_DIAL_TIMEOUT', address, `no connection within ${timeoutMs} ms`)
      const clock = this.#wires.clock
      timers.push(clock.timer(timeoutMs, () => fail(late())))
      const target = this.#wires.machineAt(address.ip)
      if (target === undefined) return
      const arrives = clock.monotonic() + this.#wires.travelMs(this.machine, target, HELLO_BYTES)
      timers.push(
        this.#wires.at(arrives, () => {
          const listener = target.listener(address.port)
          if (!listener || !this.#wires.dialPasses(this.machine, target)) return
          const answered = clock.monotonic() + this.#wires.travelMs(target, this.machine, ANSWER_BYTES)
          timers.push(
            this.#wires.at(answered, () => {
              if (!listener.alive || !this.#wires.dialPasses(this.machine, target)) return
              if (!this.hasRoom || !listener.hasRoom) return fail(full(address))
              finish(() => resolve(new SimPair(this.#wires, this, listener, from, address).dialler))
            }),
          )
        }),
      )
    })
  }

  adopt(connection: Connection): void {
    this.#connections.add(connection)
  }
  release(connection: Connection): void {
    this.#connections.delete(connection)
  }
}

function full(address: SocketAddress): TransportError {
  return dialError('TRANSPORT_DIAL_FAILED', address, 'one end has all the connections it may have')
}

function dialError(
  code: 'TRANSPORT_CLOSED' | 'TRANSPORT_DIAL_TIMEOUT' | 'TRANSPORT_DIAL_FAILED',
  to: SocketAddress,
  why: string,
) {
  return new TransportError(code, `dialling ${formatSocketAddress(to)}: ${why}`)
}
