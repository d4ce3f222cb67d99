import { CodedError } from '../base/index.ts'

/** REPLICATION_OPTIONS: a configuration with which the engine cannot be built (replication.md 2). */
export type ReplicationErrorCode = 'REPLICATION_OPTIONS'

export class ReplicationError extends CodedError<ReplicationErrorCode> {}
