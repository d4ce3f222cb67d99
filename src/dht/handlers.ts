/** What we answer to each DHT operation (dht.md 10); clients answer as nodes do. */
import { type Clock, TokenBuckets } from '../base/index.ts'
import type { PeerConnection } from '../network/index.ts'
import type { DhtNode, DhtOperation, Key, PeerId, SignedAddressRecord } from '../protocol/index.ts'
import { keyOf } from '../protocol/index.ts'
import type { LocalRecordView } from './address-authority.ts'
import type { DhtReply } from './dht-messenger.ts'
import type { DhtMetrics } from './metrics.ts'
import { ANSWER_ENTRIES, type DhtOptions } from './options.ts'
import type { TableKeeper } from './table-keeper.ts'

export interface DhtHandlersDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly metrics: DhtMetrics
  readonly keeper: Pick<TableKeeper, 'table' | 'applyV1' | 'applyV2' | 'standpoint'>
  verifyRecord(record: SignedAddressRecord): Promise<boolean>
  localRecordView(record: SignedAddressRecord): LocalRecordView
}

type Options = Pick<DhtOptions, 'peerRequestsPerSecond' | 'peerRequestBurst' | 'maxRateLimitedPeers'>

const PING: DhtOperation = { kind: 'ping' }

export class DhtHandlers {
  readonly #deps: DhtHandlersDeps
  readonly #questions: TokenBuckets<PeerId>

  constructor(deps: DhtHandlersDeps, options: Options) {
    this.#deps = deps
    const { peerRequestBurst: burst, peerRequestsPerSecond: perSecond, maxRateLimitedPeers: keys } = options
    this.#questions = new TokenBuckets({ burst, perSecond, keys })
  }

  /** The reply, or undefined for silence. */
  async answer(operation: DhtOperation, from: PeerConnection): Promise<DhtReply | undefined> {
    switch (operation.kind) {
      case 'findNode':
        return this.#mayAsk(from.peer) ? this.#findNode(operation.key, from.peer) : undefined
      case 'ping':
        if (!this.#mayAsk(from.peer)) return undefined
        return { result: { kind: 'pongReceived', responder: this.#deps.self } }
      case 'join':
        return { result: { kind: 'joinSuccess', assignedKey: keyOf(from.peer), bootstrapPeers: 1 } }
      case 'leave':
        return { result: { kind: 'leaveSuccess' } }
      case 'publishAddressSet':
        this.#deps.keeper.applyV1(from.peer, operation, this.#deps.keeper.standpoint(from))
        return { operation: PING, result: { kind: 'publishAddressAck' } }
      case 'publishAddressSetV2':
        return this.#publishSigned(operation.record, from)
    }
  }

  /** The 20 nearest entries, then the asker removed, with the signed records of those that have one. */
  #findNode(key: Key, asker: PeerId): DhtReply {
    const entries = this.#deps.keeper.table.closest(key, ANSWER_ENTRIES).filter(({ peer }) => peer !== asker)
    const nodes = entries.map(({ peer, addresses, publication }): DhtNode => {
      const quic = addresses.filter(({ address }) => address.transport === 'quic')
      const node = { peerId: peer, addresses: quic }
      return publication ? { ...node, publicationSequence: publication.sequence } : node
    })
    const proofs = entries.flatMap(({ publication }) => publication?.record ?? [])
    return { result: { kind: 'nodesFound', key, nodes }, proofs }
  }

  async #publishSigned(record: SignedAddressRecord, from: PeerConnection): Promise<DhtReply | undefined> {
    if (record.owner !== from.peer || !(await this.#deps.verifyRecord(record))) return undefined
    if (!this.#deps.keeper.table.has(from.peer)) return { result: { kind: 'peerRejected' } }
    const { keeper } = this.#deps
    keeper.applyV2(record, this.#deps.localRecordView(record), keeper.standpoint(from), true)
    return { operation: PING, result: { kind: 'publishAddressAck' } }
  }

  #mayAsk(peer: PeerId): boolean {
    const allowed = this.#questions.take(peer, this.#deps.clock.monotonic())
    if (!allowed) this.#deps.metrics.dropped.add(1, { reason: 'rateLimited' })
    return allowed
  }
}
