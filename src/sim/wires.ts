/** How the parts of the simulated network see each other: network over hosts over transports over connections. */
import type { Random } from '../base/index.ts'
import type { SocketAddress } from '../protocol/index.ts'
import type { Connection, TransportOptions } from '../transport/index.ts'
import type { Region } from './latency.ts'
import type { Line } from './line.ts'
import type { SimNetworkOptions } from './options.ts'
import type { SimMemory } from './sim-buffer.ts'
import type { SimClock } from './sim-clock.ts'
import type { Trace } from './trace.ts'

/** A host, from below. */
export interface Machine {
  readonly ip: string
  readonly region: Region
  readonly up: boolean
  /** Counts restarts; what belongs to an earlier boot is dead. */
  readonly boot: number
  readonly reachable: boolean
  readonly upLine: Line
  readonly downLine: Line
  bind(port: number, listener: Listener): SocketAddress
  unbind(port: number): void
  listener(port: number): Listener | undefined
}

/** A bound transport, as its connections and diallers see it. */
export interface Listener {
  readonly machine: Machine
  readonly publicKey: Uint8Array
  /** Its process runs: the machine is up and was not restarted since. */
  readonly alive: boolean
  readonly hasRoom: boolean
  readonly limits: Readonly<TransportOptions>
  readonly onConnection: (connection: Connection) => void
  adopt(connection: Connection): void
  release(connection: Connection): void
}

/** A pair of connected ends, as the network sees it. */
export interface Cable {
  hostKilled(machine: Machine): void
  pathChanged(): void
}

/** A cable as one of its ends sees it. */
export interface Path extends Cable {
  readonly wires: Wires
  readonly rttMs: number
  readonly passes: boolean
  /** Whether packets passed at that moment, which is not to come. */
  passedAt(moment: number): boolean
  /** This end is over. */
  ended(): void
}

export interface Wires {
  readonly clock: SimClock
  readonly random: Random
  readonly trace: Trace
  readonly options: Readonly<SimNetworkOptions>
  readonly memory: SimMemory
  machineAt(ip: string): Machine | undefined
  /** Whether packets pass between two machines, both ways. */
  passes(a: Machine, b: Machine): boolean
  dialPasses(from: Machine, to: Machine): boolean
  rttMs(a: Machine, b: Machine): number
  /** One way, with jitter and with the delay of lost packets. */
  travelMs(from: Machine, to: Machine, bytes: number): number
  /** Calls back at the first quantum at or after virtual millisecond `at`. */
  at(at: number, callback: () => void): { cancel(): void }
  add(cable: Cable): void
  remove(cable: Cable): void
}
