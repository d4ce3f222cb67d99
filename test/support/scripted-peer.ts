/**
 * A peer of a simulated network that does what a test says: real identity, network and routing table, and in place of
 * the engine of replication a script. Without a script it answers as an honest stock peer with the chunks of `holds`
 * and the paid entries of `paid` would. Everything it receives is kept.
 */
import { absentDigest, auditDigest } from '../../src/audit/index.ts'
import { CodedError, type Lifecycle, never } from '../../src/base/index.ts'
import type { Signer } from '../../src/crypto/index.ts'
import type { SimulatedDevnet, SimulatedNode } from '../../src/devnet/index.ts'
import type { WiredPeer } from '../../src/node/index.ts'
import {
  type ChunkAddress,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type NeighborHints,
  type PeerId,
  peerIdOfPublicKey,
  type ReplicationBody,
  replicationTopicOf,
} from '../../src/protocol/index.ts'
import type { SimHost } from '../../src/sim/index.ts'
import { wireBarePeer } from './bare-peer.ts'

export type Kind = ReplicationBody['kind']
export type BodyOf<K extends Kind> = Extract<ReplicationBody, { kind: K }>
export type Reply = ReplicationBody | undefined
/** undefined: no answer. */
export type Script<K extends Kind> = (body: BodyOf<K>, from: PeerId) => Reply | Promise<Reply>

export interface Received<K extends Kind = Kind> {
  /** Virtual milliseconds. */
  readonly at: number
  readonly from: PeerId
  readonly body: BodyOf<K>
}

export const NO_HINTS: NeighborHints = Object.freeze({ replicaHints: [], paidHints: [], bootstrapping: false })

export interface ScriptedPeerOptions {
  /** A client is in nobody's routing table. */
  readonly role?: 'node' | 'client'
  /** An earlier peer, stopped: its machine and identity with another program. */
  readonly was?: ScriptedPeer
}

export class ScriptedPeer {
  readonly name: string
  readonly id: PeerId
  readonly signer: Signer
  readonly host: SimHost
  readonly holds = new Map<ChunkAddress, Uint8Array>()
  readonly paid = new Set<ChunkAddress>()
  readonly received: Received[] = []
  readonly #net: SimulatedDevnet
  readonly #wired: WiredPeer
  readonly #lifecycle: Lifecycle
  readonly #scripts = new Map<Kind, Script<never>>()
  #requests = 0n

  constructor(net: SimulatedDevnet, name: string, { role = 'node', was }: ScriptedPeerOptions = {}) {
    this.#net = net
    this.name = name
    this.signer = was?.signer ?? net.world.signer(`scripted ${name}`)
    this.id = peerIdOfPublicKey(this.signer.publicKey)
    was?.host.kill()
    was?.host.restart()
    this.host = was?.host ?? net.world.network.addHost()
    const { signer, host } = this
    const { wired, lifecycle } = wireBarePeer(
      net,
      { name: `scripted ${name}`, signer, host, role },
      {
        request: (data, from) => this.#request(data, from),
        plain: (data, from) => this.#plain(data, from),
      },
    )
    this.#wired = wired
    this.#lifecycle = lifecycle
  }

  /** Joins the network; inside `world.run`, or by a script. */
  start(): Promise<void> {
    return this.#lifecycle.start(never)
  }
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  /** From now on this is said to a question of the kind. */
  on<K extends Kind>(kind: K, script: Script<K>): this {
    this.#scripts.set(kind, script as unknown as Script<never>)
    return this
  }
  /** Honest again. */
  off(kind: Kind): this {
    this.#scripts.delete(kind)
    return this
  }
  /** Says nothing to any question of these kinds. */
  silent(...kinds: Kind[]): this {
    for (const kind of kinds) this.on(kind, () => undefined)
    return this
  }
  give(chunk: { readonly key: ChunkAddress; readonly content: Uint8Array }): this {
    this.holds.set(chunk.key, chunk.content)
    return this
  }

  /** What came, of one kind, since an instant. */
  got<K extends Kind>(kind: K, since = 0): Received<K>[] {
    return this.received.filter(({ at, body }) => at >= since && body.kind === kind) as unknown as Received<K>[]
  }

  /** The answer, or undefined when none came. */
  async ask(to: SimulatedNode, body: ReplicationBody, timeoutMs = 20_000): Promise<Reply> {
    const data = encodeReplicationMessage({ requestId: ++this.#requests, body })
    try {
      const options = { signal: never, timeoutMs }
      const answer = await this.#wired.network.request(to.peerId, replicationTopicOf(body), data, options)
      return decodeReplicationMessage(answer).body
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      return undefined
    }
  }

  async tell(to: SimulatedNode, body: ReplicationBody): Promise<void> {
    const data = encodeReplicationMessage({ requestId: ++this.#requests, body })
    await this.#wired.network.send(to.peerId, replicationTopicOf(body), data, { signal: never })
  }

  /** A request of another protocol. */
  askRaw(to: SimulatedNode, protocol: string, data: Uint8Array, timeoutMs = 20_000): Promise<Uint8Array> {
    return this.#wired.network.request(to.peerId, protocol, data, { signal: never, timeoutMs })
  }
  get network(): WiredPeer['network'] {
    return this.#wired.network
  }

  async #request(data: Uint8Array, from: PeerId): Promise<Uint8Array | undefined> {
    const { requestId, body } = decodeReplicationMessage(data)
    this.#keep(body, from)
    const script = this.#scripts.get(body.kind) as unknown as Script<Kind> | undefined
    const answer = script ? await script(body, from) : this.honest(body)
    return answer && encodeReplicationMessage({ requestId, body: answer })
  }

  #plain(data: Uint8Array, from: PeerId): void {
    const { body } = decodeReplicationMessage(data)
    this.#keep(body, from)
    const script = this.#scripts.get(body.kind) as unknown as Script<Kind> | undefined
    void Promise.resolve(script ? script(body, from) : this.honest(body)).then((answer) => {
      if (!answer) return
      const reply = encodeReplicationMessage({ requestId: ++this.#requests, body: answer })
      return this.#wired.network.send(from, replicationTopicOf(answer), reply, { signal: never }).catch(() => undefined)
    })
  }

  #keep(body: ReplicationBody, from: PeerId): void {
    this.received.push({ at: this.#net.world.clock.monotonic(), from, body } as Received)
  }

  /** What an honest peer with these holdings says. */
  honest(body: ReplicationBody): Reply {
    switch (body.kind) {
      case 'neighborSyncRequest':
        return { kind: 'neighborSyncResponse', ...NO_HINTS, rejectedKeys: [] }
      case 'verificationRequest': {
        const asked = new Set(body.paidListCheckIndices)
        const results = body.keys.map((key, index) => ({
          ...{ key, present: this.holds.has(key) },
          ...(asked.has(index) ? { paid: this.paid.has(key) } : {}),
        }))
        return { kind: 'verificationResponse', results }
      }
      case 'fetchRequest': {
        const { key } = body
        const data = this.holds.get(key)
        return { kind: 'fetchResponse', result: data ? { kind: 'success', key, data } : { kind: 'notFound', key } }
      }
      case 'auditChallenge': {
        const { challengeId, keys } = body
        const digests = keys.map((key) => {
          const content = this.holds.get(key)
          return content ? auditDigest(body, key, content) : absentDigest()
        })
        return { kind: 'auditResponse', result: { kind: 'digests', challengeId, digests } }
      }
      case 'freshOffer':
        this.holds.set(body.key, body.data)
        this.paid.add(body.key)
        return { kind: 'freshResponse', result: { kind: 'accepted', key: body.key } }
      case 'paidNotify':
        this.paid.add(body.key)
        return undefined
      default:
        return undefined
    }
  }
}
