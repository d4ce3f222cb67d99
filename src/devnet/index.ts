/** devnet: a local network for people, tests and demos. */
export { type ChaosOptions, LEAST_NODES, runChaos } from './chaos/chaos.ts'
export { type ChaosVerdict, verdictTable } from './chaos/verdict.ts'
export * from './devnet.ts'
export * from './errors.ts'
export * from './folder.ts'
export * from './manifest.ts'
export * from './simulated.ts'
export * from './simulated-node.ts'
