/** chunk-server: node side of quoting, storing and reading chunks. */
export { ChunkServer, type ChunkServerDeps, createChunkServer } from './chunk-server.ts'
export * from './options.ts'
export * from './ports.ts'
