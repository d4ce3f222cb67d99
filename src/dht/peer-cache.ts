/** The two files of dht.md 12 as values: reading with every limit, and writing. Pure; `now` is Unix milliseconds. */
import { type Multiaddr, type PeerId, parsePeerId, type TypedAddress, tryParseMultiaddr } from '../protocol/index.ts'
import { FILE_LIMITS } from './options.ts'

export interface CachedPeer {
  readonly peer: PeerId
  readonly addresses: readonly Multiaddr[]
}
export interface TrustedPeer extends CachedPeer {
  readonly score: number
}

/** Highest trust first, in file order otherwise; undefined = start fresh. A stale file is ignored as a whole. */
export function parseCloseGroupCache(text: string, now: number, maxAgeMs: number): TrustedPeer[] | undefined {
  const file = parseObject(text)
  if (!file || !isFresh(file['saved_at_epoch_secs'], now, maxAgeMs)) return undefined
  const peers = readPeers(file['peers'], FILE_LIMITS.maxPeers)
  return peers?.flatMap(({ raw, ...peer }) => {
    const score = (raw['trust'] as { score?: unknown } | undefined)?.score
    return typeof score === 'number' && Number.isFinite(score) ? [{ ...peer, score }] : []
  })
}

export function formatCloseGroupCache(
  peers: readonly { peer: PeerId; addresses: readonly TypedAddress[]; score: number }[],
  now: number,
): string {
  const seconds = Math.floor(now / 1000)
  const entries = peers.map(({ peer, addresses, score }) => ({
    peer_id: peer,
    addresses: addresses.map(({ address }) => address.text),
    trust: { score, last_updated_epoch_secs: seconds },
  }))
  return `${JSON.stringify({ peers: entries, saved_at_epoch_secs: seconds }, null, 2)}\n`
}

export interface RoutingSnapshot {
  readonly peers: readonly CachedPeer[]
  /** More peers than are read were in the file. */
  readonly truncated: boolean
}

export function parseRoutingSnapshot(
  text: string,
  owner: PeerId,
  now: number,
  maxAgeMs: number,
): RoutingSnapshot | undefined {
  const file = parseObject(text)
  if (file?.['schema_version'] !== 1) return undefined
  if (typeof file['owner'] !== 'string' || file['owner'].toLowerCase() !== owner) return undefined
  if (!isFresh(file['saved_at_epoch_secs'], now, maxAgeMs)) return undefined
  const listed = file['peers']
  const peers = readPeers(listed, FILE_LIMITS.maxPeers)
  if (!peers) return undefined
  const truncated = (listed as unknown[]).length > FILE_LIMITS.maxPeers
  return { peers: peers.map(({ peer, addresses }) => ({ peer, addresses })), truncated }
}

export function formatRoutingSnapshot(
  owner: PeerId,
  peers: readonly { peer: PeerId; addresses: readonly TypedAddress[] }[],
  now: number,
): string {
  const entries = peers.slice(0, FILE_LIMITS.maxPeers).map(({ peer, addresses }) => ({
    peer_id: peer,
    addresses: addresses.slice(0, FILE_LIMITS.maxAddresses).map(({ address }) => address.text),
  }))
  return JSON.stringify({ schema_version: 1, owner, saved_at_epoch_secs: Math.floor(now / 1000), peers: entries })
}

/** Whether a snapshot of `size` entries may replace what is on disk. */
export function maySaveSnapshot(
  size: number,
  restored: { readonly peers: number; readonly at: number } | undefined,
  now: number,
  noShrinkMs: number,
): boolean {
  if (size === 0 || restored === undefined) return false
  return size >= restored.peers || now - restored.at >= noShrinkMs
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isFresh(savedAtSeconds: unknown, now: number, maxAgeMs: number): boolean {
  if (typeof savedAtSeconds !== 'number' || !Number.isFinite(savedAtSeconds)) return false
  const age = now - savedAtSeconds * 1000
  return age <= maxAgeMs && age >= -FILE_LIMITS.futureSkewMs
}

/** The first `limit` peers; a line that is none is skipped, a list that is none is undefined. */
function readPeers(list: unknown, limit: number): (CachedPeer & { raw: Record<string, unknown> })[] | undefined {
  if (!Array.isArray(list)) return undefined
  const seen = new Set<PeerId>()
  return list.slice(0, limit).flatMap((raw: Record<string, unknown> | null) => {
    const peer = readPeerId(raw?.['peer_id'])
    const texts = raw?.['addresses']
    if (!raw || !peer || seen.has(peer) || !Array.isArray(texts)) return []
    seen.add(peer)
    const addresses = texts.slice(0, FILE_LIMITS.maxAddresses).flatMap((text) => {
      return typeof text === 'string' ? (tryParseMultiaddr(text) ?? []) : []
    })
    return [{ peer, addresses, raw }]
  })
}

function readPeerId(text: unknown): PeerId | undefined {
  return typeof text === 'string' && /^[0-9a-fA-F]{64}$/.test(text) ? parsePeerId(text) : undefined
}
