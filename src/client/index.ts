/** client: the user's side of the two walks, files and directories. */
export * from './client.ts'
export * from './errors.ts'
export * from './options.ts'
export * from './progress.ts'
export type { PutChunkResult } from './put.ts'
