/**
 * A network of whole nodes on a virtual clock: the real wiring of every room over the drivers of `sim`, the real store
 * on simulated disks, cheap signatures. One seed gives one run.
 */
import { assert, Lifecycle, never, Registry, silentLogger } from '../base/index.ts'
import type { Client, LocalFiles } from '../client/index.ts'
import { createInlineCompute } from '../compute/index.ts'
import { backend, type Signer } from '../crypto/index.ts'
import { wireClient, wireStorageNode } from '../node/index.ts'
import { createFreeVerifier, createLocalPayer } from '../payment/index.ts'
import { type PeerId, peerIdOfPublicKey, type SocketAddress } from '../protocol/index.ts'
import { type Aftermath, SimDisk, type SimHost, SimWorld, type SimWorldConfig } from '../sim/index.ts'
import { type ChunkStore, createFileChunkStore } from '../storage/index.ts'
import { BOOTSTRAP_NODES } from './manifest.ts'

export interface SimulatedNode {
  readonly index: number
  readonly peerId: PeerId
  readonly host: SimHost
  readonly store: ChunkStore
  /** Under the store: it can be full, read-only, failing, away, rot and lose power. */
  readonly disk: SimDisk
  readonly tableSize: () => number
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
  readonly #signers: Signer[] = []

  constructor(config: Omit<SimWorldConfig, 'hash'>) {
    this.world = new SimWorld({ ...config, hash: backend() })
  }

  /** Adds `count` nodes and runs the world until all have joined. */
  async start(count: number): Promise<void> {
    while (this.nodes.length < count) {
      const together = Math.min(this.nodes.length === 0 ? 1 : STARTED_TOGETHER, count - this.nodes.length)
      const lifecycles = Array.from({ length: together }, () => this.#addNode())
      await this.world.run(() => Promise.all(lifecycles.map((lifecycle) => lifecycle.start(never))))
    }
  }

  /** Power off in the middle of everything: what was not flushed is as the aftermath says. */
  crash(index: number, aftermath: Aftermath): void {
    const { host, disk } = this.#node(index)
    host.kill()
    disk.crash(aftermath, this.world.random(`crashes of node ${index}`))
  }

  /** The same node on the same disk, after `crash`. */
  async restart(index: number): Promise<void> {
    const { host, disk } = this.#node(index)
    host.restart()
    const lifecycle = this.#boot(index, host, disk)
    await this.world.run(() => lifecycle.start(never))
  }

  #node(index: number): SimulatedNode {
    const node = this.nodes[index]
    assert(node, `there is a node ${index}`)
    return node
  }

  #addNode(): Lifecycle {
    return this.#boot(this.nodes.length, this.world.network.addHost(), new SimDisk())
  }

  #boot(index: number, host: SimHost, disk: SimDisk): Lifecycle {
    const { world } = this
    const signer = (this.#signers[index] ??= world.signer(`node ${index}`))
    const deps = { clock: host.clock, random: world.random(`store of node ${index}`), fileSystem: disk.session() }
    const store = createFileChunkStore(SIMULATED_ROOT, deps)
    const verifier = world.signatures
    const { dht, listening } = wireStorageNode(
      {
        transport: host.createTransport({ port: PORT, publicKey: signer.publicKey }),
        ...{ signer, verifier, store, clock: host.clock, log: silentLogger, registry: new Registry() },
        random: world.random(`dice of node ${index}`),
        payment: createFreeVerifier(verifier),
      },
      { allowLoopback: false, limits: { maxPerIp: 2, maxPerSubnet: 5 }, seeds: this.#seeds() },
    )
    const lifecycle = new Lifecycle([...listening, dht])
    this.#lifecycles.push(lifecycle)
    const peerId = peerIdOfPublicKey(signer.publicKey)
    this.nodes[index] = { index, peerId, host, store, disk, tableSize: () => dht.tableSize }
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
    this.#lifecycles.push(lifecycle)
    await world.run(() => lifecycle.start(never))
    return client
  }

  #seeds(): { address: SocketAddress }[] {
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
