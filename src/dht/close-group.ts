/** The nearest of a list by XOR distance. Pure. */
import { compareDistance } from '../protocol/index.ts'

export interface Located {
  readonly key: Uint8Array
}

/**
 * The `count` nearest to the target, nearest first. Different keys never tie. A sorted window of `count` is kept, so
 * most members of a large list cost one comparison.
 */
export function closest<T extends Located>(target: Uint8Array, members: Iterable<T>, count: number): T[] {
  const nearest: T[] = []
  if (count <= 0) return nearest
  for (const member of members) {
    if (nearest.length === count) {
      if (compareDistance(target, member.key, (nearest[count - 1] as T).key) >= 0) continue
      nearest.pop()
    }
    nearest.splice(insertionPoint(target, nearest, member.key), 0, member)
  }
  return nearest
}

/** Index in a list sorted by distance before which a key belongs. */
export function insertionPoint(target: Uint8Array, sorted: readonly Located[], key: Uint8Array): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareDistance(target, (sorted[middle] as Located).key, key) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
