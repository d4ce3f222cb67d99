/** The facade of the room: one object for everything that a user of the network does. */
import {
  Aborted,
  type Clock,
  type Logger,
  never,
  type Random,
  Registry,
  resolveOptions,
  type Startable,
  silentLogger,
  withScope,
} from '../base/index.ts'
import type { Dht } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import type { Payer } from '../payment/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import { ChunkRequests } from './chunk-requests.ts'
import { Chunks } from './chunks.ts'
import { clientError, outward } from './errors.ts'
import { GroupFinder } from './group-finder.ts'
import { clientMetrics } from './metrics.ts'
import { CLIENT_DEFAULTS, type ClientOptions } from './options.ts'
import { PeerHealth } from './peer-health.ts'
import type { PutChunkResult } from './put.ts'

export interface ClientDeps {
  /** Started and stopped by the owner; the client takes the chunk topic of it. */
  readonly network: Network
  readonly dht: Pick<Dht, 'lookup' | 'witnessedCloseGroup' | 'tableSize' | 'closestLocal' | 'reportTrust'>
  readonly payer: Payer
  /** BLAKE3, 32 bytes. */
  readonly hash: (data: Uint8Array) => Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger
  readonly registry?: Registry
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface Client extends Startable {
  putChunk(content: Uint8Array, options?: CallOptions): Promise<PutChunkResult>
  getChunk(address: ChunkAddress, options?: CallOptions): Promise<Uint8Array>
}

/** Between `start` and `stop`; `stop` ends every call that runs with CLIENT_STOPPED. */
export function createClient(deps: ClientDeps, options?: Partial<ClientOptions>): Client {
  return new NetworkClient(deps, resolveOptions('client', CLIENT_DEFAULTS, options))
}

class NetworkClient implements Client {
  readonly #requests: ChunkRequests
  readonly #chunks: Chunks
  #running: AbortController | undefined
  readonly #calls = new Set<Promise<unknown>>()

  constructor(deps: ClientDeps, options: ClientOptions) {
    const { network, dht, payer, hash, clock, random } = deps
    const log = (deps.log ?? silentLogger).child('client')
    const metrics = clientMetrics(deps.registry ?? new Registry())
    this.#requests = new ChunkRequests({ network, clock, random, metrics }, options)
    const groups = new GroupFinder({ dht, self: network.self, clock }, options)
    const health = new PeerHealth(options.suspectMs)
    const walks = { network, dht, payer, hash, clock, random, log, metrics, groups, health, requests: this.#requests }
    this.#chunks = new Chunks(walks, options)
  }

  async start(): Promise<void> {
    this.#running ??= new AbortController()
    this.#requests.start()
  }

  async stop(): Promise<void> {
    this.#running?.abort(clientError('CLIENT_STOPPED', 'the client was stopped before the call was done'))
    this.#running = undefined
    this.#requests.stop()
    await Promise.allSettled(this.#calls)
  }

  putChunk(content: Uint8Array, options: CallOptions = {}): Promise<PutChunkResult> {
    return this.#call(options, (signal) => this.#chunks.put(content, { signal }))
  }

  getChunk(address: ChunkAddress, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(options, (signal) => this.#chunks.get(address, { signal }))
  }

  /** Every call ends when its own signal or the client's does, and `stop` waits for it. */
  async #call<T>({ signal = never }: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const running = this.#running
    if (!running) throw clientError('CLIENT_STOPPED', 'the client has not been started')
    const call = withScope(running.signal, (outer) => {
      const follow = () => outer.abort(signal.reason ?? new Aborted('cancelled'))
      if (signal.aborted) follow()
      signal.addEventListener('abort', follow, { once: true })
      return work(outer.signal)
        .catch((error: unknown) => {
          throw outward(error, outer.signal)
        })
        .finally(() => signal.removeEventListener('abort', follow))
    })
    this.#calls.add(call)
    try {
      return await call
    } finally {
      this.#calls.delete(call)
    }
  }
}
