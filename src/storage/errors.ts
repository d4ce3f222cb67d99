import { CodedError } from '../base/index.ts'

export type StorageErrorCode =
  | 'STORAGE_LOCKED'
  | 'STORAGE_LAYOUT'
  | 'STORAGE_ADDRESS_MISMATCH'
  | 'STORAGE_CHUNK_TOO_LARGE'
  | 'STORAGE_FULL'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_IO'
  | 'STORAGE_CLOSED'

export class StorageError extends CodedError<StorageErrorCode> {}
