/** Where a file is cut (self-encryption.md 3) and which hashes make a chunk's key (4). Pure. */
import { assert } from '../base/index.ts'
import { MAX_PLAIN_CHUNK_BYTES, MIN_CHUNKS, MIN_PLAIN_BYTES } from './constants.ts'
import { SelfEncryptionError } from './errors.ts'

/** Below this a map's own map would not be smaller than itself, and shrinking would never end. */
const LEAST_MAX_CHUNK_BYTES = 128

export interface ChunkPlan {
  /** Plain bytes of the whole. */
  readonly size: number
  readonly count: number
  /** Bytes of every chunk but the last; chunk i starts at i times this. */
  readonly step: number
}

/** `max` is a parameter for tests only. */
export function planChunks(size: number, max: number = MAX_PLAIN_CHUNK_BYTES): ChunkPlan {
  assert(max >= LEAST_MAX_CHUNK_BYTES, `chunks of ${max} bytes: maps cannot shrink below ${LEAST_MAX_CHUNK_BYTES}`)
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new SelfEncryptionError('SELF_ENCRYPTION_TOO_LARGE', `cannot encrypt ${size} bytes: the most is 2^53 - 1`)
  }
  if (size < MIN_PLAIN_BYTES) {
    const message = `${size} bytes are too small to self-encrypt: at least ${MIN_PLAIN_BYTES} are needed`
    throw new SelfEncryptionError('SELF_ENCRYPTION_TOO_SMALL', message, { data: { size, least: MIN_PLAIN_BYTES } })
  }
  if (size < 3 * max) return { size, count: 3, step: Math.floor(size / 3) }
  return { size, count: Math.ceil(size / max), step: max }
}

export function chunkOffset(plan: ChunkPlan, index: number): number {
  return index * plan.step
}

export function chunkSize(plan: ChunkPlan, index: number): number {
  return index === plan.count - 1 ? plan.size - index * plan.step : plan.step
}

/** Indexes of the two neighbours of chunk `index` among `count`, in the order in which they enter the key. */
export function neighbours(index: number, count: number): readonly [number, number] {
  if (count < MIN_CHUNKS) {
    const message = `chunk ${index} of ${count}: a key needs the hashes of at least ${MIN_CHUNKS} chunks`
    throw new SelfEncryptionError('SELF_ENCRYPTION_TOO_FEW_CHUNKS', message, { data: { index, count } })
  }
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
    const message = `chunk ${index} is out of bounds: the map has ${count} chunks`
    throw new SelfEncryptionError('SELF_ENCRYPTION_INDEX', message, { data: { index, count } })
  }
  if (index === 0) return [count - 1, count - 2]
  if (index === 1) return [0, count - 1]
  return [index - 1, index - 2]
}
