import { CodedError } from '../base/index.ts'

export type StorageErrorCode =
  /** Another opener holds the folder. */
  | 'STORAGE_LOCKED'
  /** The folder is not one that this version may open. */
  | 'STORAGE_LAYOUT'
  | 'STORAGE_ADDRESS_MISMATCH'
  | 'STORAGE_CHUNK_TOO_LARGE'
  /** Free space would fall below the reserve, the disk has none left, or a memory store is at its limit. */
  | 'STORAGE_FULL'
  /** The stored bytes did not match their address; they are gone now. */
  | 'STORAGE_CORRUPT'
  | 'STORAGE_IO'
  /** The disk takes no writes for now: mounted read-only (also at the start), full of errors, or not there. Nothing was tried. */
  | 'STORAGE_READ_ONLY'
  | 'STORAGE_FAILING'
  | 'STORAGE_GONE'
  /** A small file of the node makes no sense; it is ignored as a whole. */
  | 'STORAGE_BAD_FILE'
  /** Too many operations wait for one shard. */
  | 'STORAGE_BUSY'
  /** Used before start or after stop. */
  | 'STORAGE_CLOSED'

export class StorageError extends CodedError<StorageErrorCode> {}
