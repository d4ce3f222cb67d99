/** Bytes that are all in memory, cut by a plan; and the entries that came of it. */
import type { Bytes } from '../base/index.ts'
import type { ChunkAddress } from '../protocol/index.ts'
import type { DataMapEntry } from './data-map.ts'
import { type ChunkPlan, chunkOffset, chunkSize } from './plan.ts'

/** Copies. */
export function cut(bytes: Uint8Array, plan: ChunkPlan): Bytes[] {
  return Array.from({ length: plan.count }, (_, index) => {
    const start = chunkOffset(plan, index)
    return Uint8Array.from(bytes.subarray(start, start + chunkSize(plan, index)))
  })
}

export function entriesOf(
  plan: ChunkPlan,
  sources: readonly Bytes[],
  addresses: readonly ChunkAddress[],
): DataMapEntry[] {
  return sources.map((source, index) => {
    return { index, address: addresses[index] as ChunkAddress, source, size: chunkSize(plan, index) }
  })
}
