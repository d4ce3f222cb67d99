/** replication: what neighbours ask of each other about the chunks they keep. */
export * from './options.ts'
export * from './replication.ts'
