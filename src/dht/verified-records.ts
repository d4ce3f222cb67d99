/** Signed records that were verified: the same one comes in answer after answer, and is published every few minutes. */
import { equal, LruMap } from '../base/index.ts'
import type { PeerId, SignedAddressRecord } from '../protocol/index.ts'
import type { RoutingTable } from './routing-table.ts'

export interface VerifiedRecordsDeps {
  readonly table: Pick<RoutingTable, 'get'>
  verify(record: SignedAddressRecord): Promise<boolean>
}

/** Of peers that are not in the table, about 5.4 KB each. */
const REMEMBERED = 512

export class VerifiedRecords {
  readonly #deps: VerifiedRecordsDeps
  readonly #verified = new LruMap<PeerId, SignedAddressRecord>(REMEMBERED)

  constructor(deps: VerifiedRecordsDeps) {
    this.#deps = deps
  }

  /** It is, byte by byte, one that was verified. What the table holds always was. */
  isKnown(record: SignedAddressRecord): boolean {
    const { owner, encoded } = record
    const known = this.#deps.table.get(owner)?.publication?.record ?? this.#verified.get(owner)
    return known !== undefined && (known === record || equal(known.encoded, encoded))
  }

  async verify(record: SignedAddressRecord): Promise<boolean> {
    if (this.isKnown(record)) return true
    if (!(await this.#deps.verify(record))) return false
    this.#verified.set(record.owner, record)
    return true
  }
}
