/** What every client of the network agrees on (self_encryption 0.36.2). Never options. */
import { KiB, MiB } from '../base/index.ts'

/** Plain bytes of a chunk; only the last of three chunks may have one more. */
export const MAX_PLAIN_CHUNK_BYTES = 4 * MiB - 4 * KiB
/** Fewer bytes cannot be self-encrypted. */
export const MIN_PLAIN_BYTES = 3
/** A chunk's key comes from three source hashes; a map of this many entries is not shrunk any more. */
export const MIN_CHUNKS = 3
/** Levels of maps in maps that are followed down. */
export const MAX_UNSHRINK_ROUNDS = 100
