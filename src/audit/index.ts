/**
 * audit: what a node proves and checks about stored data. Pure: time and dice are arguments, bytes and messages come
 * from the caller, verdicts and state go back to it.
 *
 * - Commitments: sortedEntries, buildTree, verifyPath; signTree, checkCommitment; Retention, encodeRetention,
 *   loadRetention; PeerCommitments of others.
 * - Subtree audit: subtreePlan; startRoundOne, plannedLeaves, proveLeaf, buildProof, judgeRoundOne; chooseOpenings,
 *   startRoundTwo, openBlock, judgeRoundTwo; gradeSubtreeAudit.
 * - Digest audit: auditDigest, digestSampleSize, refuseDigests, judgeDigests, confirmDigests.
 * - Limits: Sessions, RoundOneCooldown, WorkBudget. Memory: RecentProvers. When: GossipTrigger, FirstAudits.
 */
export * from './commitment.ts'
export * from './commitment-tree.ts'
export * from './digests.ts'
export * from './entries.ts'
export * from './errors.ts'
export * from './first-audits.ts'
export * from './gossip-trigger.ts'
export * from './grading.ts'
export { leafHash, nodeHash, pointerLeafHash } from './hashes.ts'
export * from './nonced-blocks.ts'
export * from './options.ts'
export * from './peer-commitments.ts'
export * from './recent-provers.ts'
export * from './responder.ts'
export * from './retention.ts'
export * from './retention-codec.ts'
export * from './retention-load.ts'
export * from './sessions.ts'
export * from './slices.ts'
export * from './subtree-plan.ts'
export * from './subtree-proof.ts'
export * from './work-budget.ts'
