/** A map of more than three chunks is itself encrypted until three remain (self-encryption.md 13 and 15). */
import type { Bytes } from '../base/index.ts'
import { bincodeSize, encodeBincode } from './bincode.ts'
import { MIN_CHUNKS } from './constants.ts'
import { type DataMap, type DataMapEntry, levelOf } from './data-map.ts'
import { SelfEncryptionError } from './errors.ts'
import type { ChunkPlan } from './plan.ts'

/**
 * Levels strictly rise and a map carries the level at which its chunks were sealed. `sealAll` encrypts the bytes of one
 * level without shrinking and returns its entries.
 */
export async function shrink(
  map: DataMap,
  sealAll: (bytes: Bytes, level: number) => Promise<readonly DataMapEntry[]>,
): Promise<DataMap> {
  let current = map
  while (current.entries.length > MIN_CHUNKS) {
    const level = levelOf(current) + 1
    current = { entries: await sealAll(encodeBincode(current), level), child: level }
  }
  return current
}

/**
 * From this many chunks on the first map itself needs four pieces. There the network's own writer makes maps that its
 * reader cannot follow, and nobody has tried how it reads ours. 157,132 chunks (658 GB) with the network's chunk size.
 */
export function firstUntestedCount(maxChunkBytes: number): number {
  return Math.floor((3 * maxChunkBytes - bincodeSize(0, false)) / (bincodeSize(1, false) - bincodeSize(0, false)))
}

/** Throws UNTESTED_SIZE unless the caller has asked for it. */
export function refuseUntested(plan: ChunkPlan, maxChunkBytes: number, allowed: boolean): void {
  const limit = firstUntestedCount(maxChunkBytes)
  if (allowed || plan.count <= MIN_CHUNKS || plan.count < limit) return
  const message = `a file of ${plan.count} chunks would be written in a form that other clients have not been tested with: the limit is ${limit - 1} chunks`
  throw new SelfEncryptionError('SELF_ENCRYPTION_UNTESTED_SIZE', message, { data: { count: plan.count, limit } })
}
