/** What a peer has said about its own addresses, as stored beside its table entry (dht.md 6.3). */
import type { SignedAddressRecord } from '../protocol/index.ts'

export interface Publication {
  /** Sequence of the stored owner view: that of the record when there is one, else of the last V1. */
  readonly sequence: bigint
  /** The signed record, original bytes included. */
  readonly record?: SignedAddressRecord
}
