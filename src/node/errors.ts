import { CodedError } from '../base/index.ts'

export type NodeErrorCode =
  | 'NODE_IDENTITY_READABLE'
  | 'NODE_IDENTITY_CORRUPT'
  | 'NODE_IDENTITY_PASSPHRASE'
  | 'NODE_IDENTITY_AMBIGUOUS'
  | 'NODE_ROOT_UNUSABLE'
  | 'NODE_OPTIONS'

/** What keeps a node from starting; each message says what to do. */
export class NodeError extends CodedError<NodeErrorCode> {}
