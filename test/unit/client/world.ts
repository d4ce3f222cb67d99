/** A small fake world: N storers in memory with faults, a Network and a Dht over them, one virtual clock. */
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, CodedError, concat, Emitter, seededRandom } from '../../../src/base/index.ts'
import { type ClientDeps, type ClientOptions, createClient, createLocalFiles } from '../../../src/client/index.ts'
import { createInlineCompute } from '../../../src/compute/index.ts'
import type { Dht, DhtPeer, LookupResult, WitnessedCloseGroup } from '../../../src/dht/index.ts'
import type { MessageHandler, Network, NetworkEvents, PeerConnection } from '../../../src/network/index.ts'
import {
  type ChunkAddress,
  type ChunkBody,
  chunkAddressOf,
  compareDistance,
  decodeChunkMessage,
  encodeChunkMessage,
  type Key,
  keyOf,
  type PeerId,
  peerIdOf,
  TOPIC_CHUNK,
} from '../../../src/protocol/index.ts'
import { EventPump, SimClock } from '../../../src/sim/index.ts'

export function hash(data: Uint8Array): Bytes {
  return blake3(data) as Bytes
}

export function addressOf(data: Uint8Array): ChunkAddress {
  return chunkAddressOf(hash(data))
}

export function bytes(length: number, seed = 1): Uint8Array {
  return seededRandom(seed).bytes(length)
}

/** How a storer misbehaves. `silent`: takes messages and never answers. `dead`: cannot be dialled. */
export type Fault =
  | {
      kind: 'silent' | 'dead' | 'full' | 'unpaid' | 'forgetful' | 'corrupt' | 'wrongAddress' | 'wrongBody' | 'refusing'
    }
  | { kind: 'late'; ms: number }

export interface Storer {
  readonly peer: PeerId
  readonly chunks: Map<ChunkAddress, Uint8Array>
  fault: Fault | undefined
  readonly received: { at: number; kind: ChunkBody['kind'] }[]
}

export interface WorldOptions {
  readonly peers: number
  readonly seed?: number
  readonly options?: Partial<ClientOptions>
  /** Virtual ms of one message. */
  readonly latencyMs?: number
  /** Virtual ms of a lookup; half way the first candidates are reported. */
  readonly lookupMs?: number
  readonly deps?: Partial<ClientDeps>
}

/** For tests in which time is no matter. */
export const fast = { latencyMs: 0, lookupMs: 0 }

export class World {
  readonly seed: number
  readonly clock = new SimClock()
  readonly pump: EventPump
  readonly storers: Storer[]
  readonly payments: string[][] = []
  readonly blamed: PeerId[] = []
  /** Lookups fail while above zero; counted down by each. */
  failingLookups = 0
  lookups = 0
  /** Lookups see only so many peers while set. */
  visible = Number.POSITIVE_INFINITY
  /** Peers of the own routing table, dead ones too. */
  tableSize: number
  readonly client: ReturnType<typeof createClient>
  readonly self: PeerId
  readonly dht: ClientDeps['dht']
  inFlight = 0
  maxInFlight = 0
  readonly #latencyMs: number
  readonly #lookupMs: number
  #handler: MessageHandler | undefined

  constructor({ peers, seed = 1, options, latencyMs = 10, lookupMs = 100, deps }: WorldOptions) {
    this.seed = seed
    this.pump = new EventPump(this.clock, seed)
    const random = seededRandom(seed)
    this.self = peerIdOf(random.bytes(32))
    this.storers = Array.from({ length: peers }, () => ({
      peer: peerIdOf(random.bytes(32)),
      chunks: new Map(),
      fault: undefined,
      received: [],
    }))
    this.tableSize = peers
    this.#latencyMs = latencyMs
    this.#lookupMs = lookupMs
    this.dht = this.#makeDht()
    const payer: ClientDeps['payer'] = {
      mode: 'local',
      pay: async (addresses) => {
        this.payments.push(addresses.map(({ address }) => address))
        return addresses.map(({ address }) => keyOf(address))
      },
    }
    this.client = createClient(
      {
        network: this.#makeNetwork(),
        dht: this.dht,
        payer,
        compute: createInlineCompute(),
        files: createLocalFiles({ random }),
        hash,
        clock: this.clock,
        random,
        ...deps,
      },
      options,
    )
  }

  get handling(): boolean {
    return this.#handler !== undefined
  }

  /** Runs on virtual time. */
  async run<T>(work: (client: World['client']) => Promise<T>, limitMs = 600_000): Promise<T> {
    return this.pump.run(
      async () => {
        await this.client.start(new AbortController().signal)
        return work(this.client)
      },
      { limitMs },
    )
  }

  /** Runs in real time, for tests with real files: no message takes time and no timer fires. */
  async runNow<T>(work: (client: World['client']) => Promise<T>): Promise<T> {
    await this.client.start(new AbortController().signal)
    return work(this.client)
  }

  async #pause(ms: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
    signal.throwIfAborted()
    if (ms > 0) await this.clock.sleep(ms, signal)
  }

  /** Nearest first, dead ones too. */
  near(address: ChunkAddress): Storer[] {
    const target = keyOf(address)
    return [...this.storers].sort((a, b) => compareDistance(target, keyOf(a.peer), keyOf(b.peer)))
  }

  holders(address: ChunkAddress): Storer[] {
    return this.storers.filter(({ chunks }) => chunks.has(address))
  }

  #alive(target: Key): DhtPeer[] {
    return this.near(chunkAddressOf(target))
      .filter(({ fault }) => fault?.kind !== 'dead')
      .slice(0, this.visible)
      .map(({ peer }) => ({ peer, addresses: [] }))
  }

  #makeDht(): ClientDeps['dht'] {
    const world = this
    const begin = async (signal: AbortSignal) => {
      world.lookups++
      await world.#pause(world.#lookupMs / 2, signal)
      if (world.failingLookups > 0) {
        world.failingLookups--
        throw new CodedError('DHT_INSUFFICIENT_PEERS', 'no lookup now')
      }
    }
    return {
      get tableSize() {
        return world.tableSize
      },
      closestLocal: () => [],
      reportTrust: (peer: PeerId) => void world.blamed.push(peer),
      async lookup(target: Key, count: number, options: Parameters<Dht['lookup']>[2]): Promise<LookupResult> {
        await begin(options.signal)
        const known = world.near(chunkAddressOf(target)).slice(0, Math.min(20, world.visible))
        options.onCandidates?.(known.map(({ peer }) => ({ peer, addresses: [] })))
        await world.#pause(world.#lookupMs / 2, options.signal)
        return { closest: world.#alive(target).slice(0, count), end: 'converged', rounds: 1 }
      },
      async witnessedCloseGroup(target: Key, options): Promise<WitnessedCloseGroup> {
        await begin(options.signal)
        await world.#pause(world.#lookupMs / 2, options.signal)
        const alive = world.#alive(target)
        if (alive.length < options.count) throw new CodedError('DHT_INSUFFICIENT_PEERS', `found ${alive.length}`)
        const initialClosest = alive.slice(0, options.count)
        return {
          target,
          initialClosest,
          responderViews: initialClosest.map(({ peer }) => ({ responder: peer, view: alive.slice(0, 20) })),
        }
      },
    }
  }

  #makeNetwork(): Network {
    const connectionOf = (peer: PeerId): PeerConnection | undefined =>
      this.#storer(peer).fault?.kind === 'dead' ? undefined : ({ peer } as PeerConnection)
    const connect = async (peer: PeerId, { signal }: { signal: AbortSignal }): Promise<PeerConnection> => {
      await this.#pause(this.#latencyMs, signal)
      const connection = connectionOf(peer)
      if (!connection) throw new CodedError('NETWORK_UNREACHABLE', 'nobody there')
      return connection
    }
    return {
      self: this.self,
      events: new Emitter<NetworkEvents>(),
      localAddress: { ip: '127.0.0.1', port: 1 },
      connect,
      connectAddress: () => Promise.reject(new Error('not used')),
      connectionOf,
      connections: () => [],
      isConnected: false,
      heard: () => undefined,
      ping: () => undefined,
      disconnect: async () => undefined,
      isDialable: () => true,
      addressesPublished: () => undefined,
      send: () => Promise.reject(new Error('not used')),
      prepare: (topic, data) => ({ topic, bytes: async () => concat([data].flat()), release: () => undefined }),
      sendPrepared: async (peer, message, { signal }) => {
        if (message.topic !== TOPIC_CHUNK) throw new Error(`sent on ${message.topic}`)
        await connect(peer, { signal })
        void this.#serve(this.#storer(peer), await message.bytes())
      },
      request: () => Promise.reject(new Error('not used')),
      handle: (_topic, _options, handler) => {
        this.#handler = handler
        return () => {
          this.#handler = undefined
        }
      },
      handleRequests: () => () => undefined,
    }
  }

  #storer(peer: PeerId): Storer {
    const storer = this.storers.find((candidate) => candidate.peer === peer)
    if (!storer) throw new Error('an unknown peer was asked')
    return storer
  }

  async #serve(storer: Storer, data: Uint8Array): Promise<void> {
    const { requestId, body } = decodeChunkMessage(data)
    storer.received.push({ at: this.clock.monotonic(), kind: body.kind })
    this.inFlight++
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight)
    try {
      const { fault } = storer
      await this.#pause(fault?.kind === 'late' ? fault.ms : this.#latencyMs)
      if (fault?.kind === 'silent') return
      const answer = respond(storer, body)
      this.reply(storer.peer, encodeChunkMessage({ requestId, body: answer }))
    } finally {
      this.inFlight--
    }
  }

  /** Delivers bytes to the client as a message of `peer`. */
  reply(peer: PeerId, data: Uint8Array): void {
    const from = { peer } as PeerConnection
    void this.#handler?.(data, { from, signal: new AbortController().signal })
  }
}

function respond(storer: Storer, body: ChunkBody): ChunkBody {
  const kind = storer.fault?.kind
  if (body.kind === 'putRequest') {
    const address = kind === 'wrongAddress' ? addressOf(new Uint8Array([1])) : body.address
    if (kind === 'wrongBody') return { kind: 'getResponse', result: { kind: 'notFound', address } }
    if (kind === 'full') return put({ kind: 'error', error: { kind: 'storageFailed', message: 'disk full' } })
    if (kind === 'refusing') return put({ kind: 'error', error: { kind: 'internal', message: 'not today' } })
    if (kind === 'unpaid') return put({ kind: 'paymentRequired', message: 'pay' })
    if (storer.chunks.has(body.address)) return put({ kind: 'alreadyExists', address })
    storer.chunks.set(body.address, body.content.slice())
    return put({ kind: 'success', address })
  }
  if (body.kind !== 'getRequest') throw new Error(`unexpected ${body.kind}`)
  const content = storer.chunks.get(body.address)
  const { address } = body
  if (kind === 'wrongBody') return put({ kind: 'success', address })
  if (kind === 'refusing')
    return { kind: 'getResponse', result: { kind: 'error', error: { kind: 'internal', message: '' } } }
  if (kind === 'corrupt') {
    const wrong = content?.slice() ?? new Uint8Array(10)
    wrong[0] = (wrong[0] ?? 0) ^ 1
    return { kind: 'getResponse', result: { kind: 'success', address, content: wrong } }
  }
  if (!content || kind === 'forgetful') return { kind: 'getResponse', result: { kind: 'notFound', address } }
  return { kind: 'getResponse', result: { kind: 'success', address, content } }
}

function put(result: Extract<ChunkBody, { kind: 'putResponse' }>['result']): ChunkBody {
  return { kind: 'putResponse', result }
}
