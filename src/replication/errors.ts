import { CodedError } from '../base/index.ts'

export type ReplicationErrorCode =
  /** A configuration with which the engine cannot be built (replication.md 2). */
  | 'REPLICATION_OPTIONS'
  /** A file of an earlier run that makes no sense. */
  | 'REPLICATION_MEMORY'

export class ReplicationError extends CodedError<ReplicationErrorCode> {}
