/** Replication bodies to other peers: questions with an answer, and plain messages. */
import { CodedError, type Random } from '../../base/index.ts'
import { isOwnFault, type Network, NetworkError } from '../../network/index.ts'
import {
  decodeReplicationMessage,
  encodeReplicationMessage,
  MAX_SUBTREE_MESSAGE_BYTES,
  type PeerId,
  type ReplicationBody,
  replicationTopicOf,
  TOPIC_SUBTREE_AUDIT,
} from '../../protocol/index.ts'
import { laneOf } from './lanes.ts'

type BodyOf<Kind extends ReplicationBody['kind']> = Extract<ReplicationBody, { kind: Kind }>

export type Answer<Kind extends ReplicationBody['kind']> =
  | { readonly kind: 'answer'; readonly body: BodyOf<Kind> }
  /** Nothing came in time, or the peer was not reached; `unasked`: the question never left this node. */
  | { readonly kind: 'silent'; readonly unasked: boolean }
  /** Something came that is no such answer. */
  | { readonly kind: 'malformed' }

export interface AskOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Default: random. */
  readonly requestId?: bigint
}

export class Messenger {
  readonly #network: Pick<Network, 'request' | 'send'>
  readonly #random: Random

  constructor(network: Pick<Network, 'request' | 'send'>, random: Random) {
    this.#network = network
    this.#random = random
  }

  newId(): bigint {
    const { buffer, byteOffset } = this.#random.bytes(8)
    return new DataView(buffer, byteOffset, 8).getBigUint64(0)
  }

  /** Rejects only with the signal's reason. */
  async ask<Kind extends ReplicationBody['kind']>(
    peer: PeerId,
    body: ReplicationBody,
    expected: Kind,
    { timeoutMs, signal, requestId = this.newId() }: AskOptions,
  ): Promise<Answer<Kind>> {
    const topic = replicationTopicOf(body)
    let data: Uint8Array
    try {
      const message = encodeReplicationMessage({ requestId, body })
      data = await this.#network.request(peer, topic, message, { signal, timeoutMs, lane: laneOf(body) })
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
      return { kind: 'silent', unasked: !(error instanceof NetworkError) || isOwnFault(error) }
    }
    try {
      // Known from the question: a head that claims to be of the other topic makes no answer larger.
      const ceiling = topic === TOPIC_SUBTREE_AUDIT ? MAX_SUBTREE_MESSAGE_BYTES : undefined
      const answer = decodeReplicationMessage(data, ceiling).body
      if (answer.kind === expected) return { kind: 'answer', body: answer as BodyOf<Kind> }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
    }
    return { kind: 'malformed' }
  }

  /** false: it could not be handed to the peer's connection. Rejects only with the signal's reason. */
  async tell(peer: PeerId, body: ReplicationBody, signal: AbortSignal): Promise<boolean> {
    try {
      const message = encodeReplicationMessage({ requestId: this.newId(), body })
      await this.#network.send(peer, replicationTopicOf(body), message, { signal, lane: laneOf(body) })
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
      return false
    }
  }
}
