/** One whole node among scripted peers, all on one virtual clock: what it decides shows in what they receive. */
import assert from 'node:assert/strict'
import { never, type Random, seededRandom } from '../../../../src/base/index.ts'
import { backend, type Signer } from '../../../../src/crypto/index.ts'
import {
  SIMULATED_ROOT,
  SimulatedDevnet,
  type SimulatedDevnetOptions,
  type SimulatedNode,
} from '../../../../src/devnet/index.ts'
import { signLocalProof } from '../../../../src/payment/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  compareDistance,
  keyOf,
  type NeighborHints,
  type PeerId,
  type ReplicationBody,
} from '../../../../src/protocol/index.ts'
import { createFileChunkStore, createLmdbPaidList, createOutOfRangeStore } from '../../../../src/storage/index.ts'
import { type Kind, NO_HINTS, type Received, ScriptedPeer } from '../../../support/scripted-peer.ts'

export const SEED = Number(process.env['SIM_SEED'] ?? 27)
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export interface Chunk {
  readonly key: ChunkAddress
  readonly content: Uint8Array
}

export interface Report {
  readonly at: number
  readonly peer: PeerId
  readonly success: boolean
  readonly weight: number
  readonly reason: string
}

/** Peers in order of their distance to the key, the nearest first. */
export function byDistance(key: ChunkAddress, peers: Iterable<PeerId>): PeerId[] {
  const target = keyOf(key)
  return [...peers].sort((a, b) => compareDistance(target, keyOf(a), keyOf(b)))
}

/** Small chunks of one test, the first that is as wanted. */
export class Quarry {
  readonly #dice: Random

  constructor(seed: number) {
    this.#dice = seededRandom(seed)
  }
  chunk(wanted: (key: ChunkAddress) => boolean = () => true): Chunk {
    for (let tries = 0; tries < 200_000; tries++) {
      const content = this.#dice.bytes(40)
      const key = chunkAddressOf(backend().blake3(content))
      if (wanted(key)) return { key, content }
    }
    throw new Error('no content gives such a key')
  }
  chunks(count: number, wanted?: (key: ChunkAddress) => boolean): Chunk[] {
    return Array.from({ length: count }, () => this.chunk(wanted))
  }
}

export interface StageOptions extends SimulatedDevnetOptions {
  readonly peers: number
  readonly seed?: number
  /** Before the peers join. */
  readonly script?: (peer: ScriptedPeer, index: number) => void
}

export class Stage {
  readonly net: SimulatedDevnet
  readonly peers: ScriptedPeer[] = []
  readonly quarry: Quarry
  readonly reports: Report[] = []
  nextNode: StageOptions['prepare']
  #payer: Signer | undefined

  private constructor(net: SimulatedDevnet, seed: number) {
    this.net = net
    this.quarry = new Quarry(seed)
  }

  /** The node first, alone, then the peers; ends when all of them are in its routing table and it has caught up. */
  static async open({ peers, seed = SEED, script, prepare, ...options }: StageOptions): Promise<Stage> {
    let stage: Stage | undefined
    const nodes = { prepare: async (node: SimulatedNode) => (stage?.nextNode ?? prepare)?.(node) }
    const net = new SimulatedDevnet({ seed }, { ...options, ...nodes })
    stage = new Stage(net, seed)
    await net.start(1)
    listenToTrust(stage.node, stage.reports)
    for (let i = 0; i < peers; i++) {
      const peer = new ScriptedPeer(net, `${i}`)
      script?.(peer, i)
      stage.peers.push(peer)
    }
    await net.world.run(() => Promise.all(stage.peers.map((peer) => peer.start())))
    await stage.settle(peers)
    await stage.drained(stage.node)
    return stage
  }

  /** The first node of the network. */
  get node(): SimulatedNode {
    return this.net.nodes[0] as SimulatedNode
  }
  peer(index: number): ScriptedPeer {
    return this.peers[index] as ScriptedPeer
  }
  byId(id: PeerId): ScriptedPeer {
    return this.peers.find((peer) => peer.id === id) as ScriptedPeer
  }
  get now(): number {
    return this.net.world.clock.monotonic()
  }
  /** Members of the node's own view. */
  get members(): PeerId[] {
    return [this.node.peerId, ...this.peers.map(({ id }) => id)]
  }
  /** Peers by their distance to the key, nearest first. */
  nearest(key: ChunkAddress): ScriptedPeer[] {
    return byDistance(
      key,
      this.peers.map(({ id }) => id),
    ).map((id) => this.byId(id))
  }
  /** Place of the node itself in its own view: 0 is the nearest. */
  rank(key: ChunkAddress, of: PeerId = this.node.peerId, view: readonly PeerId[] = this.members): number {
    return byDistance(key, view).indexOf(of)
  }

  /** One more whole node, with what it finds on its disk. */
  async startNode(prepare: (node: SimulatedNode) => Promise<void> = async () => undefined): Promise<SimulatedNode> {
    this.nextNode = prepare
    await this.net.start(this.net.nodes.length + 1)
    return this.net.nodes.at(-1) as SimulatedNode
  }

  async settle(tableSize: number): Promise<void> {
    for (let i = 0; i < 60 && this.node.dht.tableSize < tableSize; i++) await this.advance(SECOND)
    assert.equal(this.node.dht.tableSize, tableSize, `seed ${this.net.world.seed}: not all peers joined`)
  }

  async drained(node: SimulatedNode): Promise<void> {
    for (let i = 0; i < 120 && node.replication.bootstrapping; i++) await this.advance(SECOND)
    assert.equal(
      node.replication.bootstrapping,
      false,
      `seed ${this.net.world.seed}: node ${node.index} joins for ever`,
    )
  }

  advance(ms: number): Promise<void> {
    return this.net.world.advance(ms)
  }
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.net.world.run(work)
  }
  ask(peer: ScriptedPeer, body: ReplicationBody, timeoutMs?: number): Promise<ReplicationBody | undefined> {
    return this.run(() => peer.ask(this.node, body, timeoutMs))
  }
  tell(peer: ScriptedPeer, body: ReplicationBody): Promise<void> {
    return this.run(() => peer.tell(this.node, body))
  }
  /** The node stores a chunk that is offered to it. */
  async storeByOffer(chunk: Chunk, by: ScriptedPeer = this.peer(0)): Promise<void> {
    const paymentProof = await this.run(() => this.proofFor(chunk.key))
    await this.tell(by, { kind: 'freshOffer', key: chunk.key, data: chunk.content, paymentProof })
    for (let i = 0; i < 30 && !this.has(chunk); i++) await this.advance(SECOND / 2)
    assert.equal(this.has(chunk), true, `seed ${this.net.world.seed}: an offered chunk is not stored`)
  }
  /** Waits for a message of the kind, an hour at most. */
  async untilGot(peer: ScriptedPeer, kind: Kind, since = 0): Promise<void> {
    for (let i = 0; i < 3600 && peer.got(kind, since).length === 0; i++) await this.advance(SECOND)
    assert.ok(peer.got(kind, since).length > 0, `seed ${this.net.world.seed}: peer ${peer.name} got no ${kind}`)
  }
  /** A neighbour sync of the peer. */
  hint(peer: ScriptedPeer, hints: Partial<NeighborHints>): Promise<ReplicationBody | undefined> {
    return this.ask(peer, { kind: 'neighborSyncRequest', ...NO_HINTS, ...hints })
  }
  /** One more peer, from now on. */
  async join(name: string, script?: (peer: ScriptedPeer) => void): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(this.net, name)
    script?.(peer)
    await this.run(() => peer.start())
    this.peers.push(peer)
    await this.settle(this.peers.length)
    return peer
  }

  proofFor(key: ChunkAddress): Promise<Uint8Array> {
    this.#payer ??= this.net.world.signer('payer')
    return signLocalProof(this.#payer, key, 1_700_000_000)
  }

  /** What peers received of a kind, over all peers, in order of time. */
  received<K extends Kind>(kind: K, since = 0): (Received<K> & { readonly by: ScriptedPeer })[] {
    return this.peers
      .flatMap((by) => by.got(kind, since).map((message) => ({ ...message, by })))
      .sort((a, b) => a.at - b.at)
  }
  /** Peers that were asked for the key. */
  verifiers(key: ChunkAddress, since = 0): ScriptedPeer[] {
    return this.received('verificationRequest', since)
      .filter(({ body }) => body.keys.includes(key))
      .map(({ by }) => by)
  }
  fetches(key: ChunkAddress, since = 0): ScriptedPeer[] {
    return this.received('fetchRequest', since)
      .filter(({ body }) => body.key === key)
      .map(({ by }) => by)
  }
  /** What the engine said about a peer. */
  reportsOf(peer: ScriptedPeer, since = 0): { success: boolean; weight: number }[] {
    return this.reports
      .filter(({ at, peer: of }) => at >= since && of === peer.id)
      .map(({ success, weight }) => ({ success, weight }))
  }
  has({ key }: { readonly key: ChunkAddress }): boolean {
    return this.node.store.has(key)
  }
  lists({ key }: { readonly key: ChunkAddress }): boolean {
    return this.node.paidList.has(key)
  }

  close(): Promise<void> {
    return this.run(async () => {
      await Promise.all(this.peers.map((peer) => peer.stop()))
    }).then(() => this.net.stop())
  }
}

/** Keeps what the engine of a node says about others; it goes where it goes. */
export function listenToTrust(node: SimulatedNode, into: Report[]): void {
  const { dht } = node
  const real = dht.reportTrust.bind(dht)
  dht.reportTrust = (peer, event) => {
    into.push({ at: node.host.clock.monotonic(), peer, ...event })
    real(peer, event)
  }
}

/** One failure of a weight. */
export const failure = (weight: number) => ({ success: false, weight })
export const SUCCESS = Object.freeze({ success: true, weight: 1 })

/** Opens a stage, plays on it and closes it, whatever comes. */
export async function play(options: StageOptions, story: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await Stage.open(options)
  try {
    await story(stage)
  } finally {
    await stage.close()
  }
}

/** Chunk files that lie on the node's disk before it boots, entries of its paid list, and running prune timers. */
export async function preload(
  node: SimulatedNode,
  found: {
    readonly chunks?: readonly Chunk[]
    readonly paid?: readonly ChunkAddress[]
    readonly outFor?: readonly { readonly kind: 'record' | 'paid'; readonly key: ChunkAddress; readonly ms: number }[]
  },
): Promise<void> {
  const { clock } = node.host
  const deps = { clock, random: seededRandom(node.index), fileSystem: node.disk.session() }
  if (found.chunks) {
    const store = createFileChunkStore(SIMULATED_ROOT, deps)
    await store.start(never)
    for (const { key, content } of found.chunks) await store.put(key, content)
    await store.stop()
  }
  if (found.paid) {
    const list = createLmdbPaidList(SIMULATED_ROOT, { ...deps, keySet: node.disk.keySets() })
    await list.start(never)
    for (const key of found.paid) await list.insert(key)
    await list.stop()
  }
  if (found.outFor) {
    const store = createOutOfRangeStore(SIMULATED_ROOT, deps)
    await store.start(never)
    for (const { kind, key, ms } of found.outFor) store.timers.restore(kind, key, ms, clock.monotonic())
    await store.stop()
  }
}
