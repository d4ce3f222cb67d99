/**
 * When a node that joined has caught up (replication.md 12.1, 12.2): the neighbours of the first moment have been asked,
 * and what they hinted has been dealt with. Until then we say that we are bootstrapping. Always ends. Pure; `now` is
 * monotonic milliseconds.
 */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type DrainOptions = Pick<ReplicationOptions, 'bootstrapGateMs' | 'drainBatch' | 'overflowExpiryMs' | 'syncScope'>

/** The pipeline's state at the moment of the call. */
export interface DrainFacts {
  /** Pending, queued or in flight. */
  has(key: ChunkAddress): boolean
  /** Some hints of the source found no room and were not repeated since. */
  capacityRejected(source: PeerId): boolean
}

export class BootstrapDrain {
  readonly #options: DrainOptions
  readonly #startedAt: number
  #gateOpen = false
  #begunAt: number | undefined
  #drained = false
  #unasked: PeerId[] = []
  #sources: readonly PeerId[] = []
  readonly #outstanding = new Set<PeerId>()
  /** In the order of their discovery; those at the front that are done leave at each check. */
  readonly #keys = new Set<ChunkAddress>()

  constructor(options: DrainOptions, now: number) {
    this.#options = options
    this.#startedAt = now
  }

  /** What our messages say about us; no audits go out and none are answered. */
  get bootstrapping(): boolean {
    return !this.#drained
  }
  /** Rounds of verification wait while the first questions are on their way. */
  get verificationWaits(): boolean {
    return this.#outstanding.size > 0
  }

  /** The neighbours of the first moment have answered, or did not. */
  get asked(): boolean {
    return this.#begunAt !== undefined && this.#unasked.length === 0 && this.#outstanding.size === 0
  }

  /** The table has joined, or will not. */
  bootstrapComplete(): void {
    this.#gateOpen = true
  }

  /** Time to take the snapshot of the closest: once. */
  mayBegin(now: number): boolean {
    if (this.#begunAt !== undefined) return false
    return this.#gateOpen || now - this.#startedAt >= this.#options.bootstrapGateMs
  }

  /** The closest to self; none: there is nothing to catch up with. */
  begin(neighbours: readonly PeerId[], now: number): void {
    if (this.#begunAt !== undefined) return
    this.#begunAt = now
    this.#sources = neighbours.slice(0, this.#options.syncScope)
    this.#unasked = [...this.#sources]
    this.#drained = neighbours.length === 0
  }

  /** The next 4 to sync with, when the batch before is done. */
  nextBatch(): PeerId[] {
    if (this.#outstanding.size > 0) return []
    const batch = this.#unasked.splice(0, this.#options.drainBatch)
    for (const peer of batch) this.#outstanding.add(peer)
    return batch
  }

  /** The end of a sync of a batch, with the keys that were admitted; none when it failed. */
  synced(peer: PeerId, admitted: Iterable<ChunkAddress>): void {
    if (!this.#outstanding.delete(peer)) return
    for (const key of admitted) this.#keys.add(key)
  }

  /** true from the moment the node has caught up; asked every 5 s. */
  check(facts: DrainFacts, now: number): boolean {
    if (this.#drained || this.#begunAt === undefined) return this.#drained
    // A source that over-hints, or repeats a key for ever, keeps us no longer than this.
    const expired = now - this.#begunAt >= this.#options.overflowExpiryMs
    this.#drained =
      expired || (this.asked && this.#keysDone(facts) && !this.#sources.some((peer) => facts.capacityRejected(peer)))
    if (this.#drained) this.#keys.clear()
    return this.#drained
  }

  /** Stops at the first key that is not done, so that all checks together look at each key once. */
  #keysDone(facts: DrainFacts): boolean {
    for (const key of this.#keys) {
      if (facts.has(key)) return false
      this.#keys.delete(key)
    }
    return true
  }
}
