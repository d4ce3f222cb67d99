import { day, hour, KiB, minute, resolveOptions, second } from '../base/index.ts'
import { ACCEPTANCE_WIDTH, K_BUCKET_SIZE, LOOKUP_ALPHA } from '../protocol/index.ts'
import type { BootstrapSeed } from './dht.ts'
import type { DiversityLimits } from './diversity.ts'
import { DhtError } from './errors.ts'
import { NEIGHBOUR_DEFAULTS, type NeighbourOptions } from './neighbour-options.ts'

/** Every number of dht.md section 2 that a node may choose for itself, with the network's values as defaults. */
export interface DhtOptions {
  /** A client is never in anybody's table; it answers as nodes do and looks itself up less. */
  readonly role: 'node' | 'client'
  /** Local and test networks only: production refuses loopback peers. */
  readonly allowLoopback: boolean
  readonly limits: DiversityLimits
  readonly seeds: readonly BootstrapSeed[]

  readonly bucketSize: number
  readonly staleAfterMs: number
  readonly revalidationPingMs: number
  readonly maxRevalidations: number
  readonly pingsAtOnce: number
  readonly secondPingAfterMs: number

  readonly maxRounds: number
  readonly maxCandidates: number
  readonly graceMs: number
  /** A round in which all were asked and have been silent for so long is over, once others answered the walk. */
  readonly silentMs: number
  /** A peer that has owed an answer for so long is not waited for, until it has for so long. */
  readonly tardyMs: number
  readonly tardyForMs: number
  readonly lookupDeadlineMs: number
  readonly maxLookups: number
  readonly maxWaitingLookups: number

  readonly requestTimeoutMs: number
  readonly maxPendingRequests: number
  readonly handlerPermits: number
  readonly handlerQueue: number
  readonly handlerBudgetMs: number
  readonly peerRequestsPerSecond: number
  readonly peerRequestBurst: number
  readonly maxRateLimitedPeers: number

  readonly selfLookupMinMs: number
  readonly selfLookupMaxMs: number
  readonly bucketRefreshMinMs: number
  readonly bucketRefreshMaxMs: number
  readonly bucketsPerRefresh: number
  readonly refreshJitterMs: number
  readonly publishFirstMs: number
  readonly publicationsAtOnce: number
  readonly publicationAgeMs: number
  readonly keepAliveMs: number

  readonly rebootstrapBelow: number
  readonly rebootstrapCooldownMs: number
  readonly isolatedAfterMs: number
  readonly isolationBackoffMinMs: number
  readonly seedsAtOnce: number
  readonly seedTimeoutMs: number
  readonly clientConnections: number
  readonly clientGossipBelow: number
  readonly clientSettleMs: number
  readonly snapshotDialsAtOnce: number
  readonly snapshotBudgetMs: number
  readonly gossipDialsAtOnce: number
  readonly inboundWaitMs: number
  readonly admissionWaitMs: number
  readonly selfLookupsAfterBootstrap: number
  readonly sparseBucket: number
  readonly farWalksAtOnce: number

  readonly neighbours: NeighbourOptions

  readonly saveIntervalMs: number
  readonly cacheMaxAgeMs: number
  readonly snapshotMaxAgeMs: number
  readonly snapshotNoShrinkMs: number
}

export const dhtDefaults: DhtOptions = Object.freeze({
  role: 'node',
  allowLoopback: false, // production rule; devnets and tests switch it on
  limits: Object.freeze({ maxPerIp: 2, maxPerSubnet: 5 }), // the network's numbers: 2 and k / 4
  seeds: Object.freeze([]),

  bucketSize: K_BUCKET_SIZE, // k = 20 of the network; below 4 the diversity limit k / 4 would be 0
  staleAfterMs: 900 * second, // 15 min of silence, as everybody
  revalidationPingMs: 6 * second, // 5 s identity wait of a redial + 1 s round trip
  maxRevalidations: 8, // passes at once: a flood of newcomers may not make us a pinger
  pingsAtOnce: 4, // within one pass
  secondPingAfterMs: 3 * second, // one lost ping is no death; the reference evicts after one

  maxRounds: 20, // as everybody; a healthy walk needs 4-6
  maxCandidates: 200, // as everybody; 10 answers of 20
  graceMs: 5 * second, // after the first answer of a round
  silentMs: 10 * second, // ours: handlers of the network answer within it or not at all
  tardyMs: 2 * second,
  tardyForMs: 60 * second,
  lookupDeadlineMs: 120 * second, // as everybody
  maxLookups: 256, // walks at once of one node; three queries each stay below maxPendingRequests
  maxWaitingLookups: 4096, // callers in line: two for each chunk of an 8 GB upload

  requestTimeoutMs: 25 * second, // = connection timeout of the network
  maxPendingRequests: 1024, // 256 walks x 3 and pings
  handlerPermits: 256, // as everybody
  handlerQueue: 1024, // x 64 KiB = 64 MiB at worst; further messages are dropped
  handlerBudgetMs: 10 * second, // then no reply
  peerRequestsPerSecond: 50, // FindNode and Ping of one peer; stock nodes stay far below
  peerRequestBurst: 200, // a client starting 60 walks at once passes
  maxRateLimitedPeers: 4096, // buckets remembered, least recently used leaves

  selfLookupMinMs: 300 * second, // tick is uniform in 300-600 s so that nodes do not march in step
  selfLookupMaxMs: 600 * second,
  bucketRefreshMinMs: 450 * second, // uniform in 450-750 s
  bucketRefreshMaxMs: 750 * second,
  bucketsPerRefresh: 2, // the two with the largest debt
  refreshJitterMs: 60 * second, // added to the debt
  publishFirstMs: 1 * second, // after admission; stock nodes do it after 0.5-2 s
  publicationAgeMs: 1 * hour, // told again on the same connection: the peer may not have had a place for us at first
  keepAliveMs: 300 * second, // + selfLookupMaxMs = 15 min, after which a stock node takes us for silent
  publicationsAtOnce: 8, // two messages of up to 11 KB each, verified by the receiver

  rebootstrapBelow: 3, // entries
  rebootstrapCooldownMs: 300 * second, // with connections left
  isolatedAfterMs: 10 * second, // no connection for so long: bootstrap again at once
  isolationBackoffMinMs: 5 * second, // doubles up to rebootstrapCooldownMs
  seedsAtOnce: 4, // as everybody
  seedTimeoutMs: 8250, // 1.25 s connect + 4 s handshake + 3 s announce
  clientConnections: 6, // a client stops there
  clientGossipBelow: 3, // and dials gossiped peers only below this
  clientSettleMs: 200, // time for the other seeds to answer too, once one did
  snapshotDialsAtOnce: 16, // as everybody
  snapshotBudgetMs: 20 * second, // no new dial afterwards
  gossipDialsAtOnce: 16, // the reference does them one by one, 10 s each
  inboundWaitMs: 5 * second, // when nothing answered, somebody may still dial us
  admissionWaitMs: 10 * second, // per gossiped peer
  selfLookupsAfterBootstrap: 2, // nodes only
  sparseBucket: 10, // half a bucket: fewer entries in a far bucket are filled up while joining
  farWalksAtOnce: 4, // of these walks

  neighbours: NEIGHBOUR_DEFAULTS,

  saveIntervalMs: 600 * second, // both files
  cacheMaxAgeMs: 1 * hour, // of close_group_cache.json, trust included
  snapshotMaxAgeMs: 7 * day, // of routing_snapshot.json
  snapshotNoShrinkMs: 1 * hour, // a restored table is not replaced by a smaller one
})

/** Limits of the two files (dht.md 12): not options, both ends of a version of ours must agree. */
export const FILE_LIMITS = Object.freeze({
  maxBytes: 512 * KiB,
  maxPeers: 1024,
  maxAddresses: 8,
  futureSkewMs: 5 * minute,
})

/** Entries of an answer that a walk looks at, and entries we answer with. */
export const ANSWER_ENTRIES = ACCEPTANCE_WIDTH
export const ALPHA = LOOKUP_ALPHA

export function resolveDhtOptions(given?: Partial<DhtOptions>): DhtOptions {
  const options = resolveOptions('dht', dhtDefaults, given)
  if (options.bucketSize < 4)
    throw new DhtError('DHT_OPTIONS', `dht bucketSize ${options.bucketSize}: at least 4 is needed`)
  if (options.limits.maxPerIp < 1 || options.limits.maxPerSubnet < 1)
    throw new DhtError('DHT_OPTIONS', 'dht limits: each diversity limit is at least 1')
  return options
}
