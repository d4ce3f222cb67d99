/** Runs one sweep of a read: the lookup and the GETs side by side, whatever arrives is handed to the machine. */
import { type Clock, CodedError, type Logger, type Random, type Timer, withScope } from '../base/index.ts'
import { takeOut } from '../compute/index.ts'
import type { Dht, DhtPeer } from '../dht/index.ts'
import type { Network } from '../network/index.ts'
import { type ChunkAddress, chunkAddressOf, K_BUCKET_SIZE, keyOf, type PeerId, short } from '../protocol/index.ts'
import type { ChunkRequests } from './chunk-requests.ts'
import { FetchChunk, type FetchCounts, type FetchOptions, type FetchReply, type PeerRank } from './fetch-chunk.ts'
import type { ClientMetrics } from './metrics.ts'
import type { PeerHealth } from './peer-health.ts'

export interface FetchRunnerDeps {
  readonly dht: Pick<Dht, 'lookup' | 'closestLocal' | 'reportTrust'>
  readonly network: Pick<Network, 'self' | 'connectionOf' | 'isDialable'>
  readonly requests: Pick<ChunkRequests, 'prepare' | 'ask'>
  readonly health: PeerHealth
  /** BLAKE3, 32 bytes. */
  readonly hash: (data: Uint8Array) => Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Pick<ClientMetrics, 'hedges' | 'corruptReplies'>
  readonly log: Logger
}

export type SweepEnd =
  | { readonly kind: 'found'; readonly content: Uint8Array }
  | { readonly kind: 'notFound' | 'inconclusive'; readonly counts: FetchCounts }

/** What a read has learnt, from one sweep to the next. */
export interface ReadMemory {
  /** Sent wrong bytes. */
  readonly liars: Set<PeerId>
  /** Were named by somebody. A second lookup hears no more of those that did not answer the first. */
  readonly heard: Map<PeerId, DhtPeer>
}

/** Ends the lookup and the slower GET when the faster one has won. */
const OVER = new CodedError('SWEEP_OVER', 'the read is over')

/** Throws only the signal's reason. Adds to `memory`. */
export function runSweep(
  deps: FetchRunnerDeps,
  options: FetchOptions,
  address: ChunkAddress,
  memory: ReadMemory,
  { signal }: { signal: AbortSignal },
): Promise<SweepEnd> {
  const work = async (scope: AbortController) => {
    const sweep = new Sweep(deps, options, address, memory, scope.signal)
    try {
      return await sweep.run()
    } finally {
      sweep.close()
    }
  }
  return withScope(signal, work, OVER)
}

class Sweep {
  readonly #deps: FetchRunnerDeps
  readonly #address: ChunkAddress
  readonly #memory: ReadMemory
  readonly #signal: AbortSignal
  readonly #machine: FetchChunk
  #timer: Timer | undefined
  #settle: { resolve(end: SweepEnd): void; reject(error: unknown): void } | undefined

  constructor(
    deps: FetchRunnerDeps,
    options: FetchOptions,
    address: ChunkAddress,
    memory: ReadMemory,
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#address = address
    this.#memory = memory
    this.#signal = signal
    this.#machine = new FetchChunk(
      keyOf(address),
      { random: deps.random, rankOf: (peer) => this.#rankOf(peer) },
      options,
      new Set(memory.liars),
    )
  }

  run(): Promise<SweepEnd> {
    const result = new Promise<SweepEnd>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#signal.addEventListener('abort', () => this.#settle?.reject(this.#signal.reason), { once: true })
    if (this.#signal.aborted) this.#settle?.reject(this.#signal.reason)
    else {
      this.#machine.onCandidates([...this.#memory.heard.keys()])
      this.#learn(this.#deps.dht.closestLocal(keyOf(this.#address), K_BUCKET_SIZE))
      void this.#lookUp()
      this.#step()
    }
    return result
  }

  close(): void {
    this.#settle = undefined
    this.#timer?.cancel()
  }

  #finish(end: SweepEnd): void {
    const settle = this.#settle
    this.close()
    settle?.resolve(end)
  }

  async #lookUp(): Promise<void> {
    let closest: readonly DhtPeer[] = []
    try {
      const found = await this.#deps.dht.lookup(keyOf(this.#address), K_BUCKET_SIZE, {
        signal: this.#signal,
        onCandidates: (nearest) => {
          this.#learn(nearest)
          this.#step()
        },
      })
      closest = found.closest
    } catch (error) {
      // A failed lookup does not stop the GETs (client.md 11); anything without a code is a bug of ours.
      if (!(error instanceof CodedError) && !this.#signal.aborted) this.#settle?.reject(error)
    }
    this.#learn(closest)
    this.#machine.onLookupEnd(closest.map(({ peer }) => peer).filter((peer) => peer !== this.#deps.network.self))
    this.#step()
  }

  #learn(peers: readonly DhtPeer[]): void {
    const wanted = peers.filter(({ peer }) => peer !== this.#deps.network.self)
    for (const peer of wanted) this.#memory.heard.set(peer.peer, peer)
    this.#machine.onCandidates(wanted.map(({ peer }) => peer))
  }

  #step(): void {
    if (!this.#settle) return
    const { clock, health, metrics } = this.#deps
    const now = clock.monotonic()
    const { ask, slow, wakeAt, end } = this.#machine.step(now)
    for (const peer of slow) {
      health.suspect(peer, now)
      metrics.hedges.add()
    }
    for (const peer of ask) void this.#ask(peer)
    this.#timer?.cancel()
    this.#timer = wakeAt === undefined ? undefined : clock.timer(wakeAt - now, () => this.#step())
    if (end) this.#finish({ kind: end, counts: this.#machine.counts() })
  }

  async #ask(peer: PeerId): Promise<void> {
    try {
      const reply = await this.#get(this.#memory.heard.get(peer) as DhtPeer)
      if (reply instanceof Uint8Array) this.#finish({ kind: 'found', content: reply })
      else {
        this.#machine.onReply(peer, reply)
        this.#step()
      }
    } catch (error) {
      this.#settle?.reject(error)
    }
  }

  async #get(peer: DhtPeer): Promise<Uint8Array | FetchReply> {
    const { requests, health, clock, log } = this.#deps
    const request = requests.prepare({ kind: 'getRequest', address: this.#address })
    const reply = await requests.ask(peer, request, { signal: this.#signal })
    if (reply.kind !== 'answer') {
      health.suspect(peer.peer, clock.monotonic())
      log.debug('a peer did not answer a get', { peer: short(peer.peer), reason: reply.message })
      return 'failed'
    }
    health.clear(peer.peer)
    if (reply.body.kind !== 'getResponse') return 'failed'
    const { result } = reply.body
    if (result.kind === 'notFound') return result.address === this.#address ? 'notFound' : 'failed'
    if (result.kind !== 'success') return 'failed'
    if (result.address === this.#address && chunkAddressOf(this.#deps.hash(result.content)) === this.#address) {
      // The message is ours alone (transport.ts, onMessage): its memory, which the endpoint counts, is free at once.
      return takeOut(result.content)
    }
    this.#expose(peer.peer)
    return 'corrupt'
  }

  #expose(peer: PeerId): void {
    const { dht, metrics, log } = this.#deps
    this.#memory.liars.add(peer)
    metrics.corruptReplies.add()
    dht.reportTrust(peer, { success: false, weight: 1, reason: 'wrong chunk bytes' })
    log.warn('a peer sent bytes that do not match the address', { peer: short(peer), address: short(this.#address) })
  }

  #rankOf(peer: PeerId): PeerRank {
    const { health, clock, network } = this.#deps
    if (health.isSuspect(peer, clock.monotonic())) return 2
    if (network.connectionOf(peer)) return 0
    return network.isDialable(peer, this.#memory.heard.get(peer)?.addresses ?? []) ? 1 : 2
  }
}
