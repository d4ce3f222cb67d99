/** compute: the worker pool. */
export * from './compute.ts'
export * from './errors.ts'
export * from './inline-compute.ts'
export * from './metrics.ts'
export * from './options.ts'
export * from './piscina-compute.ts'
export { ownsBuffer, reclaim, takeOut } from './transfer.ts'
