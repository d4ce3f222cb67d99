/** Transports for tests: pairs that are stopped again, keys from seeds, and a loop that stays alive meanwhile. */
import { never, systemClock } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import type { SocketAddress } from '../../src/protocol/index.ts'
import { SimWorld, uniformLatency } from '../../src/sim/index.ts'
import {
  type Connection,
  createMemoryHub,
  createQuicTransport,
  type QuicOptions,
  type QuicTransport,
  quicAvailability,
  type Transport,
  type TransportOptions,
} from '../../src/transport/index.ts'

export const LOOPBACK: SocketAddress = { ip: '127.0.0.1', port: 0 }

/** An emulated core moves a megabyte a second: on one connection a message may wait long for its turn. */
const PATIENCE: Partial<QuicOptions> = process.env['MYRMEX_EMULATED']
  ? { writeStallMs: 60_000, readStallMs: 60_000 }
  : {}

/** What to say where QUIC cannot be spoken; false where it can. */
export const quicSkip: string | false = (() => {
  const availability = quicAvailability()
  return availability.available ? false : `QUIC is not available: ${availability.reason}`
})()

/** Transports made by one test; dispose stops them all. Timers of the clock keep no process alive, so this does. */
export class Bench implements AsyncDisposable {
  readonly #transports: Transport[] = []
  readonly #hub = createMemoryHub({ clock: systemClock })
  readonly #alive = setInterval(() => undefined, 1000)
  readonly #driver: 'memory' | 'simulated' | 'quic'
  readonly #world = new SimWorld({ seed: 1, hash: backend(), latency: uniformLatency(1) })
  readonly #host = this.#world.network.addHost({ ip: '127.0.0.1' })
  #disposed = false
  #seed = 0

  constructor(driver: 'memory' | 'simulated' | 'quic') {
    this.#driver = driver
    if (driver === 'simulated') void this.#runFreely()
  }

  create(options: Partial<TransportOptions> = {}, address = LOOPBACK): { transport: Transport; publicKey: Uint8Array } {
    const seed = new Uint8Array(32).fill(++this.#seed)
    const { publicKey } = backend().mlDsaKeyPair(seed)
    const transport = this.#transport(seed, publicKey, options, address)
    this.#transports.push(transport)
    return { transport, publicKey }
  }

  #transport(
    seed: Uint8Array,
    publicKey: Uint8Array,
    options: Partial<TransportOptions>,
    address: SocketAddress,
  ): Transport {
    switch (this.#driver) {
      case 'memory':
        return this.#hub.createTransport({ address, publicKey, options })
      case 'simulated':
        return this.#host.createTransport({ port: address.port, publicKey, options })
      case 'quic':
        return createQuicTransport({ secretKey: seed, bind: address, options: { ...PATIENCE, ...options } })
    }
  }

  /** Virtual time passes by itself, so that a test need not know of it. */
  async #runFreely(): Promise<void> {
    while (!this.#disposed) await this.#world.advance(1)
  }

  quic(options: Partial<QuicOptions> = {}, address = LOOPBACK): QuicTransport {
    const secretKey = new Uint8Array(32).fill(++this.#seed)
    const transport = createQuicTransport({ secretKey, bind: address, options })
    this.#transports.push(transport)
    return transport
  }

  /** Starts both and dials: the dialler's connection and the acceptor's. */
  async connect(dialler: Transport, acceptor: Transport): Promise<{ ours: Connection; theirs: Connection }> {
    const { promise, resolve } = Promise.withResolvers<Connection>()
    acceptor.onConnection = resolve
    await dialler.start(never)
    await acceptor.start(never)
    const ours = await dialler.dial(acceptor.localAddress, { signal: never, timeoutMs: 10_000 })
    return { ours, theirs: await promise }
  }

  async pair(options: Partial<TransportOptions> = {}): Promise<{ ours: Connection; theirs: Connection }> {
    return this.connect(this.create(options).transport, this.create(options).transport)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.stop()))
    this.#disposed = true
    clearInterval(this.#alive)
  }
}

/** Messages of a connection as an async queue. */
export class Mailbox {
  readonly #arrived: Uint8Array[] = []
  readonly #waiting: ((message: Uint8Array) => void)[] = []
  count = 0

  constructor(connection: Connection) {
    connection.onMessage = (message) => {
      this.count++
      const next = this.#waiting.shift()
      if (next) next(message)
      else this.#arrived.push(message)
    }
  }

  next(): Promise<Uint8Array> {
    const message = this.#arrived.shift()
    if (message) return Promise.resolve(message)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async take(count: number): Promise<Uint8Array[]> {
    const messages: Uint8Array[] = []
    while (messages.length < count) messages.push(await this.next())
    return messages
  }
}

/** Bytes that differ at every place and between tags, so that a part, a mix or a shift is noticed. */
export function patterned(length: number, tag: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (tag * 2654435761 + 12345) >>> 0
  for (let i = 0; i < length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
    bytes[i + 1] = state >>> 16
    bytes[i + 2] = state >>> 8
    bytes[i + 3] = tag
  }
  return bytes
}
