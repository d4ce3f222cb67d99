/**
 * The addresses stored for one peer: at most one relay, one WAN and one LAN address a family, eight in all (dht.md 6.2).
 * Pure; lists in, fresh lists out.
 */
import {
  ADDRESS_TYPE,
  type AddressType,
  byPriority,
  effectiveType,
  isLan,
  isLoopback,
  isStorable,
  type Multiaddr,
  type TypedAddress,
} from '../protocol/index.ts'

export const MAX_ENTRY_ADDRESSES = 8

/** The claimed type, except that every LAN-scope IP is Lan. */
export function withScopedType(typed: TypedAddress): TypedAddress {
  const type = effectiveType(typed.address, typed.type)
  return type === typed.type ? typed : { ...typed, type }
}

/** Type of an address that was only seen as the far end of a connection. */
export function observedType(address: Multiaddr): AddressType {
  return isLan(address) ? ADDRESS_TYPE.lan : ADDRESS_TYPE.unverified
}

/** Per family the first relay, the best WAN (first of the best type) and the last LAN; addresses without IP stay. */
export function capAddresses(addresses: readonly TypedAddress[]): TypedAddress[] {
  const winners = new Map<string, TypedAddress>()
  for (const address of addresses) {
    const slot = slotOf(address)
    if (slot === undefined) continue
    const held = winners.get(slot)
    const better = held === undefined || address.type === ADDRESS_TYPE.lan || address.type < held.type
    if (better) winners.set(slot, address)
  }
  const kept = new Set(winners.values())
  return addresses.filter((address) => !address.address.socket || kept.has(address)).slice(0, MAX_ENTRY_ADDRESSES)
}

/** A whole new list: storable ones, scoped types, sorted by type (stable), each text once, capped. */
export function normalizeAddresses(addresses: readonly TypedAddress[]): TypedAddress[] {
  const seen = new Set<string>()
  const kept: TypedAddress[] = []
  for (const address of addresses) {
    if (!isStorable(address.address) || seen.has(address.address.text)) continue
    seen.add(address.address.text)
    kept.push(withScopedType(address))
  }
  return capAddresses(byPriority(kept))
}

/**
 * A hint: adds new addresses at the front of their type group and upgrades the type of known ones; never demotes,
 * never reorders what is there. Loopback is not added beside a routable address.
 */
export function mergeHint(current: readonly TypedAddress[], hints: readonly TypedAddress[]): readonly TypedAddress[] {
  let list = current
  for (const raw of hints) {
    const known = list.find((held) => held.address.text === raw.address.text)
    if (known && known.type <= raw.type) continue
    if (!isStorable(raw.address)) continue
    const hint = withScopedType(raw)
    if (known && known.type <= hint.type) continue
    if (!known && isLoopback(hint.address) && list.some((held) => !isLoopback(held.address))) continue
    list = insertFirstOfType(list, hint)
  }
  return list
}

/** A re-add by a new connection: the observed address with its observed type, put first of its group. */
export function mergeObserved(
  current: readonly TypedAddress[],
  observed: readonly TypedAddress[],
): readonly TypedAddress[] {
  let list = current
  for (const raw of observed) {
    if (!isStorable(raw.address)) continue
    const address = withScopedType(raw)
    if (isLoopback(address.address) && list.some((held) => !isLoopback(held.address))) continue
    list = insertFirstOfType(list, address)
  }
  return list
}

/** Same texts with same types in any order. */
export function sameAddresses(a: readonly TypedAddress[], b: readonly TypedAddress[]): boolean {
  if (a.length !== b.length) return false
  const types = new Map(a.map(({ address, type }) => [address.text, type]))
  return b.every(({ address, type }) => types.get(address.text) === type)
}

function insertFirstOfType(list: readonly TypedAddress[], address: TypedAddress): TypedAddress[] {
  const others = list.filter((held) => held.address.text !== address.address.text)
  const index = others.findIndex((held) => held.type >= address.type)
  const at = index < 0 ? others.length : index
  const merged = [...others.slice(0, at), address, ...others.slice(at)]
  return address.type === ADDRESS_TYPE.lan ? capKeeping(merged, address) : capAddresses(merged)
}

/** A new LAN address is put first of its group although the cap keeps the last one: drop its rivals first. */
function capKeeping(list: readonly TypedAddress[], newest: TypedAddress): TypedAddress[] {
  const slot = slotOf(newest)
  return capAddresses(list.filter((held) => held === newest || slotOf(held) !== slot))
}

function slotOf({ address, type }: TypedAddress): string | undefined {
  if (!address.socket) return undefined
  const family = address.socket.ip.includes(':') ? 6 : 4
  if (type === ADDRESS_TYPE.relay) return `relay${family}`
  return type === ADDRESS_TYPE.lan ? `lan${family}` : `wan${family}`
}
