/**
 * One simulated world: a seed, a virtual clock, dice, wires, signatures, and the pump that runs it. Build nodes on
 * hosts (`world.network.addHost()`), give each the clock of its host, then `world.run` or `world.advance`.
 */
import type { Random } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import { EventPump, type RunOptions } from './event-pump.ts'
import { type LatencyModel, regionLatency } from './latency.ts'
import type { SimNetworkOptions } from './options.ts'
import { Seeds } from './seeds.ts'
import { SharedContent } from './shared-content.ts'
import { SimClock } from './sim-clock.ts'
import { SimNetwork } from './sim-network.ts'
import { type SimHash, SimSignatures } from './sim-signatures.ts'
import { Trace } from './trace.ts'

export interface SimWorldConfig {
  readonly seed: number
  /** Keyed BLAKE3 for the cheap signatures. */
  readonly hash: SimHash
  readonly latency?: LatencyModel
  readonly network?: Partial<SimNetworkOptions>
  /** Wall clock at the beginning, Unix milliseconds. */
  readonly epochMs?: number
  /** How many trace lines are kept word by word. */
  readonly keepTrace?: number
}

export class SimWorld {
  readonly seed: number
  readonly clock: SimClock
  readonly network: SimNetwork
  readonly signatures: SimSignatures
  readonly trace: Trace
  /** For the disks of its machines. */
  readonly contents = new SharedContent()
  readonly #seeds: Seeds
  readonly #pump: EventPump

  constructor(config: SimWorldConfig) {
    this.seed = config.seed
    this.#seeds = new Seeds(config.seed)
    this.clock = new SimClock(config.epochMs)
    this.trace = new Trace(config.keepTrace)
    this.#pump = new EventPump(this.clock, config.seed)
    this.signatures = new SimSignatures(config.hash, this.random('signatures'))
    const latency = config.latency ?? regionLatency
    const deps = { clock: this.clock, random: this.random('network'), latency, trace: this.trace }
    this.network = new SimNetwork(deps, config.network)
  }

  /** Timers called so far. */
  get events(): number {
    return this.#pump.events
  }

  /** Dice of one concern, from the seed; the same object for the same name. */
  random(name: string): Random {
    return this.#seeds.stream(name)
  }

  /** The key pair with this name. */
  signer(name: string): Signer {
    return this.signatures.createSigner(this.random(`signer ${name}`))
  }

  /** Runs the world until `work` settles. Throws SIM_STUCK or SIM_TIME_LIMIT, with the seed, when it cannot. */
  run<T>(work: () => Promise<T>, options?: RunOptions): Promise<T> {
    return this.#pump.run(work, options)
  }

  /** Runs the world for `ms` virtual milliseconds. */
  advance(ms: number): Promise<void> {
    return this.#pump.advance(ms)
  }

  /** Stops virtual time until the result is called: for drivers that do real input and output. */
  hold(): () => void {
    return this.#pump.hold()
  }

  /** What happened so far, in one short text: equal for equal runs. */
  fingerprint(): string {
    return `${this.trace.digest()} at ${this.clock.monotonic()} after ${this.events}`
  }
}
