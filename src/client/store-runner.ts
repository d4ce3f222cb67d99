/** Runs a StoreChunk over the network: sends what it asks for, hands it the answers. */
import { type Logger, withScope } from '../base/index.ts'
import type { DhtPeer } from '../dht/index.ts'
import { type ChunkAddress, type PeerId, short } from '../protocol/index.ts'
import type { ChunkRequests, PreparedRequest, Reply } from './chunk-requests.ts'
import type { ClientMetrics } from './metrics.ts'
import { classifyPutResult, type StoreChunk, type StoreEnd, type StoreOutcome } from './store-chunk.ts'

export interface StoreRunnerDeps {
  readonly requests: Pick<ChunkRequests, 'ask'>
  readonly metrics: Pick<ClientMetrics, 'storeFailures'>
  readonly log: Logger
}

/** Throws only the signal's reason. */
export function runStore(
  deps: StoreRunnerDeps,
  machine: StoreChunk,
  task: { address: ChunkAddress; request: PreparedRequest; peers: ReadonlyMap<PeerId, DhtPeer> },
  { signal }: { signal: AbortSignal },
): Promise<StoreEnd> {
  return withScope(
    signal,
    (scope) =>
      new Promise<StoreEnd>((resolve, reject) => {
        const step = () => {
          for (const peer of machine.asks()) void ask(peer)
          const end = machine.end()
          if (end) resolve(end)
        }
        const ask = async (peer: PeerId) => {
          try {
            const reply = await deps.requests.ask(task.peers.get(peer) as DhtPeer, task.request, scope)
            const outcome = outcomeOf(reply, task.address)
            if (outcome.kind === 'failed') {
              deps.metrics.storeFailures.add(1, { class: outcome.failure })
              deps.log.debug('a peer did not store', { peer: short(peer), ...outcome, address: short(task.address) })
            }
            machine.onOutcome(peer, outcome)
            step()
          } catch (error) {
            reject(error)
          }
        }
        step()
      }),
  )
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
