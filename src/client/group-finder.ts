/**
 * Finds the close group of an address: the witnessed lookup with width 20, then 7, then whoever is there. On a small
 * network the wide lookup always fails, so the width that worked is remembered for a while.
 */
import { type Clock, CodedError } from '../base/index.ts'
import type { Dht } from '../dht/index.ts'
import { type ChunkAddress, K_BUCKET_SIZE, keyOf, type PeerId } from '../protocol/index.ts'
import { type CloseGroup, chooseCloseGroup, unwitnessedGroup } from './close-group.ts'

export interface GroupFinderDeps {
  readonly dht: Pick<Dht, 'lookup' | 'witnessedCloseGroup' | 'tableSize'>
  readonly self: PeerId
  readonly clock: Clock
}

export interface GroupFinderOptions {
  readonly closeGroupWidth: number
  readonly closeGroupFallbackWidth: number
  readonly groupMemoryMs: number
}

export class GroupFinder {
  readonly #deps: GroupFinderDeps
  readonly #options: GroupFinderOptions
  /** Index into the widths at which the last walk succeeded, and until when that is believed. */
  #memory = { step: 0, until: Number.NEGATIVE_INFINITY }

  constructor(deps: GroupFinderDeps, options: GroupFinderOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** Peers known at this moment: with no more of them than the walk met, nobody is missing from the walk. */
  get knownPeers(): number {
    return this.#deps.dht.tableSize
  }

  /** `fresh`: forget what was remembered and start with the full width. An empty group means that nobody answered. */
  async find(address: ChunkAddress, { signal, fresh }: { signal: AbortSignal; fresh: boolean }): Promise<CloseGroup> {
    const { dht, self, clock } = this.#deps
    const { closeGroupWidth, closeGroupFallbackWidth, groupMemoryMs } = this.#options
    const target = keyOf(address)
    const widths = [closeGroupWidth, closeGroupFallbackWidth]
    // Once a walk has said how many peers there are, widths that must fail are left out.
    let found = Number.POSITIVE_INFINITY
    for (let step = fresh ? 0 : this.#firstStep(); step < widths.length; step++) {
      const count = widths[step] as number
      if (found < count) continue
      try {
        const group = await dht.witnessedCloseGroup(target, { count, viewSize: K_BUCKET_SIZE, signal })
        this.#memory = { step, until: clock.monotonic() + groupMemoryMs }
        return chooseCloseGroup(group, self, K_BUCKET_SIZE)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof CodedError)) throw error
        const { found: met } = error.data
        if (typeof met === 'number') found = met
      }
    }
    try {
      const { closest } = await dht.lookup(target, K_BUCKET_SIZE, { signal })
      // Not remembered when empty: an outage says nothing about the size of the network.
      if (closest.length > 0) this.#memory = { step: widths.length, until: clock.monotonic() + groupMemoryMs }
      return unwitnessedGroup(target, closest, self, K_BUCKET_SIZE)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
      return { targets: [], witnessed: 0 }
    }
  }

  #firstStep(): number {
    return this.#deps.clock.monotonic() < this.#memory.until ? this.#memory.step : 0
  }
}
