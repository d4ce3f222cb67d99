/** compute: the worker pool. */
export * from './compute.ts'
