/**
 * replication: no chunk is lost while nodes come, go, fill up and lie. `replication.ts` puts it together. In each folder
 * files named after who acts (`spreader`, `fetcher`, `pruner`) do; the others decide and are pure: time, dice and what the
 * node holds are arguments.
 *
 * - `view`: who is near a key, and which keys are held. `sync`: hints out, repair, joining. `verify`: hints in, quorum,
 *   fetching. `fresh`: spreading what clients store. `audits`: proofs asked and given. `prune`: letting go.
 *   `traffic`: messages, pools, budgets. `memory`: what outlives a restart.
 */
export type { RetentionStore } from './audits/commitments.ts'
export * from './errors.ts'
export type { ReplicationMemory } from './memory/keeper.ts'
export * from './options.ts'
export * from './ports.ts'
export * from './replication.ts'
