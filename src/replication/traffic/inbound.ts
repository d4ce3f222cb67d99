/**
 * What neighbours send: decoded, put behind the pool of its kind, answered (replication.md 4.2). A body on the wrong id,
 * or bytes that make no sense, are dropped without a word (25).
 */
import { CodedError, messageOf, raceAbort, release } from '../../base/index.ts'
import type { MessageContext, Network, RequestContext } from '../../network/index.ts'
import {
  decodeReplicationMessage,
  MAX_MESSAGE_BYTES,
  MAX_SUBTREE_MESSAGE_BYTES,
  type MessageData,
  type PeerId,
  type ReplicationBody,
  type ReplicationMessage,
  replicationMessageParts,
  replicationTopicOf,
  TOPIC_REPLICATION,
  TOPIC_SUBTREE_AUDIT,
} from '../../protocol/index.ts'
import type { Parts } from '../parts.ts'
import { laneOf } from './lanes.ts'
import { createPools, type Started, type WorkKind, type WorkPool } from './work-pool.ts'

/** Answers a request; undefined: no answer. */
export type Answerer = (
  peer: PeerId,
  body: ReplicationBody,
  signal: AbortSignal,
) => Promise<ReplicationBody | undefined>
/** Works on a plain message to its end. */
export type Receiver = (peer: PeerId, body: ReplicationBody, signal: AbortSignal) => Promise<void>

export interface InboundDeps {
  readonly parts: Parts
  readonly network: Pick<Network, 'handle' | 'handleRequests'>
  /** In our routing table; everybody else is a stranger. */
  known(peer: PeerId): boolean
  readonly answer: Answerer
  /** An answer that takes no work, and so no place; undefined: the request is to be worked on. */
  atOnce(body: ReplicationBody): ReplicationBody | undefined
  readonly receive: Receiver
  /** How long whoever asks waits for the answer, where that is known; undefined: as long as the network's default. */
  deadlineMs(body: ReplicationBody): number | undefined
  /** A message that found no place. */
  busy(peer: PeerId, body: ReplicationBody): void
}

type Turn = Pick<Started<unknown>, 'free' | 'done'>
/** What waits: told when its turn comes, or undefined when it waited too long. */
type Work = (turn: Turn | undefined) => void

const KINDS: Partial<Record<ReplicationBody['kind'], WorkKind>> = {
  freshOffer: 'freshOffer',
  paidNotify: 'paidNotify',
  fetchRequest: 'fetch',
  verificationRequest: 'verification',
  neighborSyncRequest: 'sync',
  auditChallenge: 'digestChallenge',
  subtreeAuditChallenge: 'subtreeRound',
  subtreeSliceChallenge: 'sliceOrPin',
  getCommitmentByPin: 'sliceOrPin',
  pointerFetchRequest: 'pointerServe',
  pointerStateRequest: 'pointerServe',
}
/** Never asked for: answers to our own offers. */
const ANSWERS: ReadonlySet<ReplicationBody['kind']> = new Set(['freshResponse'])

export class Inbound {
  readonly #deps: InboundDeps
  readonly #pools: Readonly<Record<WorkKind, WorkPool<Work>>>

  constructor(deps: InboundDeps) {
    this.#deps = deps
    this.#pools = createPools<Work>(deps.parts.options, deps.known, (work) => work(undefined))
  }

  /** Listens; the result stops it. */
  listen(): () => void {
    const { network } = this.#deps
    const request = (topic: string) => (data: Uint8Array, context: RequestContext) =>
      this.#request(topic, data, context)
    const undo = [
      network.handleRequests(TOPIC_REPLICATION, { maxBytes: MAX_MESSAGE_BYTES }, request(TOPIC_REPLICATION)),
      network.handleRequests(
        TOPIC_SUBTREE_AUDIT,
        { maxBytes: MAX_SUBTREE_MESSAGE_BYTES },
        request(TOPIC_SUBTREE_AUDIT),
      ),
      network.handle(TOPIC_REPLICATION, { maxBytes: MAX_MESSAGE_BYTES }, (data, context) => this.#plain(data, context)),
    ]
    return () => {
      for (const stop of undo) stop()
    }
  }

  async #request(topic: string, data: Uint8Array, context: RequestContext): Promise<MessageData | undefined> {
    const { parts, answer, atOnce, deadlineMs } = this.#deps
    const message = this.#decode(topic, data)
    if (!message) return undefined
    const { requestId, body } = message
    const budgetMs = deadlineMs(body)
    if (budgetMs !== undefined) context.budgetMs = budgetMs
    const { peer } = context.from
    const answered =
      atOnce(body) ??
      (await this.#inPool(peer, body, context.signal, context.answered, () => answer(peer, body, context.signal)))
    parts.metrics.requests.add(1, { kind: body.kind, outcome: answered ? 'answered' : 'ignored' })
    if (!answered) return undefined
    context.lane = laneOf(answered)
    if (answered.kind === 'fetchResponse' && answered.result.kind === 'success') {
      const { data: chunk } = answered.result
      void context.answered.then(() => release(chunk))
    }
    return replicationMessageParts({ requestId, body: answered })
  }

  #plain(data: Uint8Array, { from }: MessageContext): void {
    const { parts, receive } = this.#deps
    const message = this.#decode(TOPIC_REPLICATION, data)
    if (!message) return
    const { body } = message
    parts.metrics.requests.add(1, { kind: body.kind, outcome: 'received' })
    parts.tasks.spawn(body.kind, async (signal) => {
      const work = () => receive(from.peer, body, signal)
      if (ANSWERS.has(body.kind)) await work()
      else await this.#inPool(from.peer, body, signal, undefined, work)
    })
  }

  /** Runs in its turn; undefined when there is no place, or it waited too long. */
  async #inPool<T>(
    peer: PeerId,
    body: ReplicationBody,
    signal: AbortSignal,
    until: Promise<void> | undefined,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const { parts, busy } = this.#deps
    const kind = KINDS[body.kind]
    if (!kind) return undefined
    const turn = Promise.withResolvers<Turn | undefined>()
    if (!this.#pools[kind].offer(peer, turn.resolve, parts.clock.monotonic())) {
      parts.metrics.requests.add(1, { kind: body.kind, outcome: 'busy' })
      busy(peer, body)
      return undefined
    }
    this.#pump(kind)
    const mine = await raceAbort(signal, turn.promise).catch((error: unknown) => {
      // A turn that comes all the same goes to the next one.
      void turn.promise.then((late) => {
        late?.done()
        this.#pump(kind)
      })
      throw error
    })
    if (!mine) {
      parts.metrics.requests.add(1, { kind: body.kind, outcome: 'stale' })
      return undefined
    }
    const leave = () => {
      mine.done()
      this.#pump(kind)
    }
    try {
      return await work()
    } finally {
      // A peer asks again as soon as it has its answer, before we know that it has.
      mine.free()
      // What an answer holds is held until it is gone.
      if (until) void until.then(leave)
      else leave()
    }
  }

  #pump(kind: WorkKind): void {
    const { clock } = this.#deps.parts
    for (;;) {
      const started = this.#pools[kind].start(clock.monotonic())
      if (!started) return
      started.item(started)
    }
  }

  #decode(topic: string, data: Uint8Array): ReplicationMessage | undefined {
    const { parts } = this.#deps
    try {
      const message = decodeReplicationMessage(data)
      if (replicationTopicOf(message.body) === topic) return message
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      parts.log.debug('undecodable message', { error: messageOf(error) })
    }
    parts.metrics.requests.add(1, { kind: 'unknown', outcome: 'undecodable' })
    return undefined
  }
}
