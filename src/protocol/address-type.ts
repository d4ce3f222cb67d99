/** Address types (wire.md 5.3): the number is also the priority. */
import { isLan } from './multiaddr.ts'
import { ADDRESS_TYPE, type AddressType, type Multiaddr, type TypedAddress } from './peer-address.ts'

/** What a reader makes of a claim: LAN ranges are Lan whatever was claimed, a missing claim is Unverified. */
export function effectiveType(address: Multiaddr, claimed: AddressType | undefined): AddressType {
  return isLan(address) ? ADDRESS_TYPE.lan : (claimed ?? ADDRESS_TYPE.unverified)
}

/** Addresses with parallel claims, which may be fewer. */
export function typedAddresses(addresses: readonly Multiaddr[], claims: readonly AddressType[]): TypedAddress[] {
  return addresses.map((address, i) => ({ address, type: effectiveType(address, claims[i]) }))
}

/** Relay, Direct, Unverified, Lan; stable. A fresh array. */
export function byPriority<T extends { readonly type: AddressType }>(addresses: readonly T[]): T[] {
  return addresses.toSorted((a, b) => a.type - b.type)
}

export function isAddressType(value: number): value is AddressType {
  return value <= ADDRESS_TYPE.lan
}
