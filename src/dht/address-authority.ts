/**
 * Which publication replaces which (dht.md 6.3): a signed record (V2) outranks every V1, a newer sequence an older one.
 * Decisions without effects. Pure.
 */
import { isLoopback, isStorable, type SignedAddressRecord, type TypedAddress } from '../protocol/index.ts'
import { normalizeAddresses } from './address-entry.ts'
import { filterForeign, type Standpoint } from './address-filter.ts'
import type { Publication } from './publication.ts'

export type PublicationEffect =
  | { readonly kind: 'applied'; readonly addresses: readonly TypedAddress[]; readonly publication: Publication }
  | { readonly kind: 'ignored'; readonly reason: 'signedKnown' | 'notNewer' | 'empty' | 'unusable' }

/** V1: an address list that the authenticated owner sent, or its entry about itself in its own answer. */
export function decideV1(
  stored: Publication | undefined,
  incoming: { readonly sequence: bigint; readonly addresses: readonly TypedAddress[] },
  standpoint: Standpoint,
): PublicationEffect {
  const { sequence } = incoming
  if (stored?.record) return ignored('signedKnown')
  if (sequence === 0n || sequence <= (stored?.sequence ?? 0n)) return ignored('notNewer')
  if (incoming.addresses.length === 0) return ignored('empty')
  const storable = incoming.addresses.filter(({ address }) => isStorable(address))
  const visible = filterForeign(storable, standpoint)
  // The reference applies a list emptied by loopback stripping and makes the peer undialable; we keep what we have.
  if (visible.length === 0) return ignored(storable.length === 0 || storable.every(onlyLoopback) ? 'unusable' : 'empty')
  return { kind: 'applied', addresses: normalizeAddresses(visible), publication: { sequence } }
}

/** The part of a verified signed record that can be used locally. */
export interface LocalRecordView {
  /** QUIC addresses, not filtered yet. */
  readonly quic: readonly TypedAddress[]
  /** Records of other transports, known or not, that stay stored. */
  readonly others: number
}

/** V2: a verified record, direct or from the trailer of an answer. Its proof is kept as it came. */
export function decideV2(
  stored: Publication | undefined,
  record: SignedAddressRecord,
  view: LocalRecordView,
  standpoint: Standpoint,
): PublicationEffect {
  if (stored?.record && record.sequence <= stored.record.sequence) return ignored('notNewer')
  const quic = normalizeAddresses(filterForeign(view.quic, standpoint))
  if (quic.length === 0 && view.others === 0) return ignored('empty')
  return { kind: 'applied', addresses: quic, publication: { sequence: record.sequence, record } }
}

/** Hints, connections and re-adds change addresses only while the owner has said nothing. */
export function acceptsHints(stored: Publication | undefined): boolean {
  return stored === undefined
}

function onlyLoopback({ address }: TypedAddress): boolean {
  return isLoopback(address)
}
function ignored(reason: 'signedKnown' | 'notNewer' | 'empty' | 'unusable'): PublicationEffect {
  return { kind: 'ignored', reason }
}
