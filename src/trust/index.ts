/** trust: who behaves. Pure; time comes in as an argument. */
export * from './errors.ts'
export * from './metrics.ts'
export * from './options.ts'
export * from './trust-engine.ts'
export * from './trust-events.ts'
export * from './trust-score.ts'
