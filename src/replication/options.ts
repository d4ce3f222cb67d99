/** Limits of what neighbours may ask at once (replication.md 4.2). */
export interface ReplicationOptions {
  readonly fetches: number
  readonly fetchesPerPeer: number
  readonly verifications: number
  readonly verificationsPerPeer: number
  readonly syncs: number
  readonly syncsPerPeer: number
  readonly audits: number
  readonly auditsPerPeer: number
}

export const REPLICATION_DEFAULTS: ReplicationOptions = Object.freeze({
  fetches: 12, // 12 x 4 MiB is the most that answers hold in memory
  fetchesPerPeer: 2,
  verifications: 8,
  verificationsPerPeer: 1,
  syncs: 8,
  syncsPerPeer: 1,
  audits: 32, // shared by digests, subtrees and pins, as in the network
  auditsPerPeer: 8,
})
