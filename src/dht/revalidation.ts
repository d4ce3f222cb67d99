/** Which entries must prove that they live, and how many passes may run (dht.md 4). Pure. */
import type { PeerId } from '../protocol/index.ts'
import { isStale } from './admission.ts'
import type { RoutingTable } from './routing-table.ts'

/** Members of the 20 closest that were silent too long: pinged at each self-lookup tick. */
export function staleClosest(table: RoutingTable, now: number, staleAfterMs: number): PeerId[] {
  return table
    .closestToSelf()
    .filter((entry) => isStale(entry, now, staleAfterMs))
    .map(({ peer }) => peer)
}

/** At most `limit` passes at once and one a bucket; who gets no place is refused, not queued. */
export class RevalidationPasses {
  readonly #limit: number
  readonly #buckets = new Set<number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get running(): number {
    return this.#buckets.size
  }

  /** The release of the place, or undefined when there is none. */
  tryBegin(bucket: number): (() => void) | undefined {
    if (this.#buckets.size >= this.#limit || this.#buckets.has(bucket)) return undefined
    this.#buckets.add(bucket)
    return () => this.#buckets.delete(bucket)
  }
}
