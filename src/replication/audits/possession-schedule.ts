/** When to ask the targets of a fresh key whether they hold it (replication.md 6). Bounded. Pure. */
import { type Random, randomBetween } from '../../base/index.ts'
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { IndexedHeap, type Placed } from '../verify/indexed-heap.ts'

export type PossessionOptions = Pick<
  ReplicationOptions,
  'possessionDelayMinMs' | 'possessionDelayMaxMs' | 'possessionWaiting'
>

export interface PossessionCheck {
  readonly key: ChunkAddress
  readonly peers: readonly PeerId[]
}

interface Waiting extends PossessionCheck, Placed<'place'> {
  readonly dueAt: number
}

export class PossessionSchedule {
  readonly #options: PossessionOptions
  readonly #due = new IndexedHeap<'place', Waiting>('place', (a, b) => a.dueAt < b.dueAt)

  constructor(options: PossessionOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#due.size
  }
  get nextAt(): number | undefined {
    return this.#due.peek()?.dueAt
  }

  /** false: too many wait; the copies are made all the same. */
  add({ key, peers }: PossessionCheck, now: number, random: Random): boolean {
    const { possessionDelayMinMs, possessionDelayMaxMs, possessionWaiting } = this.#options
    if (this.#due.size >= possessionWaiting || peers.length === 0) return false
    this.#due.push({
      key,
      peers,
      dueAt: now + randomBetween(random, possessionDelayMinMs, possessionDelayMaxMs),
      place: -1,
    })
    return true
  }

  /** Checks whose time has come; to be made only for keys that are still held. */
  takeDue(now: number, limit: number): PossessionCheck[] {
    const due: PossessionCheck[] = []
    for (let next = this.#due.peek(); next && next.dueAt <= now && due.length < limit; next = this.#due.peek()) {
      this.#due.pop()
      due.push({ key: next.key, peers: next.peers })
    }
    return due
  }
}
