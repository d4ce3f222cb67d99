/**
 * Whether an upheaval may come now (pure): a network may lose some holders of a chunk, not all, and a verdict on a chunk
 * whose last copy was destroyed here would say nothing of the nodes.
 */
import type { UpheavalKind } from './plan.ts'

/** Of the seven holders of a chunk so many may be out at a time. */
export const MOST_OUT = 3
/** Sound copies, on nodes that are in or will come back, that destruction leaves. */
export const LEAST_SOUND = 4

export interface Situation {
  /** Slots with a sound copy of each confirmed chunk on their disks, whether they are in or not. */
  readonly holders: ReadonlyMap<string, ReadonlySet<number>>
  /** Slots that cannot be read from just now. */
  readonly out: ReadonlySet<number>
}

/** Those that take a copy for ever. */
const DESTROYS: readonly UpheavalKind[] = ['corrupt', 'replace']
/** Those that take a node out; a full disk and a cut between two nodes leave it readable. */
const TAKES_OUT: readonly UpheavalKind[] = ['kill', 'restart', 'freeze', 'vanish', 'isolate', 'corrupt', 'replace']

/** Why not; undefined when it may. */
export function objection(kind: UpheavalKind, slot: number, { holders, out }: Situation): string | undefined {
  if (!TAKES_OUT.includes(kind)) return undefined
  for (const [address, slots] of holders) {
    if (!slots.has(slot)) continue
    const short = address.slice(0, 8)
    if (DESTROYS.includes(kind) && slots.size - 1 < LEAST_SOUND)
      return `chunk ${short} has only ${slots.size} sound copies`
    let outHolders = out.has(slot) ? 0 : 1
    for (const holder of slots) if (out.has(holder)) outHolders++
    if (outHolders > MOST_OUT) return `${outHolders - 1} holders of chunk ${short} are out already`
    if (outHolders >= slots.size) return `no holder of chunk ${short} would be left`
  }
  return undefined
}
