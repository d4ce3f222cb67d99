/**
 * A peer that lies: its own identity on a simulated host, the real network and routing rooms, and in place of an engine
 * a script that answers and sends any replication message it likes.
 */
import { type Bytes, type Lifecycle, never } from '../../src/base/index.ts'
import type { Signer } from '../../src/crypto/index.ts'
import type { SimulatedDevnet, SimulatedNode } from '../../src/devnet/index.ts'
import type { Network } from '../../src/network/index.ts'
import type { WiredPeer } from '../../src/node/index.ts'
import {
  type ChunkMessage,
  decodeChunkMessage,
  decodeReplicationMessage,
  encodeChunkMessage,
  encodeReplicationMessage,
  MAX_MESSAGE_BYTES,
  type PeerId,
  peerIdOfPublicKey,
  type ReplicationBody,
  replicationTopicOf,
  TOPIC_CHUNK,
} from '../../src/protocol/index.ts'
import type { SimHost } from '../../src/sim/index.ts'
import { wireBarePeer } from './bare-peer.ts'

/** What is said to a request; bytes go as they are, undefined is silence. */
export type Reply = ReplicationBody | Bytes | undefined
export type Script = (body: ReplicationBody, from: PeerId) => Reply | Promise<Reply>

const ANSWER_MS = 20_000

export class Attacker {
  readonly peerId: PeerId
  readonly signer: Signer
  readonly host: SimHost
  /** How requests are answered; may be changed at any time. Silence without. */
  script: Script = () => undefined
  /** Requests and messages that came, in order. */
  readonly heard: { readonly from: PeerId; readonly body: ReplicationBody }[] = []
  readonly #net: SimulatedDevnet
  #peer!: WiredPeer
  #lifecycle!: Lifecycle
  #ids = 1n
  readonly #chunkAnswers = new Map<bigint, (body: ChunkMessage['body']) => void>()

  private constructor(net: SimulatedDevnet, name: string) {
    this.#net = net
    this.signer = net.world.signer(`attacker ${name}`)
    this.peerId = peerIdOfPublicKey(this.signer.publicKey)
    this.host = net.world.network.addHost()
  }

  /** Joins the network as a storage node does, so that others take it into their tables. */
  static async join(net: SimulatedDevnet, name: string): Promise<Attacker> {
    const attacker = new Attacker(net, name)
    await net.world.run(() => attacker.#start(name))
    return attacker
  }

  get network(): Network {
    return this.#peer.network
  }

  /** Bodies of a kind that came. */
  heardOf<Kind extends ReplicationBody['kind']>(kind: Kind): Extract<ReplicationBody, { kind: Kind }>[] {
    return this.heard.flatMap(({ body }) => (body.kind === kind ? [body as never] : []))
  }

  /** Asks and waits in virtual time; undefined when no answer came within 20 s. */
  ask(node: SimulatedNode, body: ReplicationBody): Promise<ReplicationBody | undefined> {
    return this.#net.world.run(() => this.request(node, body))
  }

  /** Several at the same moment. */
  askAtOnce(node: SimulatedNode, bodies: readonly ReplicationBody[]): Promise<(ReplicationBody | undefined)[]> {
    return this.#net.world.run(() => Promise.all(bodies.map((body) => this.request(node, body))))
  }

  /** As `ask`, for use inside `world.run`. */
  async request(node: SimulatedNode, body: ReplicationBody): Promise<ReplicationBody | undefined> {
    const message = encodeReplicationMessage({ requestId: this.#ids++, body })
    const data = await this.requestBytes(node, replicationTopicOf(body), message)
    return data && decodeReplicationMessage(data).body
  }

  /** Any bytes on either topic. */
  async requestBytes(node: SimulatedNode, topic: string, bytes: Bytes): Promise<Uint8Array | undefined> {
    try {
      return await this.network.request(node.peerId, topic, bytes, { signal: never, timeoutMs: ANSWER_MS })
    } catch {
      return undefined
    }
  }

  /** A message of the chunk protocol and its answer; undefined when none came within 20 s. */
  async chunkRequest(node: SimulatedNode, body: ChunkMessage['body']): Promise<ChunkMessage['body'] | undefined> {
    const requestId = this.#ids++
    const { promise, resolve } = Promise.withResolvers<ChunkMessage['body'] | undefined>()
    const timer = this.host.clock.timer(ANSWER_MS, () => resolve(undefined))
    this.#chunkAnswers.set(requestId, resolve)
    await this.network.send(node.peerId, TOPIC_CHUNK, encodeChunkMessage({ requestId, body }), { signal: never })
    const answer = await promise
    timer.cancel()
    this.#chunkAnswers.delete(requestId)
    return answer
  }

  /** A plain message. */
  async tell(node: SimulatedNode, body: ReplicationBody): Promise<void> {
    const message = encodeReplicationMessage({ requestId: this.#ids++, body })
    await this.network.send(node.peerId, replicationTopicOf(body), message, { signal: never })
  }

  async stop(): Promise<void> {
    await this.#net.world.run(() => this.#lifecycle.stop())
  }

  async #start(name: string): Promise<void> {
    const { signer, host } = this
    const { wired, lifecycle } = wireBarePeer(
      this.#net,
      { name: `attacker ${name}`, signer, host },
      {
        request: (data, from) => this.#answer(data, from),
        plain: (data, from) => void this.heard.push({ from, body: decodeReplicationMessage(data).body }),
      },
    )
    this.#peer = wired
    this.#lifecycle = lifecycle
    const { network } = wired
    network.handle(TOPIC_CHUNK, { maxBytes: MAX_MESSAGE_BYTES }, (data) => {
      const { requestId, body } = decodeChunkMessage(data)
      this.#chunkAnswers.get(requestId)?.(body)
    })
    await lifecycle.start(never)
  }

  async #answer(data: Uint8Array, from: PeerId): Promise<Bytes | undefined> {
    const { requestId, body } = decodeReplicationMessage(data)
    this.heard.push({ from, body })
    const reply = await this.script(body, from)
    if (reply === undefined || reply instanceof Uint8Array) return reply
    return encodeReplicationMessage({ requestId, body: reply })
  }
}

/** What a node charged or granted, in order: who and why. */
export function watchTrust(node: SimulatedNode): { peer: PeerId; success: boolean; weight: number; reason: string }[] {
  const seen: ReturnType<typeof watchTrust> = []
  const { dht } = node
  const original = dht.reportTrust.bind(dht)
  dht.reportTrust = (peer, event) => {
    seen.push({ peer, ...event })
    original(peer, event)
  }
  return seen
}
