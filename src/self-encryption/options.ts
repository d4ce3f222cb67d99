import { KiB, MiB } from '../base/index.ts'
import { MAX_PLAIN_CHUNK_BYTES } from './constants.ts'

export interface SelfEncryptionLimits {
  /** Plain bytes of a chunk. Tests lower it so that small inputs have many levels; every other value is incompatible. */
  readonly maxChunkBytes: number
  /** Chunks with fewer plain bytes are sealed and opened on the calling thread. */
  readonly inlineBelowBytes: number
  /** Chunks fetched and opened ahead of the reader. */
  readonly batch: number
  /** Plain bytes of those. */
  readonly aheadBytes: number
  /** Bytes of one level of a data map that a reader accepts. */
  readonly maxMapBytes: number
}

export const selfEncryptionDefaults: SelfEncryptionLimits = Object.freeze({
  maxChunkBytes: MAX_PLAIN_CHUNK_BYTES,
  // A seal of 32 KiB takes 0.3 ms natively: ten times a trip to a thread, and still no pause that a node would notice.
  inlineBelowBytes: 32 * KiB,
  // The network's own default.
  batch: 10,
  // Eight full chunks: what one reader holds. More cores than four do not read one file faster than a disk does.
  aheadBytes: 32 * MiB,
  // Enough for the 157,132 entries (658 GB) up to which clients write alike.
  maxMapBytes: 12 * MiB,
})
