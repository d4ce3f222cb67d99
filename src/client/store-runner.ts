/** Runs a StoreChunk over the network: sends what it asks for, hands it the answers. */
import { type Clock, CodedError, type Logger, type Timer, withScope } from '../base/index.ts'
import type { DhtPeer } from '../dht/index.ts'
import { type ChunkAddress, type PeerId, short } from '../protocol/index.ts'
import type { ChunkRequests, PreparedRequest, Reply } from './chunk-requests.ts'
import type { ClientMetrics } from './metrics.ts'
import type { PeerHealth } from './peer-health.ts'
import { classifyPutResult, type StoreChunk, type StoreEnd, type StoreOutcome } from './store-chunk.ts'

export interface StoreRunnerDeps {
  readonly requests: Pick<ChunkRequests, 'ask'>
  readonly health: PeerHealth
  readonly clock: Clock
  readonly metrics: Pick<ClientMetrics, 'lateStores' | 'storeFailures'>
  readonly log: Logger
}

interface StoreTask {
  readonly address: ChunkAddress
  readonly request: PreparedRequest
  readonly peers: ReadonlyMap<PeerId, DhtPeer>
}

/** Ends what is still on its way to those who are late. */
const OVER = new CodedError('STORE_OVER', 'nobody waits for the storing of the chunk any more')

/** Throws only the signal's reason. Peers that had the chunk and kept silent are suspects afterwards. */
export function runStore(
  deps: StoreRunnerDeps,
  machine: StoreChunk,
  task: StoreTask,
  { signal }: { signal: AbortSignal },
): Promise<StoreEnd> {
  const work = async (scope: AbortController) => {
    const store = new Store(deps, machine, task, scope.signal)
    try {
      return await store.run()
    } finally {
      store.close()
    }
  }
  return withScope(signal, work, OVER)
}

class Store {
  readonly #deps: StoreRunnerDeps
  readonly #machine: StoreChunk
  readonly #task: StoreTask
  readonly #signal: AbortSignal
  readonly #end = Promise.withResolvers<StoreEnd>()
  #timer: Timer | undefined

  constructor(deps: StoreRunnerDeps, machine: StoreChunk, task: StoreTask, signal: AbortSignal) {
    this.#deps = deps
    this.#machine = machine
    this.#task = task
    this.#signal = signal
  }

  run(): Promise<StoreEnd> {
    this.#step()
    return this.#end.promise
  }

  close(): void {
    const { clock, health } = this.#deps
    this.#timer?.cancel()
    for (const peer of this.#machine.late) health.suspect(peer, clock.monotonic())
  }

  #step(): void {
    const { clock, metrics } = this.#deps
    const machine = this.#machine
    const late = machine.late.size
    for (const peer of machine.asks(clock.monotonic())) void this.#ask(peer)
    if (machine.late.size > late) metrics.lateStores.add(machine.late.size - late)
    const end = machine.end()
    this.#timer?.cancel()
    if (end) {
      this.#end.resolve(end)
      return
    }
    const { lateAt } = machine
    if (lateAt !== undefined) this.#timer = clock.timer(lateAt - clock.monotonic(), () => this.#step())
  }

  async #ask(peer: PeerId): Promise<void> {
    const { clock, health, log, metrics, requests } = this.#deps
    const { address, peers, request } = this.#task
    try {
      const delivered = () => {
        this.#machine.onDelivered(peer, clock.monotonic())
        this.#step()
      }
      const reply = await requests.ask(peers.get(peer) as DhtPeer, request, { signal: this.#signal, delivered })
      const outcome = outcomeOf(reply, address)
      if (outcome.kind !== 'failed') health.clear(peer)
      else {
        // When nobody answers the trouble may be ours.
        if (this.#machine.answered && outcome.failure === 'timeout') health.suspect(peer, clock.monotonic())
        metrics.storeFailures.add(1, { class: outcome.failure })
        log.debug('a peer did not store', { peer: short(peer), ...outcome, address: short(address) })
      }
      this.#machine.onOutcome(peer, outcome, clock.monotonic())
      this.#step()
    } catch (error) {
      this.#end.reject(error)
    }
  }
}

function outcomeOf(reply: Reply, address: ChunkAddress): StoreOutcome {
  if (reply.kind !== 'answer') return { kind: 'failed', failure: reply.kind, message: reply.message }
  const { body } = reply
  if (body.kind !== 'putResponse') return { kind: 'failed', failure: 'other', message: `answered with a ${body.kind}` }
  const { result } = body
  if ((result.kind === 'success' || result.kind === 'alreadyExists') && result.address !== address) {
    return { kind: 'failed', failure: 'other', message: `acknowledged another address, ${short(result.address)}` }
  }
  return classifyPutResult(result)
}
