/**
 * Reads a list of nodes that a peer answered: what each line is worth, what of it belongs into our table (dht.md 6.5).
 * Proofs are verified; our own stored owner view of a peer outweighs every report about it.
 */
import type { PeerConnection } from '../network/index.ts'
import { type DhtNode, type Key, keyOf, type SignedAddressRecord } from '../protocol/index.ts'
import { decideV1, decideV2, type LocalRecordView } from './address-authority.ts'
import { MAX_ENTRY_ADDRESSES } from './address-entry.ts'
import { filterForeign, type Standpoint } from './address-filter.ts'
import { closest } from './close-group.ts'
import type { DhtAnswer } from './dht-messenger.ts'
import type { LookupEntry } from './lookup.ts'
import type { TableKeeper } from './table-keeper.ts'
import type { VerifiedRecords } from './verified-records.ts'

export interface AnswerReaderDeps {
  readonly keeper: Pick<TableKeeper, 'table' | 'applyV1' | 'applyV2' | 'hint' | 'standpoint'>
  readonly records: VerifiedRecords
  localRecordView(record: SignedAddressRecord): LocalRecordView
}

export class AnswerReader {
  readonly #deps: AnswerReaderDeps

  constructor(deps: AnswerReaderDeps) {
    this.#deps = deps
  }

  /** The `limit` entries nearest to the target, each peer once. */
  async read(target: Key, answer: DhtAnswer, limit: number): Promise<LookupEntry[]> {
    if (answer.result.kind !== 'nodesFound') return []
    const unique = new Map(answer.result.nodes.map((node) => [node.peerId, { key: keyOf(node.peerId), node }]))
    const nodes = closest(target, unique.values(), limit)
    const proofs = new Map(answer.proofs.map((record) => [record.owner, record]))
    const entries: LookupEntry[] = []
    const { keeper, records } = this.#deps
    const standpoint = keeper.standpoint(answer.from)
    for (const { key, node } of nodes) {
      const record = proofs.get(node.peerId)
      const valid = record && (records.isKnown(record) || (await records.verify(record)))
      const proof = valid ? record : undefined
      entries.push({ peer: node.peerId, key, ...this.#weigh(node, proof, answer.from, standpoint) })
    }
    return entries
  }

  #weigh(
    node: DhtNode,
    proof: SignedAddressRecord | undefined,
    from: PeerConnection,
    standpoint: Standpoint,
  ): Pick<LookupEntry, 'addresses' | 'authority'> {
    const { keeper } = this.#deps
    const { peerId } = node
    if (proof) keeper.applyV2(proof, this.#deps.localRecordView(proof), standpoint, false)
    const sequence = peerId === from.peer ? (node.publicationSequence ?? 0n) : 0n
    if (sequence !== 0n) keeper.applyV1(peerId, { sequence, addresses: node.addresses }, standpoint)

    const stored = keeper.table.get(peerId)
    if (stored?.publication) {
      const { record, sequence: known } = stored.publication
      const authority = record
        ? ({ kind: 'v2', sequence: record.sequence, record } as const)
        : ({ kind: 'v1', sequence: known } as const)
      return { addresses: stored.addresses, authority }
    }
    if (proof) {
      const effect = decideV2(undefined, proof, this.#deps.localRecordView(proof), standpoint)
      if (effect.kind === 'applied')
        return { addresses: effect.addresses, authority: { kind: 'v2', sequence: proof.sequence, record: proof } }
    }
    if (sequence !== 0n) {
      const effect = decideV1(undefined, { sequence, addresses: node.addresses }, standpoint)
      const addresses = effect.kind === 'applied' ? effect.addresses : []
      return { addresses, authority: { kind: 'v1', sequence } }
    }
    // A report of a third party: as many addresses as an entry holds, whatever else it lists.
    const addresses = filterForeign(node.addresses, standpoint).slice(0, MAX_ENTRY_ADDRESSES)
    keeper.hint(peerId, addresses)
    return { addresses, authority: { kind: 'hint' } }
  }
}
