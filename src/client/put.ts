/** The put walk: how one chunk gets onto the network. docs/walks/put.md tells it with the same step numbers. */
import { assert, type Clock, type Logger, type Random } from '../base/index.ts'
import type { DhtPeer } from '../dht/index.ts'
import type { Payer } from '../payment/index.ts'
import {
  type ChunkAddress,
  CLOSE_GROUP_SIZE,
  chunkAddressOf,
  MAX_CHUNK_BYTES,
  type PeerId,
  PUT_ACKS,
  short,
} from '../protocol/index.ts'
import type { ChunkRequests } from './chunk-requests.ts'
import type { CloseGroup } from './close-group.ts'
import { type ClientError, clientError } from './errors.ts'
import type { GroupFinder } from './group-finder.ts'
import type { ClientMetrics } from './metrics.ts'
import type { PeerHealth } from './peer-health.ts'
import { isNew, StoreChunk, type StoreEnd, type StoreOptions } from './store-chunk.ts'
import { runStore } from './store-runner.ts'

export interface PutDeps {
  readonly groups: Pick<GroupFinder, 'find' | 'knownPeers'>
  readonly payer: Payer
  readonly requests: Pick<ChunkRequests, 'prepare' | 'ask'>
  readonly health: PeerHealth
  /** BLAKE3, 32 bytes. */
  readonly hash: (data: Uint8Array) => Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly metrics: ClientMetrics
  readonly log: Logger
}

export interface PutOptions extends StoreOptions {
  readonly putRetryDelaysMs: readonly number[]
}

export interface PutChunkResult {
  readonly address: ChunkAddress
  /** `existing`: the network had it before. */
  readonly stored: 'new' | 'existing'
  /** Peers that confirmed, 4 unless fewer are alive. */
  readonly acks: number
}

type Acks = ReadonlyMap<PeerId, 'stored' | 'existing'>

/**
 * Stores `content` (borrowed until the promise settles, at most 4 MiB) and returns when 4 peers have confirmed it; on
 * a network of fewer peers, when all of them have. Throws ClientError CLIENT_CHUNK_TOO_LARGE,
 * CLIENT_INSUFFICIENT_PEERS, CLIENT_REFUSED, CLIENT_PAYMENT_REFUSED, what the payer throws, or the signal's reason.
 */
export async function putChunk(
  deps: PutDeps,
  options: PutOptions,
  content: Uint8Array,
  { signal }: { signal: AbortSignal },
): Promise<PutChunkResult> {
  // 1. The name of a chunk is the hash of its bytes.
  const address = nameOf(deps, content)
  let proof: Uint8Array | undefined
  let round: StoreRound | undefined
  for (let attempt = 0; ; attempt++) {
    const last = attempt === options.putRetryDelaysMs.length
    // 2. Who should hold it: the peers nearest to the address, witnessed by each other.
    const group = await deps.groups.find(address, { signal, fresh: attempt > 0 })
    const needed = acksNeeded(group, deps.groups.knownPeers, last)
    if (needed !== undefined) {
      // 3. Pay, once: a walk that is repeated shows the same proof again.
      proof ??= await payFor(deps, address, content.length, group, signal)
      // 4. Store at the nearest, at as many at once as confirmations are missing.
      const chunk = { address, content, paymentProof: proof }
      round = await storeAt(deps, options, chunk, { group, needed, earlier: round }, signal)
    }
    const acks: Acks = round?.machine.acks ?? new Map()
    if (round?.end.kind === 'stored') return { address, stored: isNew(acks) ? 'new' : 'existing', acks: acks.size }
    // 5. Not enough confirmations: the network may be busy or changing, so walk again before giving up.
    const end = needed === undefined ? undefined : round?.end
    if (last || end?.verdict === 'payment') throw failureOf(address, group, acks.size, needed, end)
    await deps.clock.sleep(options.putRetryDelaysMs[attempt] as number, signal)
  }
}

function nameOf(deps: PutDeps, content: Uint8Array): ChunkAddress {
  if (content.length > MAX_CHUNK_BYTES) {
    throw clientError(
      'CLIENT_CHUNK_TOO_LARGE',
      `a chunk may have ${MAX_CHUNK_BYTES} bytes, this one has ${content.length}: upload it as a file`,
      { size: content.length, limit: MAX_CHUNK_BYTES },
    )
  }
  return chunkAddressOf(deps.hash(content))
}

/**
 * 4, or all peers that there are when those are fewer. A walk that met fewer than it knows of is repeated first:
 * a busy network hides peers (dht.md 9). Undefined: do not store yet.
 */
export function acksNeeded(group: CloseGroup, knownPeers: number, last: boolean): number | undefined {
  const met = group.targets.length
  if (met >= PUT_ACKS) return PUT_ACKS
  if (met === 0) return undefined
  return last || knownPeers <= met ? met : undefined
}

async function payFor(
  deps: PutDeps,
  address: ChunkAddress,
  size: number,
  group: CloseGroup,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const proofs = await deps.payer.pay([{ address, size }], { signal, group: group.targets.map(({ peer }) => peer) })
  const proof = proofs[0]
  assert(proof !== undefined && proofs.length === 1, 'the payer returns one proof an address')
  return proof
}

interface StoreRound {
  readonly machine: StoreChunk
  readonly end: StoreEnd
}

async function storeAt(
  deps: PutDeps,
  options: PutOptions,
  chunk: { address: ChunkAddress; content: Uint8Array; paymentProof: Uint8Array },
  walk: { group: CloseGroup; needed: number; earlier: StoreRound | undefined },
  signal: AbortSignal,
): Promise<StoreRound> {
  const { group, needed, earlier } = walk
  const peers = new Map<PeerId, DhtPeer>(group.targets.map((target) => [target.peer, target]))
  const now = deps.clock.monotonic()
  // Within the close group: a suspect is a better place than a peer outside of it.
  const suspect = (peer: PeerId) => Number(deps.health.isSuspect(peer, now))
  const order = [...peers.keys()]
  const near = order.splice(0, CLOSE_GROUP_SIZE).sort((a, b) => suspect(a) - suspect(b))
  const machine = new StoreChunk([...near, ...order], needed, options, earlier?.machine)
  const request = deps.requests.prepare({ kind: 'putRequest', ...chunk })
  try {
    const end = await runStore(deps, machine, { address: chunk.address, request, peers }, { signal })
    return { machine, end }
  } finally {
    request.message.release()
  }
}

function failureOf(
  address: ChunkAddress,
  group: CloseGroup,
  acks: number,
  needed: number | undefined,
  end: StoreEnd | undefined,
): ClientError {
  const name = short(address)
  const data = { address, peers: group.targets.length, acks, needed: needed ?? PUT_ACKS }
  if (needed === undefined || end?.kind !== 'exhausted') {
    return clientError(
      'CLIENT_INSUFFICIENT_PEERS',
      `no peer could be found for chunk ${name}: check the network connection and the bootstrap peers`,
      data,
    )
  }
  const said = end.failure ? ` (${short(end.failure.peer)}: ${end.failure.message})` : ''
  const count = `${acks} of ${needed} needed confirmations from ${group.targets.length} peers`
  if (end.verdict === 'payment') {
    return clientError('CLIENT_PAYMENT_REFUSED', `the network wants a payment for chunk ${name}: ${count}${said}`, data)
  }
  return end.verdict === 'refused'
    ? clientError('CLIENT_REFUSED', `chunk ${name} was refused: ${count}${said}`, data)
    : clientError('CLIENT_INSUFFICIENT_PEERS', `chunk ${name} could not be stored: ${count}${said}`, data)
}
