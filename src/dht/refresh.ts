/** Which buckets to walk next, and where in them (dht.md 13). Pure. */
import type { Random } from '../base/index.ts'
import type { Key } from '../protocol/index.ts'

export interface BucketStamps {
  readonly lastLive: number
  readonly lastProbe: number
}

/**
 * Indexes of the `count` buckets with the largest debt: the younger of their two stamps' ages plus up to `jitterMs`.
 * Ties: older live stamp, older probe, lower index.
 */
export function chooseBuckets(
  buckets: readonly BucketStamps[],
  options: { count: number; now: number; jitterMs: number; random: Random },
): number[] {
  const { count, now, jitterMs, random } = options
  return buckets
    .map(({ lastLive, lastProbe }, index) => {
      const debt = Math.min(now - lastLive, now - lastProbe) + random.float() * jitterMs
      return { index, debt, lastLive, lastProbe }
    })
    .sort((a, b) => b.debt - a.debt || a.lastLive - b.lastLive || a.lastProbe - b.lastProbe || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index)
}

/** A random key whose common prefix with `self` is exactly `index` bits; undefined when there is no such bucket. */
export function randomKeyInBucket(self: Key, index: number, random: Random): Key | undefined {
  if (!Number.isInteger(index) || index < 0 || index > 255) return undefined
  const key = random.bytes(self.length)
  const whole = index >> 3
  key.set(self.subarray(0, whole))
  const bit = 0x80 >> (index & 7)
  const kept = 0xff & ~((bit << 1) - 1)
  const own = self[whole] as number
  const below = bit - 1
  key[whole] = (own & kept) | (~own & bit) | ((key[whole] as number) & below)
  return key
}
