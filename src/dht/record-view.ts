/** The locally usable part of a verified signed record. Pure. */
import { addressesOfRecord, type SignedAddressRecord } from '../protocol/index.ts'
import type { LocalRecordView } from './address-authority.ts'

/** Records come again and again as the same object. */
const views = new WeakMap<SignedAddressRecord, LocalRecordView>()

/** QUIC addresses apart; everything else, known or not, only counts as being there. */
export function localRecordView(record: SignedAddressRecord): LocalRecordView {
  let view = views.get(record)
  if (view === undefined) {
    const quic = addressesOfRecord(record).filter(({ address }) => address.transport === 'quic')
    view = { quic, others: record.records.length - quic.length }
    views.set(record, view)
  }
  return view
}
