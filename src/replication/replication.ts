/** Answers neighbours on both replication ids. The engine itself (offers, sync, repair, audits) takes this place later. */
import {
  CodedError,
  type Logger,
  messageOf,
  Registry,
  resolveOptions,
  type Startable,
  silentLogger,
} from '../base/index.ts'
import type { Network, RequestContext } from '../network/index.ts'
import {
  decodeReplicationMessage,
  encodeReplicationMessage,
  MAX_MESSAGE_BYTES,
  MAX_SUBTREE_MESSAGE_BYTES,
  type ReplicationBody,
  replicationTopicOf,
  TOPIC_REPLICATION,
  TOPIC_SUBTREE_AUDIT,
} from '../protocol/index.ts'
import type { ChunkStore } from '../storage/index.ts'
import { answerTo } from './answers.ts'
import { Gate } from './gate.ts'
import { type ReplicationMetrics, replicationMetrics } from './metrics.ts'
import { REPLICATION_DEFAULTS, type ReplicationOptions } from './options.ts'
import { validateReplicationOptions } from './validate.ts'

export interface ReplicationDeps {
  readonly network: Pick<Network, 'handle' | 'handleRequests'>
  readonly store: Pick<ChunkStore, 'has' | 'get'>
  readonly log?: Logger
  readonly registry?: Registry
}

/** Answers from `start` to `stop`; asks nobody by itself. Throws REPLICATION_OPTIONS. */
export function createReplication(deps: ReplicationDeps, options?: Partial<ReplicationOptions>): Startable {
  const resolved = resolveOptions<ReplicationOptions>('replication', REPLICATION_DEFAULTS, options)
  validateReplicationOptions(resolved)
  return new NeighbourAnswers(deps, resolved)
}

class NeighbourAnswers implements Startable {
  readonly #deps: ReplicationDeps
  readonly #log: Logger
  readonly #metrics: ReplicationMetrics
  readonly #gates: Readonly<Record<'sync' | 'verification' | 'fetch' | 'audit', Gate>>
  #unsubscribe: (() => void)[] = []

  constructor(deps: ReplicationDeps, options: ReplicationOptions) {
    this.#deps = deps
    this.#log = (deps.log ?? silentLogger).child('replication')
    this.#metrics = replicationMetrics(deps.registry ?? new Registry())
    this.#gates = {
      sync: new Gate(options.syncs, options.syncsPerPeer),
      verification: new Gate(options.verifications, options.verificationsPerPeer),
      fetch: new Gate(options.fetches, options.fetchesPerPeer),
      audit: new Gate(options.audits, options.auditsPerPeer),
    }
  }

  async start(): Promise<void> {
    if (this.#unsubscribe.length > 0) return
    const { network } = this.#deps
    const answer = (topic: string) => (data: Uint8Array, context: RequestContext) => this.#answer(topic, data, context)
    this.#unsubscribe = [
      network.handleRequests(TOPIC_REPLICATION, { maxBytes: MAX_MESSAGE_BYTES }, answer(TOPIC_REPLICATION)),
      network.handleRequests(TOPIC_SUBTREE_AUDIT, { maxBytes: MAX_SUBTREE_MESSAGE_BYTES }, answer(TOPIC_SUBTREE_AUDIT)),
      // Offers and notifies of others: nothing is stored on a neighbour's word before payment can be checked.
      network.handle(TOPIC_REPLICATION, { maxBytes: MAX_MESSAGE_BYTES }, () =>
        this.#metrics.requests.add(1, { kind: 'plain', outcome: 'ignored' }),
      ),
    ]
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  async #answer(topic: string, data: Uint8Array, { from, answered }: RequestContext): Promise<Uint8Array | undefined> {
    const message = this.#decode(topic, data)
    if (!message) return undefined
    const { kind } = message.body
    const leave = this.#gates[gateOf(kind)].enter(from.peer)
    if (!leave) {
      this.#metrics.requests.add(1, { kind, outcome: 'busy' })
      return undefined
    }
    // The place is kept until the answer is gone: answers that a slow reader leaves with us are bounded too.
    void answered.then(leave)
    const body = await answerTo(message.body, this.#deps.store)
    this.#metrics.requests.add(1, { kind, outcome: body ? 'answered' : 'ignored' })
    if (!body) return undefined
    this.#log.debug('neighbour answered', { kind, peer: from.peer })
    return encodeReplicationMessage({ requestId: message.requestId, body })
  }

  /** A body on the wrong id, or bytes that make no sense, are dropped without a word (replication.md 25). */
  #decode(topic: string, data: Uint8Array): { requestId: bigint; body: ReplicationBody } | undefined {
    try {
      const message = decodeReplicationMessage(data)
      if (replicationTopicOf(message.body) === topic) return message
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      this.#log.debug('undecodable message', { error: messageOf(error) })
    }
    this.#metrics.requests.add(1, { kind: 'unknown', outcome: 'undecodable' })
    return undefined
  }
}

function gateOf(kind: ReplicationBody['kind']): 'sync' | 'verification' | 'fetch' | 'audit' {
  if (kind === 'neighborSyncRequest') return 'sync'
  if (kind === 'verificationRequest') return 'verification'
  if (kind === 'fetchRequest' || kind === 'pointerFetchRequest' || kind === 'pointerStateRequest') return 'fetch'
  return 'audit'
}
