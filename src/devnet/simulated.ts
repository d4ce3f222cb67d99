/**
 * A network of whole nodes on a virtual clock: the real wiring of every room over the drivers of `sim`, the real store
 * on simulated disks, cheap signatures. One seed gives one run.
 */
import { Lifecycle, never, Registry, silentLogger } from '../base/index.ts'
import type { Client, LocalFiles } from '../client/index.ts'
import { createInlineCompute } from '../compute/index.ts'
import { backend, contentHash, type Signer } from '../crypto/index.ts'
import {
  createRetentionFiles,
  type StorageWiring,
  type WiredNode,
  type WiredPeer,
  wireClient,
  wireStorageNode,
} from '../node/index.ts'
import { createFreeVerifier, createLocalPayer, type PaymentVerifier } from '../payment/index.ts'
import {
  type ChunkAddress,
  CLOSE_GROUP_SIZE,
  compareDistance,
  keyOf,
  type PeerId,
  peerIdOfPublicKey,
  type SocketAddress,
} from '../protocol/index.ts'
import { type Aftermath, SimDisk, type SimHost, SimWorld, type SimWorldConfig } from '../sim/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  createMemoryPaidList,
  createOutOfRangeStore,
  type OutOfRangeTimers,
} from '../storage/index.ts'
import { BOOTSTRAP_NODES } from './manifest.ts'

/** A machine with a node on it, over all its boots. */
export class SimulatedNode {
  readonly index: number
  readonly peerId: PeerId
  readonly host: SimHost
  readonly signer: Signer
  /** Under the store: it can be full, read-only, failing, away, rot and lose power. */
  readonly disk = new SimDisk()
  readonly paidList = createMemoryPaidList()
  /** Of the present boot. */
  store!: ChunkStore
  timers!: OutOfRangeTimers
  registry!: Registry
  network!: WiredPeer['network']
  dht!: WiredPeer['dht']
  replication!: WiredNode['replication']

  constructor(index: number, host: SimHost, signer: Signer) {
    this.index = index
    this.host = host
    this.signer = signer
    this.peerId = peerIdOfPublicKey(signer.publicKey)
  }

  /** As the scrubber does: a corrupt chunk goes. */
  async checkChunk(address: ChunkAddress): Promise<void> {
    const { kind } = await this.store.check(address)
    if (kind === 'corrupt') this.replication.chunkRemoved(address, true)
  }
  tableSize(): number {
    return this.dht.tableSize
  }
  knows(other: SimulatedNode): boolean {
    return this.dht.addressesOf(other.peerId).length > 0
  }
}

/** What differs from a network of today; for tests of single decisions. */
export interface SimulatedDevnetOptions {
  readonly replication?: NonNullable<StorageWiring['replication']>
  /** Puts something around the verifier of payments of a node. */
  readonly payment?: (verifier: PaymentVerifier, node: SimulatedNode) => PaymentVerifier
  /** Before the first boot of a node: what it finds on its disk and in its paid list. */
  readonly prepare?: (node: SimulatedNode) => Promise<void>
}

const PORT = 10_000
/** Root folder of every node, each on its own disk. */
export const SIMULATED_ROOT = '/node'
/** Nodes that start in the same virtual instant. */
const STARTED_TOGETHER = 20

export class SimulatedDevnet {
  readonly world: SimWorld
  readonly nodes: SimulatedNode[] = []
  readonly #lifecycles: Lifecycle[] = []
  readonly #options: SimulatedDevnetOptions

  constructor(config: Omit<SimWorldConfig, 'hash'>, options: SimulatedDevnetOptions = {}) {
    this.world = new SimWorld({ ...config, hash: backend() })
    this.#options = options
  }

  /** Adds `count` nodes and runs the world until all have joined. */
  async start(count: number): Promise<void> {
    while (this.nodes.length < count) {
      const together = Math.min(this.nodes.length === 0 ? 1 : STARTED_TOGETHER, count - this.nodes.length)
      const lifecycles: Lifecycle[] = []
      for (let i = 0; i < together; i++) lifecycles.push(await this.#addNode())
      await this.world.run(() => Promise.all(lifecycles.map((lifecycle) => lifecycle.start(never))))
    }
  }

  /** Power off in the middle of everything: what was not flushed is as the aftermath says. */
  kill(node: SimulatedNode, aftermath: Aftermath = 'mixture'): void {
    node.host.kill()
    node.disk.crash(aftermath, this.world.random(`crashes of node ${node.index}`))
  }

  /** The machine of a killed node comes back with its identity, its address and its chunks. */
  async restart(node: SimulatedNode): Promise<void> {
    node.host.restart()
    const lifecycle = this.#boot(node)
    await this.world.run(() => lifecycle.start(never))
  }

  async #addNode(): Promise<Lifecycle> {
    const index = this.nodes.length
    const host = this.world.network.addHost()
    const signer = this.world.signer(`node ${index}`)
    const node = new SimulatedNode(index, host, signer)
    this.nodes.push(node)
    await this.world.run(async () => this.#options.prepare?.(node))
    return this.#boot(node)
  }

  /** Whether the node is among the 7 live ones nearest to the key. */
  isCloseGroup(node: SimulatedNode, key: ChunkAddress): boolean {
    const live = this.nodes.filter(({ host }) => host.up).map(({ peerId }) => ({ peerId, key: keyOf(peerId) }))
    live.sort((a, b) => compareDistance(keyOf(key), a.key, b.key))
    return live.slice(0, CLOSE_GROUP_SIZE).some(({ peerId }) => peerId === node.peerId)
  }

  /** Wires a node for this boot of its machine. */
  #boot(node: SimulatedNode): Lifecycle {
    const { world } = this
    const { disk, host, index, paidList, signer } = node
    const deps = { clock: host.clock, random: world.random(`store of node ${index}`), fileSystem: disk.session() }
    const store = createFileChunkStore(SIMULATED_ROOT, deps)
    const outOfRange = createOutOfRangeStore(SIMULATED_ROOT, deps)
    const verifier = world.signatures
    const registry = new Registry()
    const free = createFreeVerifier(verifier)
    const payment = this.#options.payment?.(free, node) ?? free
    const { dht, listening, network, replication } = wireStorageNode(
      {
        transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
        ...{ signer, verifier, store, clock: host.clock, log: silentLogger, registry },
        random: world.random(`dice of node ${index}`),
        ...{ payment, paidList, timers: outOfRange.timers, hash: contentHash(backend()) },
        retention: createRetentionFiles(deps.fileSystem, SIMULATED_ROOT),
      },
      {
        ...{ allowLoopback: false, limits: { maxPerIp: 2, maxPerSubnet: 5 }, seeds: this.seeds() },
        ...(this.#options.replication ? { replication: this.#options.replication } : {}),
      },
    )
    const lifecycle = new Lifecycle([outOfRange, ...listening, dht])
    node.replication = replication
    node.dht = dht
    node.store = store
    node.timers = outOfRange.timers
    node.registry = registry
    node.network = network
    this.#lifecycles.push(lifecycle)
    return lifecycle
  }

  /** A client on a host of its own, connected. */
  async connectClient(name: string): Promise<Client> {
    const { world } = this
    const host = world.network.addHost()
    const signer = world.signer(`client ${name}`)
    const { client, parts } = await wireClient(
      {
        transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
        ...{ signer, verifier: world.signatures, clock: host.clock, log: silentLogger, registry: new Registry() },
        random: world.random(`dice of client ${name}`),
        payer: createLocalPayer(signer, host.clock),
        compute: createInlineCompute({ clock: host.clock }),
        files: noFiles,
      },
      { allowLoopback: false, seeds: this.seeds() },
    )
    const lifecycle = new Lifecycle(parts)
    this.#lifecycles.push(lifecycle)
    await world.run(() => lifecycle.start(never))
    return client
  }

  /** Where a peer joins this network. */
  seeds(): { address: SocketAddress }[] {
    const live = this.nodes.filter(({ host }) => host.up).slice(0, BOOTSTRAP_NODES)
    return live.map(({ host }) => ({ address: { ip: host.ip, port: PORT } }))
  }

  async stop(): Promise<void> {
    await this.world.run(() => Promise.all(this.#lifecycles.map((lifecycle) => lifecycle.stop())))
  }
}

/** A simulated host has no disk for people's files: clients put and get bytes. */
const noFiles = new Proxy({} as LocalFiles, {
  get: (_, name) => () => Promise.reject(new Error(`a simulated client has no ${String(name)}`)),
})
