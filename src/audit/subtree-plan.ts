/** Which part of a tree an audit looks at (replication.md 16.1): follows from the nonce, about sqrt(N) leaves. Pure. */
import { ceilLog2 } from '../crypto/index.ts'
import { MAX_COMMITMENT_KEYS } from '../protocol/index.ts'

/** Smaller trees are audited whole. */
const WHOLE_TREE_KEYS = 4

export interface SubtreePlan {
  /** Number of the subtree, counted in spans. */
  readonly slot: number
  readonly firstLeaf: number
  /** One after the last leaf. */
  readonly endLeaf: number
  /** Levels above the subtree's top: the number of sibling cut hashes. */
  readonly depth: number
}

/** Leaves of a full subtree: a power of two, at most 1024. */
export function subtreeSpan(keyCount: number): number {
  if (keyCount <= WHOLE_TREE_KEYS) return 2 ** ceilLog2(keyCount)
  return 2 ** ceilLog2(ceilSqrt(keyCount))
}

/** undefined for a count that no valid commitment has. `nonce` has 32 bytes. */
export function subtreePlan(nonce: Uint8Array, keyCount: number): SubtreePlan | undefined {
  if (!Number.isInteger(keyCount) || keyCount < 1 || keyCount > MAX_COMMITMENT_KEYS) return undefined
  const span = subtreeSpan(keyCount)
  const slots = Math.ceil(keyCount / span)
  const draw = new DataView(nonce.buffer, nonce.byteOffset, 8).getBigUint64(0, true)
  const slot = Number(draw % BigInt(slots))
  const firstLeaf = slot * span
  return {
    slot,
    firstLeaf,
    endLeaf: Math.min(firstLeaf + span, keyCount),
    depth: ceilLog2(keyCount) - ceilLog2(span),
  }
}

/** Exact: a square root of doubles could round up to the next whole number or down below one. */
function ceilSqrt(value: number): number {
  let root = Math.floor(Math.sqrt(value))
  while (root * root < value) root++
  while ((root - 1) * (root - 1) >= value) root--
  return root
}
