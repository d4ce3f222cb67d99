/**
 * How many peers of one IP or subnet a scope may hold (dht.md 3). The scope is a list of incumbents: a bucket, or the
 * 20 closest to self. Pure.
 */
import { compareDistance, type Key, type PeerId, subnetOf, type TypedAddress } from '../protocol/index.ts'

export interface DiversityLimits {
  /** Peers of one exact IP in a scope. */
  readonly maxPerIp: number
  /** Peers of one /24 (IPv4) or /48 (IPv6) in a scope. */
  readonly maxPerSubnet: number
}

export interface Incumbent {
  readonly peer: PeerId
  readonly key: Key
  readonly addresses: readonly TypedAddress[]
}

export type DiversityVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'swap'; readonly victim: PeerId }
  | { readonly kind: 'refuse'; readonly tier: 'ip' | 'subnet'; readonly limit: number }

/**
 * One candidate IP against one scope. The first tier over its limit decides: its farthest incumbent is swapped out
 * when the candidate is nearer to self and the incumbent is not protected.
 */
export function testDiversity(
  ip: string,
  candidate: Uint8Array,
  scope: readonly Incumbent[],
  context: { self: Uint8Array; limits: DiversityLimits; isProtected(peer: PeerId): boolean },
): DiversityVerdict {
  const inSubnet = subnetTest(ip)
  const sameIp: Incumbent[] = []
  const sameSubnet: Incumbent[] = []
  for (const incumbent of scope) {
    let [hasIp, hasSubnet] = [false, false]
    for (const { address } of incumbent.addresses) {
      const other = address.socket?.ip
      if (other === undefined || other.startsWith('127.') || other === '::1') continue
      hasIp ||= other === ip
      hasSubnet ||= inSubnet(other)
    }
    if (hasIp) sameIp.push(incumbent)
    if (hasSubnet) sameSubnet.push(incumbent)
  }
  const tiers = [
    { tier: 'ip', members: sameIp, limit: context.limits.maxPerIp },
    { tier: 'subnet', members: sameSubnet, limit: context.limits.maxPerSubnet },
  ] as const
  for (const { tier, members, limit } of tiers) {
    if (members.length < limit) continue
    const victim = farthest(context.self, members)
    const swappable =
      victim && compareDistance(context.self, candidate, victim.key) < 0 && !context.isProtected(victim.peer)
    return swappable ? { kind: 'swap', victim: victim.peer } : { kind: 'refuse', tier, limit }
  }
  return { kind: 'pass' }
}

/**
 * Whether an IP is of the same /24 or /48; IPv4 and IPv6 never are. Texts are canonical, so that those of IPv4 are
 * compared without parsing: admission compares hundreds.
 */
function subnetTest(ip: string): (other: string) => boolean {
  if (ip.includes(':')) {
    const subnet = subnetOf(ip)
    return (other) => other.includes(':') && subnetOf(other) === subnet
  }
  const head = ip.slice(0, ip.lastIndexOf('.') + 1)
  return (other) => other.startsWith(head)
}

function farthest(self: Uint8Array, members: readonly Incumbent[]): Incumbent | undefined {
  let worst: Incumbent | undefined
  for (const member of members) if (!worst || compareDistance(self, member.key, worst.key) > 0) worst = member
  return worst
}
