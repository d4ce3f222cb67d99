import { CodedError } from '../base/index.ts'

export type DevnetErrorCode =
  | 'DEVNET_FOLDER'
  | 'DEVNET_RUNNING'
  | 'DEVNET_NOT_RUNNING'
  | 'DEVNET_NODE_FAILED'
  | 'DEVNET_NOT_READY'
  | 'DEVNET_MANIFEST'

export class DevnetError extends CodedError<DevnetErrorCode> {}
