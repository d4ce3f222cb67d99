/**
 * The wires of a simulated world: hosts by address, latency, loss, partitions and cuts. Connections live in
 * `sim-connection.ts`; whenever the state of a path changes, the connections on it are told.
 */
import { assert, type Random, resolveOptions } from '../base/index.ts'
import { type LatencyModel, lossDelayMs, REGIONS, type Region } from './latency.ts'
import { SIM_NETWORK_DEFAULTS, type SimNetworkOptions } from './options.ts'
import { SimMemory } from './sim-buffer.ts'
import type { SimClock } from './sim-clock.ts'
import { SimHost, type SimHostOptions } from './sim-host.ts'
import type { Trace } from './trace.ts'
import type { Cable, Machine, Wires } from './wires.ts'

export interface SimNetworkDeps {
  readonly clock: SimClock
  readonly random: Random
  readonly latency: LatencyModel
  readonly trace: Trace
}

export class SimNetwork implements Wires {
  readonly clock: SimClock
  readonly random: Random
  readonly trace: Trace
  readonly options: Readonly<SimNetworkOptions>
  readonly memory = new SimMemory()
  readonly #latency: LatencyModel
  readonly #hosts = new Map<string, SimHost>()
  readonly #cables = new Set<Cable>()
  readonly #cut = new Set<string>()
  readonly #undialable = new Set<string>()
  #sideOf: ReadonlyMap<string, number> = new Map()
  #packetLoss: number

  constructor(deps: SimNetworkDeps, options?: Partial<SimNetworkOptions>) {
    this.clock = deps.clock
    this.random = deps.random
    this.trace = deps.trace
    this.#latency = deps.latency
    this.options = resolveOptions('sim', SIM_NETWORK_DEFAULTS, options)
    this.#packetLoss = this.options.packetLoss
  }

  get hosts(): readonly SimHost[] {
    return [...this.#hosts.values()]
  }
  get connections(): number {
    return this.#cables.size
  }

  /** A new machine. By default each has an address in a /24 of its own, and regions take turns. */
  addHost(given: Partial<SimHostOptions> = {}): SimHost {
    const index = this.#hosts.size
    const host = new SimHost(
      this,
      {
        ip: `${20 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`,
        region: REGIONS[index % REGIONS.length] as Region,
        bandwidth: this.options.bandwidth,
        reachable: true,
        clockSkewMs: 0,
        ...given,
      },
      (killed) => this.#killed(killed),
    )
    assert(!this.#hosts.has(host.ip), `two hosts have the address ${host.ip}`)
    this.#hosts.set(host.ip, host)
    return host
  }

  machineAt(ip: string): SimHost | undefined {
    return this.#hosts.get(ip)
  }

  /** Share of packets lost from now on. */
  setPacketLoss(share: number): void {
    this.#packetLoss = share
  }

  /** Splits the world: packets pass only inside a group; hosts named in no group form one more. */
  partition(groups: readonly (readonly SimHost[])[]): void {
    this.#sideOf = new Map(groups.flatMap((group, side) => group.map((host) => [host.ip, side + 1] as const)))
    this.#refresh()
  }

  /** Ends partitions and cuts. */
  heal(): void {
    this.#sideOf = new Map()
    this.#cut.clear()
    this.#undialable.clear()
    this.#refresh()
  }

  /** Loses every packet between two hosts. */
  cut(a: SimHost, b: SimHost): void {
    this.#cut.add(pathKey(a, b)).add(pathKey(b, a))
    this.#refresh()
  }

  /** `from` cannot open connections to `to` any more; those that are open, and the other way, go on. */
  blockDials(from: SimHost, to: SimHost): void {
    this.#undialable.add(pathKey(from, to))
  }

  /** Ends every `blockDials`. */
  allowDials(): void {
    this.#undialable.clear()
  }

  /** Whether packets pass between two hosts, both ways. */
  passes(a: Machine, b: Machine): boolean {
    if (!a.up || !b.up) return false
    if (this.#cut.size > 0 && this.#cut.has(pathKey(a, b))) return false
    return this.#sideOf.size === 0 || (this.#sideOf.get(a.ip) ?? 0) === (this.#sideOf.get(b.ip) ?? 0)
  }

  dialPasses(from: Machine, to: Machine): boolean {
    if (!to.reachable || !this.passes(from, to)) return false
    return this.#undialable.size === 0 || !this.#undialable.has(pathKey(from, to))
  }

  rttMs(a: Machine, b: Machine): number {
    return 2 * this.#latency.baseMs(a.region, b.region)
  }

  /** One way, with jitter and with the delay of lost packets. */
  travelMs(from: Machine, to: Machine, bytes: number): number {
    const sample = this.#latency.sampleMs(from.region, to.region, this.random)
    if (this.#packetLoss <= 0) return sample
    const loss = { bytes, packetLoss: this.#packetLoss, rttMs: this.rttMs(from, to), random: this.random }
    return sample + lossDelayMs(loss)
  }

  /** Calls back at the first quantum at or after virtual millisecond `at`. */
  at(at: number, callback: () => void): { cancel(): void } {
    const { quantumMs } = this.options
    const instant = quantumMs > 0 ? Math.ceil(at / quantumMs) * quantumMs : at
    return this.clock.timer(instant - this.clock.monotonic(), callback)
  }

  add(cable: Cable): void {
    this.#cables.add(cable)
  }
  remove(cable: Cable): void {
    this.#cables.delete(cable)
  }
  #killed(host: SimHost): void {
    this.trace.add(`kill ${host.ip} ${this.clock.monotonic()}`)
    for (const cable of this.#cables) cable.hostKilled(host)
    this.#refresh()
  }

  #refresh(): void {
    for (const cable of this.#cables) cable.pathChanged()
  }
}

function pathKey(from: Machine, to: Machine): string {
  return `${from.ip}>${to.ip}`
}
