/** One machine of a simulated world: an address, a line, a clock for each boot, and the transports bound on it. */
import { assert } from '../base/index.ts'
import type { SocketAddress } from '../protocol/index.ts'
import { type Transport, TransportError } from '../transport/index.ts'
import { HostClock } from './host-clock.ts'
import type { Region } from './latency.ts'
import { Line } from './line.ts'
import { SimTransport, type SimTransportConfig } from './sim-transport.ts'
import type { Listener, Machine, Wires } from './wires.ts'

export interface SimHostOptions {
  readonly ip: string
  readonly region: Region
  /** Bytes per second, each way. */
  readonly bandwidth: number
  /** false: it can dial but nobody can open a connection to it, as behind a NAT. */
  readonly reachable: boolean
  /** Its wall clock minus the world's, milliseconds. */
  readonly clockSkewMs: number
}

const FIRST_FREE_PORT = 49_152

export class SimHost implements Machine {
  readonly ip: string
  readonly region: Region
  readonly upLine: Line
  readonly downLine: Line
  reachable: boolean
  readonly #wires: Wires
  readonly #onKill: (host: SimHost) => void
  readonly #options: SimHostOptions
  readonly #bound = new Map<number, Listener>()
  #clock: HostClock
  #boot = 0
  #up = true
  #nextPort = FIRST_FREE_PORT

  constructor(wires: Wires, options: SimHostOptions, onKill: (host: SimHost) => void) {
    this.#wires = wires
    this.#onKill = onKill
    this.#options = options
    this.ip = options.ip
    this.region = options.region
    this.reachable = options.reachable
    this.upLine = new Line(options.bandwidth, wires.options.smallMessageBytes)
    this.downLine = new Line(options.bandwidth, wires.options.smallMessageBytes)
    this.#clock = new HostClock(wires.clock, options.clockSkewMs)
  }

  get up(): boolean {
    return this.#up
  }
  /** Counts restarts; what belongs to an earlier boot is dead. */
  get boot(): number {
    return this.#boot
  }
  /** For everything that runs on this host, until it is killed. */
  get clock(): HostClock {
    return this.#clock
  }

  /** A transport of this boot; port 0 takes a free one. */
  createTransport(config: SimTransportConfig): Transport {
    return new SimTransport(this.#wires, this, config)
  }

  /** Power off: no packet leaves any more, timers die, peers find out by silence. */
  kill(): void {
    if (!this.#up) return
    this.#up = false
    this.#clock.kill()
    this.#bound.clear()
    this.#onKill(this)
  }

  /** A new boot with a new clock; build a new node on it. */
  restart(): void {
    assert(!this.#up, 'a host restarts after it was killed')
    this.#up = true
    this.#boot++
    this.#nextPort = FIRST_FREE_PORT
    this.#clock = new HostClock(this.#wires.clock, this.#options.clockSkewMs)
  }

  bind(port: number, listener: Listener): SocketAddress {
    while (port === 0 && this.#bound.has(this.#nextPort)) this.#nextPort++
    const bound = port === 0 ? this.#nextPort++ : port
    if (this.#bound.has(bound)) {
      throw new TransportError('TRANSPORT_ADDRESS_IN_USE', `binding ${this.ip} port ${bound}: the port is taken`)
    }
    this.#bound.set(bound, listener)
    return { ip: this.ip, port: bound }
  }

  unbind(port: number): void {
    this.#bound.delete(port)
  }

  listener(port: number): Listener | undefined {
    return this.#bound.get(port)
  }
}
