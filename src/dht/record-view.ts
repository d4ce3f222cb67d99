/** The locally usable part of a verified signed record. Pure. */
import { addressesOfRecord, type SignedAddressRecord } from '../protocol/index.ts'
import type { LocalRecordView } from './address-authority.ts'

/** QUIC addresses apart; everything else, known or not, only counts as being there. */
export function localRecordView(record: SignedAddressRecord): LocalRecordView {
  const quic = addressesOfRecord(record).filter(({ address }) => address.transport === 'quic')
  return { quic, others: record.records.length - quic.length }
}
