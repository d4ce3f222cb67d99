/**
 * A network of whole nodes on a virtual clock: the real wiring of every room over the drivers of `sim`, the real store
 * on simulated disks, cheap signatures. One seed gives one run.
 */
import { Lifecycle, never, Registry, silentLogger } from '../base/index.ts'
import type { Client, LocalFiles } from '../client/index.ts'
import { createInlineCompute } from '../compute/index.ts'
import { backend, contentHash, type Signer } from '../crypto/index.ts'
import { createRetentionFiles, type WiredNode, type WiredPeer, wireClient, wireStorageNode } from '../node/index.ts'
import { createFreeVerifier, createLocalPayer } from '../payment/index.ts'
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
  createMemoryChunkStore,
  createMemoryPaidList,
  createOutOfRangeStore,
  createScrubber,
  type ScrubberOptions,
} from '../storage/index.ts'
import { BOOTSTRAP_NODES } from './manifest.ts'

/** How one node of a simulated network differs from the others. */
export interface SimulatedNodeOptions {
  /** The node talks to what this returns for the store on its disk, at every boot: a liar is a node like all others. */
  readonly wrapStore?: (store: ChunkStore) => ChunkStore
  /** Without a disk below: for very many chunks. It survives a restart. */
  readonly memoryStore?: boolean
  /** The scrubber of a node, as fast as told; none without. */
  readonly scrub?: Partial<ScrubberOptions>
  /** Of each boot; a fresh one without. */
  readonly registry?: () => Registry
}

/** A machine with a node on it, over all its boots. */
export class SimulatedNode {
  readonly options: SimulatedNodeOptions
  readonly index: number
  readonly peerId: PeerId
  readonly host: SimHost
  readonly signer: Signer
  /** Under the store: it can be full, read-only, failing, away, rot and lose power. */
  readonly disk = new SimDisk()
  readonly paidList = createMemoryPaidList()
  /** What lies on the disk, of the present boot; never wrapped. */
  store!: ChunkStore
  dht!: WiredPeer['dht']
  replication!: WiredNode['replication']

  constructor(index: number, host: SimHost, signer: Signer, options: SimulatedNodeOptions = {}) {
    this.index = index
    this.options = options
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

const PORT = 10_000
/** Root folder of every node, each on its own disk. */
export const SIMULATED_ROOT = '/node'
/** Nodes that start in the same virtual instant. */
const STARTED_TOGETHER = 20

export class SimulatedDevnet {
  readonly world: SimWorld
  readonly nodes: SimulatedNode[] = []
  readonly #clients: Lifecycle[] = []
  /** Of the present boot of each node. */
  readonly #booted = new Map<SimulatedNode, Lifecycle>()
  #made = 0

  constructor(config: Omit<SimWorldConfig, 'hash'>) {
    this.world = new SimWorld({ ...config, hash: backend() })
  }

  /** Adds nodes until there are `count` and runs the world until all have joined. */
  async start(count: number, options: () => SimulatedNodeOptions = () => ({})): Promise<void> {
    while (this.nodes.length < count) {
      const together = Math.min(this.nodes.length === 0 ? 1 : STARTED_TOGETHER, count - this.nodes.length)
      const joining = Array.from({ length: together }, () => this.join(options()))
      await this.world.run(() => Promise.all(joining.map(({ joined }) => joined)))
    }
  }

  /** A node more. It joins while the world runs; nothing is waited for here. */
  join(options: SimulatedNodeOptions = {}): { readonly node: SimulatedNode; readonly joined: Promise<void> } {
    const index = this.#made++
    const node = new SimulatedNode(index, this.world.network.addHost(), this.world.signer(`node ${index}`), options)
    this.nodes.push(node)
    return { node, joined: this.#boot(node).start(never) }
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
    return this.#boot(node).start(never)
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
    const { disk, host, index, options, paidList, signer } = node
    const deps = { clock: host.clock, random: world.random(`store of node ${index}`), fileSystem: disk.session() }
    // The memory of a machine with `memoryStore` stands for its disk.
    const below = options.memoryStore
      ? (node.store ?? createMemoryChunkStore())
      : createFileChunkStore(SIMULATED_ROOT, deps)
    const store = options.wrapStore?.(below) ?? below
    const outOfRange = createOutOfRangeStore(SIMULATED_ROOT, deps)
    const verifier = world.signatures
    const { dht, listening, replication } = wireStorageNode(
      {
        transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
        ...{ signer, verifier, store, clock: host.clock, log: silentLogger },
        registry: options.registry?.() ?? new Registry(),
        random: world.random(`dice of node ${index}`),
        ...{ payment: createFreeVerifier(verifier), paidList, timers: outOfRange.timers, hash: contentHash(backend()) },
        retention: createRetentionFiles(deps.fileSystem, SIMULATED_ROOT),
      },
      { allowLoopback: false, limits: { maxPerIp: 2, maxPerSubnet: 5 }, seeds: this.#seeds() },
    )
    const corrupt = (address: ChunkAddress) => replication.chunkRemoved(address, true)
    const scrubber = options.scrub ? [createScrubber(SIMULATED_ROOT, { ...deps, store, corrupt }, options.scrub)] : []
    const lifecycle = new Lifecycle([outOfRange, ...listening, dht, ...scrubber])
    node.replication = replication
    node.dht = dht
    node.store = below
    this.#booted.set(node, lifecycle)
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
      { allowLoopback: false, seeds: this.#seeds() },
    )
    const lifecycle = new Lifecycle(parts)
    this.#clients.push(lifecycle)
    await world.run(() => lifecycle.start(never))
    return client
  }

  #seeds(): { address: SocketAddress }[] {
    const live = this.nodes.filter(({ host }) => host.up).slice(0, BOOTSTRAP_NODES)
    return live.map(({ host }) => ({ address: { ip: host.ip, port: PORT } }))
  }

  async stop(): Promise<void> {
    const all = [...this.#booted.values(), ...this.#clients]
    await this.world.run(() => Promise.all(all.map((lifecycle) => lifecycle.stop())))
  }
}

/** A simulated host has no disk for people's files: clients put and get bytes. */
const noFiles = new Proxy({} as LocalFiles, {
  get: (_, name) => () => Promise.reject(new Error(`a simulated client has no ${String(name)}`)),
})
