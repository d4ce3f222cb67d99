/** What of somebody's addresses makes sense from where we stand (dht.md 6.4). Pure. */
import { ADDRESS_TYPE, isLan, isLoopback, type TypedAddress } from '../protocol/index.ts'
import { withScopedType } from './address-entry.ts'

export interface Standpoint {
  readonly allowLoopback: boolean
  /** The message came from a LAN address. */
  readonly arrivedOverLan: boolean
  /** Our external and listen IPs. */
  readonly ownIps: ReadonlySet<string>
}

/** A public, non-relay address of the subject has one of our own IPs: we stand behind the same router. */
export function sharesOurWan(addresses: readonly TypedAddress[], ownIps: ReadonlySet<string>): boolean {
  return addresses.some(
    ({ address, type }) =>
      type !== ADDRESS_TYPE.relay && !isLan(address) && address.socket !== undefined && ownIps.has(address.socket.ip),
  )
}

/** LAN addresses count only when they can be ours too; loopback only where it is allowed. Types are scoped. */
export function filterForeign(addresses: readonly TypedAddress[], standpoint: Standpoint): TypedAddress[] {
  const scoped = addresses.map(withScopedType)
  if (scoped.every(({ type }) => type !== ADDRESS_TYPE.lan)) return scoped
  const lanMakesSense = standpoint.arrivedOverLan || sharesOurWan(addresses, standpoint.ownIps)
  return scoped.filter(({ address, type }) => {
    if (type !== ADDRESS_TYPE.lan) return true
    return lanMakesSense && (standpoint.allowLoopback || !isLoopback(address))
  })
}
