import { GiB, hour, KiB, MiB, minute, second } from '../base/index.ts'

/** Times in milliseconds. Every value is the network's (replication.md 2); tests shorten them. */
export interface AuditOptions {
  /** A commitment is answerable this long after it was last shown. */
  readonly answerableMs: number
  /** Shown commitments that are kept. */
  readonly shownSlots: number
  /** A restart may have taken this long: stamps read from disk get it on top. */
  readonly restartGraceMs: number

  /** Least time between two signature checks of one peer's commitments. */
  readonly commitmentCheckMs: number
  /** Peers whose commitment is remembered. */
  readonly peerCommitments: number
  /** Peers of which is remembered that they ever showed one. */
  readonly capablePeers: number

  /** Deadlines: for the answer as such, and for each key or leaf read at 50 MiB/s with a factor of five. */
  readonly digestDeadlineMs: number
  readonly sliceDeadlineMs: number
  readonly perItemDeadlineMs: number

  readonly sessionMs: number
  readonly sessions: number
  /** Pointer roots bound by all sessions together. */
  readonly sessionBindings: number
  /** Between two round 1 of one challenger that we answer. */
  readonly roundOneCooldownMs: number

  readonly workRefillBytesPerSecond: number
  readonly workBurstBytes: number
  /** What a leaf costs at least, however small. */
  readonly workMinLeafBytes: number

  readonly proverMs: number
  readonly proversPerKey: number
  /** Keys with provers; ours: 128 audits of the largest subtree within one life. */
  readonly provenKeys: number

  readonly gossipProbability: number
  readonly gossipAttemptMs: number
  readonly launchSpacingMs: number
  /** Peers with stamps; ours: as many as may ever be capable. */
  readonly stampedPeers: number

  readonly firstAuditBurst: number
  readonly firstAuditTokenMs: number
  readonly firstAuditsInFlight: number
  readonly firstAuditJitterMs: number
  readonly firstAuditRetryMs: number
  readonly firstAuditQueue: number
  readonly firstAuditAgainMs: number
  /** A peer whose count grew by more than this is audited again earlier. */
  readonly firstAuditGrowth: number
  readonly quoteFutureMs: number
  readonly quoteAgeMs: number
}

export const defaultAuditOptions: AuditOptions = Object.freeze({
  answerableMs: 3 * hour,
  shownSlots: 16,
  restartGraceMs: 5 * minute,
  commitmentCheckMs: minute,
  peerCommitments: 4096,
  capablePeers: 16_384,
  digestDeadlineMs: 4 * second,
  sliceDeadlineMs: 5 * second,
  perItemDeadlineMs: 400,
  sessionMs: 2 * minute,
  sessions: 2048,
  sessionBindings: 65_536,
  roundOneCooldownMs: 30 * minute,
  workRefillBytesPerSecond: 64 * MiB,
  workBurstBytes: 8 * GiB,
  workMinLeafBytes: 4 * KiB,
  proverMs: 40 * minute,
  proversPerKey: 16,
  provenKeys: 131_072,
  gossipProbability: 0.2,
  gossipAttemptMs: 30 * minute,
  launchSpacingMs: 30 * minute,
  stampedPeers: 16_384,
  firstAuditBurst: 2,
  firstAuditTokenMs: 5 * minute,
  firstAuditsInFlight: 2,
  firstAuditJitterMs: 30 * second,
  firstAuditRetryMs: minute,
  firstAuditQueue: 31,
  firstAuditAgainMs: 2 * hour,
  firstAuditGrowth: 1.5,
  quoteFutureMs: 30 * minute,
  quoteAgeMs: 2.5 * hour,
})

/** Deadline of a digest, possession or prune challenge over `keys`, or of round 1 over as many leaves. */
export function digestDeadlineMs(keys: number, options: AuditOptions = defaultAuditOptions): number {
  return saturated(options.digestDeadlineMs + options.perItemDeadlineMs * keys)
}

/** Deadline of round 2. */
export function sliceDeadlineMs(openings: number, options: AuditOptions = defaultAuditOptions): number {
  return saturated(options.sliceDeadlineMs + options.perItemDeadlineMs * openings)
}

/** A request waits no longer (wire.md 11). */
const LONGEST_MS = 300 * second

function saturated(ms: number): number {
  return Math.min(ms, LONGEST_MS)
}

/** Keys that a challenge of digests may name and still have all of its time. */
export function digestKeysInTime({ digestDeadlineMs, perItemDeadlineMs }: AuditOptions = defaultAuditOptions): number {
  return Math.floor((LONGEST_MS - digestDeadlineMs) / perItemDeadlineMs)
}
