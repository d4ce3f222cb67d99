/** The simulated network of one run: nodes with their roles, chunks in their places, what is out of order. */
import { MiB, messageOf, type Random, randomBelow, shuffled } from '../../base/index.ts'
import type { Client } from '../../client/index.ts'
import { backend } from '../../crypto/index.ts'
import { SimulatedDevnet, type SimulatedNode, type SimulatedNodeOptions } from '../../devnet/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, chunkAddressOf } from '../../protocol/index.ts'
import { uniformLatency } from '../../sim/index.ts'
import { liarsOf, strikes } from '../amounts.ts'
import { Nearest } from '../nearest.ts'
import type { Struck } from '../samples.ts'
import type { Lie, Scenario } from '../scenario.ts'
import { FillableStore, lyingStore } from './lying-store.ts'
import { TrafficSum } from './traffic-sum.ts'

/** Who may say that a chunk was paid for: a node asks these (replication.md 2). */
export const PAID_GROUP = 20
const CATCH_UP_LIMIT_MS = 10 * 60_000
const LOOK_MS = 5000
/** Chunks that clients put at the same time. */
const PUTS_AT_ONCE = 50
/** Of a full disk: below the reserve that nodes leave, so that small files still find room, as on a real one. */
const FULL_BYTES = 256 * MiB
/** After the chunks are in: until copies have spread. */
const SPREAD_MS = 60_000

export interface Role {
  readonly lie?: Lie
  full: boolean
}

export class Town {
  readonly net: SimulatedDevnet
  readonly scenario: Scenario
  readonly dice: Random
  readonly traffic = new TrafficSum()
  readonly chunks: ChunkAddress[] = []
  readonly notes: string[] = []
  /** Whom the roles of the beginning went to. */
  readonly struck: Struck[] = []
  readonly #roles = new Map<SimulatedNode, Role>()
  /** When those came that joined later. */
  readonly #bornAt = new Map<SimulatedNode, number>()
  readonly #deal: Random

  constructor(scenario: Scenario) {
    const { seed, loss, bandwidth, latencyMs } = scenario
    const latency = latencyMs === undefined ? {} : { latency: uniformLatency(latencyMs, 0.1) }
    this.net = new SimulatedDevnet({ seed, network: { packetLoss: loss, bandwidth }, ...latency })
    this.scenario = scenario
    this.dice = this.net.world.random('scenario')
    this.#deal = this.net.world.random('roles')
  }

  get live(): SimulatedNode[] {
    return this.net.nodes.filter(({ host }) => host.up)
  }
  /** Live and not lying. */
  get honest(): SimulatedNode[] {
    return this.live.filter((node) => this.roleOf(node).lie === undefined)
  }
  roleOf(node: SimulatedNode): Role {
    return this.#roles.get(node) ?? { full: false }
  }

  /** Milliseconds since it joined. */
  ageOf(node: SimulatedNode): number {
    return this.net.world.clock.monotonic() - (this.#bornAt.get(node) ?? 0)
  }

  async found(): Promise<void> {
    const { net, scenario } = this
    const { nodes } = scenario
    // Roles of those who are there from the beginning are dealt exactly, and not to the first, who all join by.
    const lies = liarsOf(scenario.liars, nodes)
    const full = Array<boolean>(strikes(scenario.full, nodes)).fill(true)
    const seats = Array.from({ length: nodes }, (_, i) => i)
    const lieAt = new Map(pairs(shuffled(this.#deal, seats.slice(Math.min(3, nodes - 1))), lies))
    const honestSeats = seats.slice(Math.min(3, nodes - 1)).filter((seat) => !lieAt.has(seat))
    const fullAt = new Map(pairs(shuffled(this.#deal, honestSeats), full))
    for (const kind of new Set(lies)) {
      const count = [...lieAt.values()].filter((lie) => lie === kind).length
      this.struck.push({ what: `liars, ${kind}`, count, unit: 'node' })
    }
    if (full.length > 0) this.struck.push({ what: 'full disks', count: fullAt.size, unit: 'node' })
    let seat = 0
    const roles: Role[] = []
    await net.start(nodes, () => {
      const lie = lieAt.get(seat)
      const role: Role = { full: false, ...(lie === undefined ? {} : { lie }) }
      seat++
      roles.push(role)
      return this.#optionsOf(role)
    })
    for (const [i, node] of net.nodes.entries()) this.#roles.set(node, roles[i] as Role)
    for (let waited = 0; waited < CATCH_UP_LIMIT_MS; waited += LOOK_MS) {
      if (net.nodes.every(({ replication }) => !replication.bootstrapping)) break
      await net.world.advance(LOOK_MS)
    }
    await this.#fill()
    for (const i of fullAt.keys()) this.setFull(net.nodes[i] as SimulatedNode, true)
  }

  /** A fresh identity comes; its role is thrown by dice. */
  join(): void {
    const { liars, full } = this.scenario
    let thrown = this.#deal.float()
    const liar = liars.find(({ share }) => (thrown -= share) < 0)
    const role: Role = { full: false, ...(liar ? { lie: liar.lie } : {}) }
    const fills = !liar && this.#deal.float() < full
    const { node, joined } = this.net.join(this.#optionsOf(role))
    this.#roles.set(node, role)
    this.#bornAt.set(node, this.net.world.clock.monotonic())
    if (fills) this.setFull(node, true)
    joined.catch((error: unknown) => this.#noteFailure(`node ${node.index} did not join`, node, error))
  }

  /** One whose process ends while it starts, as over a broken disk, is off until the next restart. */
  restart(node: SimulatedNode): void {
    const { host } = node
    const joined = this.net.powerOn(node)
    const { boot } = host
    joined.catch((error: unknown) => {
      if (host.boot !== boot) return
      this.#noteFailure(`node ${node.index} did not come back`, node, error)
      host.kill()
    })
  }

  /** For ever. */
  remove(node: SimulatedNode): void {
    this.net.remove(node)
    this.#roles.delete(node)
    this.#bornAt.delete(node)
  }

  setFull(node: SimulatedNode, full: boolean): void {
    this.roleOf(node).full = full
    node.disk.capacityBytes = full ? FULL_BYTES : Number.MAX_SAFE_INTEGER
  }

  /** New content, put by a client; it counts once the network has said that it is stored. */
  async put(client: Client): Promise<boolean> {
    const content = this.dice.bytes(this.scenario.chunks.bytes)
    try {
      const { address } = await client.putChunk(content)
      this.chunks.push(address)
      return true
    } catch {
      return false
    }
  }

  async #fill(): Promise<void> {
    const { net, scenario } = this
    const { count, by } = scenario.chunks
    if (by === 'placed') await net.world.run(() => this.#place(count))
    else {
      const client = await net.connectClient('filler')
      let failed = 0
      for (let done = 0; done < count; done += PUTS_AT_ONCE) {
        const together = Array.from({ length: Math.min(PUTS_AT_ONCE, count - done) }, () => this.put(client))
        failed += (await net.world.run(() => Promise.all(together))).filter((stored) => !stored).length
      }
      if (failed > 0) this.notes.push(`${failed} of ${count} chunks could not be put before the start`)
    }
    await net.world.advance(SPREAD_MS)
  }

  /** Every chunk goes to the seven nearest, and the twenty nearest know that it is paid: as after a put long ago. */
  async #place(count: number): Promise<void> {
    const near = new Nearest(this.net.nodes)
    for (let i = 0; i < count; i++) {
      const content = this.dice.bytes(this.scenario.chunks.bytes)
      const address = chunkAddressOf(backend().blake3(content))
      this.chunks.push(address)
      const group = near.of(address, PAID_GROUP)
      await Promise.all([
        ...group.slice(0, CLOSE_GROUP_SIZE).map(async (node) => {
          const { lie } = this.roleOf(node)
          // What these were given is gone long ago.
          if (lie === 'claims' || lie === 'forgets') return
          await node.store.put(address, content)
          node.replication.chunkStored(address)
        }),
        ...group.map(({ replication }) => replication.chunkPaid(address)),
      ])
    }
  }

  #optionsOf(role: Role): SimulatedNodeOptions {
    const { store, scrubMs, chunks } = this.scenario
    const { lie } = role
    const memoryStore = store === 'memory'
    // The whole store in one round, with time to spare.
    const scrub = { minRoundMs: scrubMs ?? 0, bytesPerSecond: Math.max(2 ** 20, chunks.bytes * 1024) }
    return {
      registry: this.traffic.registry,
      memoryStore,
      ...(scrubMs === undefined ? {} : { scrub }),
      wrapStore: (below) => {
        const fillable = memoryStore ? new FillableStore(below, () => role.full) : below
        return lie === undefined ? fillable : lyingStore(fillable, lie)
      },
    }
  }

  /** A machine that was switched off meanwhile has a reason. */
  #noteFailure(what: string, node: SimulatedNode, error: unknown): void {
    if (node.host.up) this.notes.push(`${what}: ${messageOf(error)}`)
  }
}

function pairs<T>(seats: readonly number[], values: readonly T[]): [number, T][] {
  return values.slice(0, seats.length).map((value, i) => [seats[i] as number, value])
}

/** Up to `count` of them, without any twice. */
export function some<T>(random: Random, items: readonly T[], count: number): T[] {
  if (count === 1 && items.length > 0) return [items[randomBelow(random, items.length)] as T]
  return shuffled(random, items).slice(0, count)
}
