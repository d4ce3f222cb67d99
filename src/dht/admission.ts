/**
 * Who gets a place in the table: every rule of dht.md 3 in its order, as a decision without effects. The caller
 * executes the plan. Pure; `now` is monotonic milliseconds.
 */
import {
  compareDistance,
  isLoopback,
  isMulticast,
  isStorable,
  isUnspecified,
  type Key,
  keyOf,
  type PeerId,
  peerIdOf,
  type TypedAddress,
} from '../protocol/index.ts'
import { normalizeAddresses } from './address-entry.ts'
import { type DiversityLimits, type Incumbent, testDiversity } from './diversity.ts'
import type { TableEntry } from './k-bucket.ts'
import type { RoutingTable } from './routing-table.ts'

export interface AdmissionContext {
  readonly now: number
  readonly allowLoopback: boolean
  readonly limits: DiversityLimits
  /** Silence after which an entry counts as stale. */
  readonly staleAfterMs: number
  /** 0 switches the trust swap off. */
  readonly swapThreshold: number
  readonly protectionThreshold: number
  trustOf(peer: PeerId): number
  /** Whether a full bucket with stale entries may wait for their pings; false on the second try. */
  readonly mayDefer: boolean
}

export type RefusalReason =
  | 'self'
  | 'noAddress'
  | 'illegalAddress'
  | 'loopback'
  | 'bucketIp'
  | 'bucketSubnet'
  | 'closestIp'
  | 'closestSubnet'
  | 'bucketFull'

export type AdmissionDecision =
  /** Already in the table: refresh, move to the tail, merge the addresses. */
  | { readonly kind: 'known'; readonly addresses: readonly TypedAddress[] }
  | { readonly kind: 'admit'; readonly evict: readonly PeerId[]; readonly addresses: readonly TypedAddress[] }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** Ping these first, then decide again with `mayDefer` off. */
  | { readonly kind: 'deferred'; readonly bucket: number; readonly stale: readonly PeerId[] }

export function isStale(entry: { readonly lastSeen: number }, now: number, staleAfterMs: number): boolean {
  return now - entry.lastSeen > staleAfterMs
}

/** The first rule that decides wins; nothing is changed here. */
export function decideAdmission(
  table: RoutingTable,
  candidate: { readonly peer: PeerId; readonly addresses: readonly TypedAddress[] },
  context: AdmissionContext,
): AdmissionDecision {
  if (candidate.peer === table.self) return refused('self')
  const storable = candidate.addresses.map(({ address }) => address).filter(isStorable)
  if (storable.length === 0) return refused('noAddress')
  if (storable.some((address) => isUnspecified(address) || isMulticast(address))) return refused('illegalAddress')
  if (!context.allowLoopback && storable.some(isLoopback)) return refused('loopback')
  const addresses = normalizeAddresses(candidate.addresses)
  if (table.has(candidate.peer)) return { kind: 'known', addresses }
  const key = keyOf(candidate.peer)
  const routable = storable.flatMap((address) => (address.socket && !isLoopback(address) ? [address.socket.ip] : []))
  if (routable.length > 0) return decidePlace(table, key, addresses, [...new Set(routable)], context)
  // Foreign transports and allowed loopback: place is all that counts.
  return hasRoom(table, key) ? { kind: 'admit', evict: [], addresses } : refused('bucketFull')
}

function decidePlace(
  table: RoutingTable,
  key: Key,
  addresses: readonly TypedAddress[],
  ips: readonly string[],
  context: AdmissionContext,
): AdmissionDecision {
  const evict = new Set<PeerId>()
  const inBucket = testScope(table, 'bucket', key, ips, evict, context)
  if (inBucket) return inBucket
  const closeVictims = new Set<PeerId>()
  const inClosest = testScope(table, 'closest', key, ips, evict, context, closeVictims)
  if (inClosest) return inClosest

  const bucket = table.bucketOf(key)
  const freed = bucket.entries.some(({ peer }) => evict.has(peer))
  if (bucket.size < table.bucketSize || freed) return { kind: 'admit', evict: [...evict], addresses }

  const replaceable = leastTrusted(bucket.entries, key, context)
  if (replaceable) return { kind: 'admit', evict: [...evict, replaceable.peer], addresses }

  const stale = (entry: TableEntry) => isStale(entry, context.now, context.staleAfterMs)
  const silent = new Set(bucket.entries.filter(stale).map(({ peer }) => peer))
  for (const peer of closeVictims) if (stale(table.get(peer) as TableEntry)) silent.add(peer)
  if (!context.mayDefer || silent.size === 0) return refused('bucketFull')
  return { kind: 'deferred', bucket: table.bucketIndexOf(key), stale: [...silent] }
}

/** Diversity in one scope for every candidate IP; planned swaps are added to `evict`. A refusal ends it. */
function testScope(
  table: RoutingTable,
  scope: 'bucket' | 'closest',
  key: Key,
  ips: readonly string[],
  evict: Set<PeerId>,
  context: AdmissionContext,
  victims?: Set<PeerId>,
): AdmissionDecision | undefined {
  for (const ip of ips) {
    const incumbents = scope === 'bucket' ? bucketScope(table, key, evict) : closeScope(table, key, evict)
    if (!incumbents) return undefined
    const verdict = testDiversity(ip, key, incumbents, {
      self: table.selfKey,
      limits: context.limits,
      isProtected: (peer) => isProtected(table, peer, context),
    })
    if (verdict.kind === 'refuse') return refused(`${scope}${verdict.tier === 'ip' ? 'Ip' : 'Subnet'}`)
    if (verdict.kind === 'swap') {
      evict.add(verdict.victim)
      victims?.add(verdict.victim)
    }
  }
  return undefined
}

function bucketScope(table: RoutingTable, key: Key, evict: ReadonlySet<PeerId>): readonly Incumbent[] {
  return table.bucketOf(key).entries.filter(({ peer }) => !evict.has(peer))
}

/** The hypothetical 20 closest with the candidate among them, without the candidate; undefined when it is not one. */
function closeScope(table: RoutingTable, key: Key, evict: ReadonlySet<PeerId>): readonly Incumbent[] | undefined {
  const k = table.bucketSize
  const nearest =
    evict.size === 0
      ? table.closestToSelf()
      : table
          .closest(table.selfKey, k + evict.size)
          .filter(({ peer }) => !evict.has(peer))
          .slice(0, k)
  const farthest = nearest[k - 1]
  if (farthest && compareDistance(table.selfKey, key, farthest.key) >= 0) return undefined
  return nearest.slice(0, k - 1)
}

/** Trusted and alive: not displaced by a nearer peer of the same IP. */
function isProtected(table: RoutingTable, peer: PeerId, context: AdmissionContext): boolean {
  const entry = table.get(peer)
  if (!entry || isStale(entry, context.now, context.staleAfterMs)) return false
  return context.trustOf(peer) >= context.protectionThreshold
}

/** The incumbent that the trust swap would replace, if candidate and threshold allow one. */
function leastTrusted(
  entries: readonly TableEntry[],
  candidate: Key,
  context: AdmissionContext,
): TableEntry | undefined {
  if (context.swapThreshold <= 0 || context.trustOf(peerIdOf(candidate)) < context.swapThreshold) return undefined
  let worst: { entry: TableEntry; trust: number } | undefined
  for (const entry of entries) {
    const trust = context.trustOf(entry.peer)
    if (trust < context.swapThreshold && (!worst || trust < worst.trust)) worst = { entry, trust }
  }
  return worst?.entry
}

function hasRoom(table: RoutingTable, key: Key): boolean {
  return table.bucketOf(key).size < table.bucketSize
}

function refused(reason: RefusalReason): AdmissionDecision {
  return { kind: 'refused', reason }
}
