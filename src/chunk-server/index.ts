/**
 * chunk-server: node side of quoting, storing and reading chunks. Pointer requests are answered with a typed error
 * (StorageFailed) until a pointer store exists.
 */
export { ChunkServer, type ChunkServerDeps, createChunkServer } from './chunk-server.ts'
export * from './options.ts'
export * from './ports.ts'
