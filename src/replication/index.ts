/** replication: no chunk is lost while nodes come, go, fill up and lie. */
export { REPLICATION_DEFAULTS, type ReplicationOptions } from './options.ts'
export * from './replication.ts'
