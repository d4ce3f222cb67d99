/** What a node publishes about itself: one relay, one WAN and one LAN address a family (dht.md 6.1). Pure. */
import {
  ADDRESS_TYPE,
  byPriority,
  isLan,
  isLoopback,
  isStorable,
  type Multiaddr,
  quicMultiaddr,
  type SocketAddress,
  type TypedAddress,
} from '../protocol/index.ts'

export interface SelfAddressSources {
  readonly relay?: Multiaddr
  /** External addresses that peers report; `proven` ones may be called Direct. Oldest first. */
  readonly observed: readonly { readonly socket: SocketAddress; readonly proven: boolean }[]
  /** Really bound addresses; a wildcard says nothing. */
  readonly listen: readonly SocketAddress[]
  /** Production networks take loopback as "no address at all": never published there. */
  readonly allowLoopback: boolean
}

interface Found extends TypedAddress {
  readonly source: 'relay' | 'observed' | 'listen'
}

export function selfAddresses(sources: SelfAddressSources): TypedAddress[] {
  const slots = new Map<string, Found>()
  const offer = (found: Found) => {
    const { address, type, source } = found
    if (!address.socket || !isStorable(address) || (isLoopback(address) && !sources.allowLoopback)) return
    const family = address.socket.ip.includes(':') ? 6 : 4
    const slot = type === ADDRESS_TYPE.relay ? 'relay' : type === ADDRESS_TYPE.lan ? `lan${family}` : `wan${family}`
    const held = slots.get(slot)
    const replaces = !held || type < held.type || (type === held.type && source === 'observed')
    if (replaces) slots.set(slot, found)
  }
  if (sources.relay) offer({ address: sources.relay, type: ADDRESS_TYPE.relay, source: 'relay' })
  for (const { socket, proven } of sources.observed) {
    const address = quicMultiaddr(socket)
    const wan = proven ? ADDRESS_TYPE.direct : ADDRESS_TYPE.unverified
    offer({ address, type: isLan(address) ? ADDRESS_TYPE.lan : wan, source: 'observed' })
  }
  for (const socket of sources.listen) {
    const address = quicMultiaddr(socket)
    offer({ address, type: isLan(address) ? ADDRESS_TYPE.lan : ADDRESS_TYPE.unverified, source: 'listen' })
  }
  return byPriority([...slots.values()].map(({ address, type }) => ({ address, type })))
}
