/**
 * The one table of replication.md 2: the network's values as defaults, all of which tests may change. Times in
 * milliseconds, sizes in bytes. "ours" marks what the network does not fix. Limits of incoming work are in 4.2.
 */
import { day, hour, MiB, minute, second } from '../base/index.ts'
import {
  ACCEPTANCE_WIDTH,
  CLOSE_GROUP_SIZE,
  MAX_PAYMENT_PROOF_BYTES,
  MAX_POINTER_HINTS,
  MAX_POINTER_STATES,
  MAX_VERIFICATION_KEYS,
  MIN_PAYMENT_PROOF_BYTES,
  STORAGE_WIDTH,
} from '../protocol/index.ts'

const GROUPS = {
  closeGroupSize: CLOSE_GROUP_SIZE,
  quorumThreshold: 4,
  storageWidth: STORAGE_WIDTH,
  acceptanceWidth: ACCEPTANCE_WIDTH,
  paidGroupSize: 20, // self included
  paidEdge: 4, // farthest members of a full paid group that count only when they confirm
  paidQuorumFloor: 3,
  syncScope: 20,
}

const FRESH = {
  freshSends: 3, // copies on their way at once, node-wide
  freshRetries: 2, // after the first attempt, on transport errors only
  freshEncoded: 8, // encoded offers alive: 8 x 4.5 MiB
  freshReadBackMs: Object.freeze([1, 2, 4, 8, 16, 32].map((pause) => pause * second)), // one attempt more than pauses
  freshWaiting: 4096, // ours: plans without bytes; a plan is some 2 KiB
  freshProofBytes: 32 * MiB, // ours: proofs of plans that wait; one is 0.5 MiB at most, 56 KB for a merkle payment
  freshRankDelayMs: 3 * second, // ours, not measured: an offer to 3 peers over a home uplink takes about as long
  freshGatherMs: 1 * second, // ours: answers of the 7 closest are waited for together; a later one costs an encoding more
  freshProbeTimeoutMs: 15 * second, // as any verification
  freshAnswerTimeoutMs: 20 * second, // ours: an offer unanswered for so long gets its notify all the same
  notifyPauseMs: 250, // ours: between two for one peer, which checks each with the chain, two at a time
  notifyTries: 2,
  notifyProofBytes: 16 * MiB, // ours: proofs of keys that somebody is owed a notify of
  keptProofBytes: 16 * MiB, // ours: of payments that neighbours may not have heard of; 400 of 38 KB
  keptProofs: 4096,
  keptProofMs: 6 * hour, // ours: a network in two parts for so long
  respreadSpanMs: minute, // ours: those that have a proof begin one after the other, and the first does the work
  keptPauseMs: 30 * second, // ours: after a change of the view, until who missed what is looked at
  mergedProofs: 4, // different proofs of offers for one key
  mergedKeys: 16, // as many offers as are let in
  minProofBytes: MIN_PAYMENT_PROOF_BYTES,
  maxProofBytes: MAX_PAYMENT_PROOF_BYTES,
  possessionDelayMinMs: 5 * minute,
  possessionDelayMaxMs: 15 * minute,
  possessionWaiting: 16_384, // ours: checks to come; beyond it the check falls away, not the copy
}

const SYNC = {
  syncIntervalMinMs: 10 * minute,
  syncIntervalMaxMs: 20 * minute,
  syncPeers: 4, // of one round
  syncCooldownMs: hour, // nothing new to say
  syncNewsCooldownMs: 10 * second, // ours: losses of one moment are noticed up to 8 s apart; 30 s kept a late one from its minute
  syncNewsDelayMs: 5 * second, // ours: losses of one moment are noticed up to 5 s apart and go in one message
  syncFullMs: Object.freeze([hour, 2 * hour, 4 * hour, 6 * hour]), // ours: between whole lists for a peer; news in between
  syncTimeoutMs: 15 * second,
  syncHistory: 4096, // ours: peers whose syncs are remembered
  selfLookupMinMs: 5 * minute,
  selfLookupMaxMs: 10 * minute,
  hintMaturityMs: hour,
  hintMaturityEpochs: 1,
  repairProofKeys: 65_536, // ours: an audit samples the root of the keys; some 150 B a key
}

const VERIFICATION = {
  pendingEntries: 131_072,
  pendingSources: 8, // of one key
  pendingLifeMs: 30 * minute,
  pendingHinters: 4096, // ours: peers remembered as capacity-rejected
  verificationPollMs: 250,
  cycleKeys: MAX_VERIFICATION_KEYS,
  requestKeys: MAX_VERIFICATION_KEYS, // of one incoming request; more gets an empty answer
  verificationRequests: 32, // outgoing at once
  verificationTimeoutMs: 15 * second,
  sourcesWanted: 2, // ours: a key is settled before all have answered when it has so many sources
  roundWidenMs: 1 * second, // ours: then the 13 beyond the 7 closest are asked too, whoever of the 7 is silent
  roundHurryMs: 2 * second, // ours: then one is enough; four times what a far peer takes
  hinterReports: 3, // failures of one peer in one cycle
  retryMinMs: 15 * second,
  retryMaxMs: 5 * minute,
  capacityRetryMs: 5 * minute,
}

const FETCH = {
  fetchQueue: 131_072,
  fetchParallel: 4, // the fallback; a node gives its hardware threads
  fetchSources: 28, // ours: 20 that were asked and 8 that hinted
  fetchOutstandingPerPeer: 2, // what a stock peer serves at once
  fetchRestMs: 100, // ours: between an answer and the next request in its place; a lost one costs 30 s
  fetchPollMs: 100,
  fetchTimeoutMs: 30 * second,
  fetchHurryMs: 8 * second, // ours: then the next source is asked too; a full pool or a frozen node says nothing for 30 s
}

/** All ours: what is done about chunks that a member of their close group does not hold. */
const EXTEND = {
  extendKeys: 8192, // looked after at once; some 1 KiB each
  extendDelayMs: minute, // a fresh chunk is still being spread
  extendPauseMs: 3 * minute, // between two looks: whoever was told of a key has fetched it by then, or never will
  extendLooks: 12, // four lacks found one after the other
  extendRefusedKeys: 16_384, // keys found to be held by enough, of those that are no business of ours
  extendRefusedMs: hour,
  extendHints: 2048, // of one neighbour in that time: each costs a question to those that are nearer
  extendWatchMs: hour, // between two looks at a key whose copies are outside of its group: their end changes no group
}

const BOOTSTRAP = {
  bootstrapGateMs: 60 * second,
  drainPollMs: 5 * second,
  drainBatch: 4,
  overflowExpiryMs: 125 * minute, // max(5 x 20 min + 20 x 15 s, 1 h) + 20 min
  catchUpMs: hour, // ours: between two looks for paid keys that we should hold and do not
  claimGraceMs: 24 * hour,
  claimPeers: 4096, // ours: histories remembered
}

/** What the engine does about audits; the values of the audits themselves are options of the room audit. */
const AUDIT = {
  auditTickMinMs: 10 * minute,
  auditTickMaxMs: 20 * minute,
  challengesPerTarget: 2, // outgoing digest, possession and prune challenges of one peer at once
  auditSilenceMs: 20 * second, // ours: as long as our own uplink takes to come into doubt (dht: NeighbourWatch)
  commitmentRotationMs: hour,
  commitmentFirstMs: Object.freeze([0, minute, 4 * minute, 15 * minute]), // ours: pauses after a node has caught up
  retentionSaveMs: 30 * second,
  pinFetchTimeoutMs: 10 * second,
  pinFetches: 3, // of one proof bundle
  pinMisses: 4096,
  firstAuditIngress: 1024,
}

const PRUNE = {
  pruneHysteresisMs: 3 * day,
  pruneKeys: 1024, // audited candidates of one pass
  pruneRequests: 256,
  pruneParallel: 32,
  fastDeletes: 2048,
  pruneScan: 16_384, // ours: keys looked at in one pass, so that a pass is bounded
  paidPruneEntries: 32,
  paidPrunePeers: 32,
}

const POINTERS = {
  pointerHints: MAX_POINTER_HINTS,
  pointerStates: MAX_POINTER_STATES,
  pointerPollMs: 500,
  pointerAddresses: 256, // verified in one tick
  pointerPending: 65_536,
  pointerRounds: 5,
  pointerRetryMs: 30 * second,
  replacedPointerMs: 10 * minute,
}

/** Incoming work of 4.2: how much waits or runs, how much runs, how much of one peer's, how old a request may be. */
const POOLS = {
  // Ours (30.3 nr 10): chunk bytes of one peer, at once and each second: a whole gigabit line. Stock peers ask for two
  // chunks at a time. What is above is answered as an error, or refused.
  fetchBurstBytes: 1024 * MiB,
  fetchBytesPerSecond: 128 * MiB,
  offerBurstBytes: 1024 * MiB,
  offerBytesPerSecond: 128 * MiB,
  // Ours: bytes read for digests, of each peer in the routing table and of all strangers together; the figures are those
  // of round 1 (2.3). At worst a peer of a million chunks asks for 1000 of them every 10 min (6.8 MiB/s), once in 50 min
  // for 1024 that it prunes (1.4), and for one that is fresh 64 times in 5 s (51): 60 MiB/s, and 8 GiB at one moment.
  // Twenty strangers of 100,000 chunks: 1.4 MiB/s of audits, since each asks one of its twenty, 8.5 that they prune.
  digestBurstBytes: 8192 * MiB,
  digestBytesPerSecond: 64 * MiB,
  budgetPeers: 4096,
  dispatchQueue: 64,
  freshOffers: 16,
  freshOfferWorkers: 4,
  freshOffersPerPeer: 12,
  freshOfferAgeMs: 5 * minute,
  paidNotifies: 64,
  paidNotifyWorkers: 2,
  paidNotifiesPerPeer: 16,
  paidNotifyAgeMs: 20 * minute,
  // Ours: more may wait than at a stock peer, which asks with as many fetches as it has hardware threads, and asks anew
  // before we know that our last answer is gone. What is dropped costs us a unit of its trust, what waits some 100 B.
  fetches: 256,
  fetchWorkers: 3, // 3 x 4 MiB is the most that answers hold in memory
  fetchesPerPeer: 64,
  fetchWorkersPerPeer: 2,
  verifications: 32,
  verificationWorkers: 2,
  verificationsPerPeer: 1,
  verificationWorkersPerPeer: 1,
  syncs: 32,
  syncWorkers: 2,
  syncsPerPeer: 1,
  syncWorkersPerPeer: 1,
  // Shared by digests, slices and pins. Ours: nobody may hold more of them than are free, and all strangers together count
  // as one. What a neighbour asks and we drop costs us 5.0 of its trust, and four peers took all places. The price: with
  // few left, a neighbour that asks for 8 at once gets 4.
  audits: 32,
  auditsPerPeer: 8,
  slicesPerPeer: 4,
  auditAgeMs: 4 * second, // ours: the part of the auditor's deadline that does not depend on the keys
  subtreeRounds: 2,
  subtreeRoundsPerPeer: 1,
  pointerServes: 128,
  pointerServeWorkers: 32,
  pointerServesPerPeer: 16,
  pointerOffers: 16,
}

const REST = {
  trafficLogMs: 300 * second,
  taskStopMs: 10 * second,
  memorySaveMs: minute, // ours: a claim or an owed key that a crash forgets is seen or hinted again
  owedKeys: 8192, // ours: of the keys that wait, those kept over a restart; 36 bytes each
}

export const REPLICATION_DEFAULTS = Object.freeze({
  ...GROUPS,
  ...FRESH,
  ...SYNC,
  ...VERIFICATION,
  ...FETCH,
  ...EXTEND,
  ...BOOTSTRAP,
  ...AUDIT,
  ...PRUNE,
  ...POINTERS,
  ...POOLS,
  ...REST,
})

export type ReplicationOptions = Readonly<{
  [Name in keyof typeof REPLICATION_DEFAULTS]: (typeof REPLICATION_DEFAULTS)[Name] extends number
    ? number
    : readonly number[]
}>
