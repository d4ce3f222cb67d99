/**
 * A network of whole nodes on a virtual clock: the real wiring of every room over the drivers of `sim`, the real store
 * on simulated disks, cheap signatures. One seed gives one run.
 */
import { assert, Lifecycle, never, Registry, type Startable, silentLogger } from '../base/index.ts'
import type { Client, LocalFiles } from '../client/index.ts'
import { createInlineCompute } from '../compute/index.ts'
import { backend } from '../crypto/index.ts'
import {
  createReplicationMemory,
  createRetentionFiles,
  type PeerPorts,
  type PeerSettings,
  type StorageNodePorts,
  type StorageWiring,
  wireClient,
  wirePeer,
  wireStorageNode,
} from '../node/index.ts'
import { createFreeVerifier, createLocalPayer, type PaymentVerifier } from '../payment/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, compareDistance, keyOf, type SocketAddress } from '../protocol/index.ts'
import {
  type Aftermath,
  SimDisk,
  type SimHost,
  type SimHostOptions,
  SimWorld,
  type SimWorldConfig,
} from '../sim/index.ts'
import {
  createFileChunkStore,
  createLmdbPaidList,
  createMemoryChunkStore,
  createOutOfRangeStore,
  createScrubber,
} from '../storage/index.ts'
import { BOOTSTRAP_NODES } from './manifest.ts'
import { SimulatedNode, type SimulatedNodeOptions } from './simulated-node.ts'

/** What differs from a network of today; for tests of single decisions. */
export interface SimulatedDevnetOptions {
  /** Of every node that is started without options of its own. */
  readonly node?: SimulatedNodeOptions
  /** false: nodes have tables and lookups only; ten times as many fit. */
  readonly replication?: NonNullable<StorageWiring['replication']> | false
  /** Puts something around the verifier of payments of a node. */
  readonly payment?: (verifier: PaymentVerifier, node: SimulatedNode) => PaymentVerifier
  readonly tuning?: NonNullable<StorageWiring['tuning']>
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
  readonly #options: SimulatedDevnetOptions
  readonly #clients = new Map<Client, { readonly host: SimHost; readonly lifecycle: Lifecycle }>()
  /** Of the present boot of each node. */
  readonly #booted = new Map<SimulatedNode, Lifecycle>()
  #made = 0

  constructor(config: Omit<SimWorldConfig, 'hash'>, options: SimulatedDevnetOptions = {}) {
    this.world = new SimWorld({ ...config, hash: backend() })
    this.#options = options
  }

  /** Adds nodes until there are `count` and runs the world until all have joined. */
  async start(count: number, options?: () => SimulatedNodeOptions): Promise<void> {
    while (this.nodes.length < count) {
      const together = Math.min(this.nodes.length === 0 ? 1 : STARTED_TOGETHER, count - this.nodes.length)
      const joining = Array.from({ length: together }, () => this.join(options?.()))
      await this.world.run(() => Promise.all(joining.map(({ joined }) => joined)))
    }
  }

  /** A node more. It joins while the world runs; nothing is waited for here. */
  join(options = this.#options.node): { readonly node: SimulatedNode; readonly joined: Promise<void> } {
    const index = this.#made++
    const { network, contents } = this.world
    const disk = new SimDisk({ contents })
    const node = new SimulatedNode(
      { index, host: network.addHost(), signer: this.world.signer(`node ${index}`), disk },
      options,
    )
    this.nodes.push(node)
    const prepared = this.#options.prepare?.(node)
    const boot = () => this.#boot(node).start(lifeOf())
    return { node, joined: prepared ? prepared.then(boot) : boot() }
  }

  /** Power off for ever: machine, identity and chunks are gone. */
  remove(node: SimulatedNode): void {
    node.host.kill()
    this.nodes.splice(this.nodes.indexOf(node), 1)
    this.#booted.delete(node)
  }

  /** Power off in the middle of everything: what was not flushed is as the aftermath says. */
  kill(node: SimulatedNode, aftermath: Aftermath = 'mixture'): void {
    node.host.kill()
    node.disk.crash(aftermath, this.world.random(`crashes of node ${node.index}`))
  }

  /** The machine of a killed node comes back with its identity, its address and its chunks. */
  async restart(node: SimulatedNode): Promise<void> {
    const joined = this.powerOn(node)
    await this.world.run(() => joined)
  }

  /** As `restart`; nothing is waited for here. */
  powerOn(node: SimulatedNode): Promise<void> {
    node.host.restart()
    return this.#boot(node).start(lifeOf())
  }

  /** Whether the node is among the 7 live ones nearest to the key. */
  isCloseGroup(node: SimulatedNode, key: ChunkAddress): boolean {
    const live = this.nodes.filter(({ host }) => host.up).map(({ peerId }) => ({ peerId, key: keyOf(peerId) }))
    live.sort((a, b) => compareDistance(keyOf(key), a.key, b.key))
    return live.slice(0, CLOSE_GROUP_SIZE).some(({ peerId }) => peerId === node.peerId)
  }

  /** A client on a host of its own, connected. */
  async connectClient(name: string, machine: Partial<SimHostOptions> = {}): Promise<Client> {
    const { world } = this
    const host = world.network.addHost(machine)
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
      this.#settings(),
    )
    const lifecycle = new Lifecycle(parts)
    this.#clients.set(client, { host, lifecycle })
    await world.run(() => lifecycle.start(never))
    return client
  }

  /** Of a client that `connectClient` gave. */
  hostOf(client: Client): SimHost {
    const known = this.#clients.get(client)
    assert(known, 'a client of this network')
    return known.host
  }

  #settings(): PeerSettings {
    const { tuning } = this.#options
    return { allowLoopback: false, seeds: this.seeds(), ...(tuning ? { tuning } : {}) }
  }

  /** Where a peer joins this network. */
  seeds(): { address: SocketAddress }[] {
    const live = this.nodes.filter(({ host }) => host.up).slice(0, BOOTSTRAP_NODES)
    return live.map(({ host }) => ({ address: { ip: host.ip, port: PORT } }))
  }

  async stop(): Promise<void> {
    const clients = [...this.#clients.values()].map(({ lifecycle }) => lifecycle)
    const all = [...this.#booted.values(), ...clients]
    await this.world.run(() => Promise.all(all.map((lifecycle) => lifecycle.stop())))
  }

  /** Wires a node for this boot of its machine. */
  #boot(node: SimulatedNode): Lifecycle {
    const { world } = this
    const { host, signer } = node
    const { replication } = this.#options
    const ports = {
      transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
      ...{ signer, verifier: world.signatures, clock: host.clock, log: silentLogger },
      registry: node.options.registry?.() ?? new Registry(),
      random: world.random(`dice of node ${node.index}`),
    }
    const settings = { ...this.#settings(), limits: { maxPerIp: 2, maxPerSubnet: 5 } }
    const parts =
      replication === false
        ? this.#wireTable(node, ports, settings)
        : this.#wireStorage(node, ports, { ...settings, ...(replication ? { replication } : {}) })
    node.registry = ports.registry
    const lifecycle = new Lifecycle(parts)
    this.#booted.set(node, lifecycle)
    return lifecycle
  }

  #wireTable(node: SimulatedNode, ports: PeerPorts, settings: StorageWiring): Startable[] {
    const { network, dht } = wirePeer(ports, settings, 'node', { limits: settings.limits })
    Object.assign(node, { network, dht })
    return [network, dht]
  }

  #wireStorage(node: SimulatedNode, ports: PeerPorts, settings: StorageWiring): Startable[] {
    const { kept, below, outOfRange, paidList } = this.#disk(node, ports.registry)
    const free = createFreeVerifier(ports.verifier, { registry: ports.registry })
    const payment = this.#options.payment?.(free, node) ?? free
    // On this thread: what leaves it would come back at no fixed virtual time.
    const kernels = backend()
    const hash = (content: Uint8Array) => backend().blake3(content)
    const wired = wireStorageNode({ ...ports, ...kept, payment, hash, kernels }, settings)
    const { dht, listening, network, replication } = wired
    Object.assign(node, { replication, dht, store: below, paidList, timers: outOfRange.timers, network })
    return [outOfRange, ...listening, dht]
  }

  /** All that a node keeps. */
  #disk({ disk, host, index, options, store }: SimulatedNode, registry: Registry) {
    const dice = this.world.random(`store of node ${index}`)
    const deps = { clock: host.clock, random: dice, fileSystem: disk.session() }
    const { fileSystem } = deps
    // The memory of a machine with `memoryStore` stands for its disk.
    const below = options.memoryStore
      ? (store ?? createMemoryChunkStore())
      : createFileChunkStore(SIMULATED_ROOT, { ...deps, registry })
    const paidList = createLmdbPaidList(SIMULATED_ROOT, { fileSystem, keySet: disk.keySets() })
    const outOfRange = createOutOfRangeStore(SIMULATED_ROOT, deps)
    const { scrub } = options
    const scrubber: StorageNodePorts['scrubber'] =
      scrub && ((watched) => createScrubber(SIMULATED_ROOT, { ...watched, ...deps, registry }, scrub))
    const kept = {
      ...{ store: options.wrapStore?.(below) ?? below, paidList, timers: outOfRange.timers },
      retention: createRetentionFiles(fileSystem, SIMULATED_ROOT),
      memory: createReplicationMemory(fileSystem, SIMULATED_ROOT),
      ...(scrubber ? { scrubber } : {}),
    }
    return { kept, below, outOfRange, paidList }
  }
}

/** Never aborts, and is forgotten with its process: what a killed one was waiting for would stay with `never` for good. */
function lifeOf(): AbortSignal {
  return new AbortController().signal
}

/** A simulated host has no disk for people's files: clients put and get bytes. */
const noFiles = new Proxy({} as LocalFiles, {
  get: (_, name) => () => Promise.reject(new Error(`a simulated client has no ${String(name)}`)),
})
