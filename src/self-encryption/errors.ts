import { CodedError } from '../base/index.ts'

/**
 * Writing: TOO_SMALL under 3 bytes. TOO_LARGE beyond 2^53 - 1 bytes. UNTESTED_SIZE where other clients' readers have
 * never been tried. SOURCE_SHORT, SOURCE_LONG: not the announced size.
 * One chunk: AUTHENTICATION (tag), SIZE (not as declared), SOURCE_HASH, COMPRESSION, INDEX (no such chunk in the map),
 * TOO_FEW_CHUNKS (no keys from fewer than three), MISSING_CHUNK (not fetched), ALTERED_CHUNK (not its address).
 * Maps: MAP_DECODE, MAP_VERSION, MAP_INDEX (gap or repeat), MAP_OVERFLOW (sizes beyond u64), MAP_LIMIT (larger than we
 * read), MAP_LEVEL (child levels that do not fall), MAP_DEPTH (more than 100 levels).
 */
export type SelfEncryptionErrorCode =
  | 'SELF_ENCRYPTION_TOO_SMALL'
  | 'SELF_ENCRYPTION_TOO_LARGE'
  | 'SELF_ENCRYPTION_UNTESTED_SIZE'
  | 'SELF_ENCRYPTION_SOURCE_SHORT'
  | 'SELF_ENCRYPTION_SOURCE_LONG'
  | 'SELF_ENCRYPTION_AUTHENTICATION'
  | 'SELF_ENCRYPTION_SIZE'
  | 'SELF_ENCRYPTION_SOURCE_HASH'
  | 'SELF_ENCRYPTION_COMPRESSION'
  | 'SELF_ENCRYPTION_INDEX'
  | 'SELF_ENCRYPTION_TOO_FEW_CHUNKS'
  | 'SELF_ENCRYPTION_MISSING_CHUNK'
  | 'SELF_ENCRYPTION_ALTERED_CHUNK'
  | 'SELF_ENCRYPTION_MAP_DECODE'
  | 'SELF_ENCRYPTION_MAP_VERSION'
  | 'SELF_ENCRYPTION_MAP_INDEX'
  | 'SELF_ENCRYPTION_MAP_OVERFLOW'
  | 'SELF_ENCRYPTION_MAP_LIMIT'
  | 'SELF_ENCRYPTION_MAP_LEVEL'
  | 'SELF_ENCRYPTION_MAP_DEPTH'

export class SelfEncryptionError extends CodedError<SelfEncryptionErrorCode> {}
