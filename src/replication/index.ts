/**
 * replication: no chunk is lost while nodes come, go, fill up and lie. `replication.ts` puts it together; `drivers` do,
 * everything else decides and is pure: time, dice and what the node holds are arguments.
 *
 * - Who: OwnView, groups; HintIndex with its walks (which keys for whom, what a change of view changed).
 * - Hints in: HintPipeline = admission, PendingTable, FetchQueue; VerificationRound and quorum decide.
 * - Hints out: NeighborSync, RepairProofs; BootstrapDrain and ClaimTracker (who is still joining).
 * - New chunks: FreshReplication, OfferMerge; PossessionSchedule.
 * - Less: RecordPrune, PaidPrune.
 * - Order and limits: WorkPool, LaneScheduler; TRUST_REPORTS.
 */
export type { RetentionStore } from './audits/commitments.ts'
export * from './errors.ts'
export type { ReplicationMemory } from './memory/keeper.ts'
export * from './options.ts'
export * from './replication.ts'
