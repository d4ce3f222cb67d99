/** One bucket: at most k entries, the tail is the most recently alive (Maymounkov and Mazieres, 2002, 2.2). Pure. */
import type { Key, PeerId, TypedAddress } from '../protocol/index.ts'
import type { Publication } from './publication.ts'

export interface TableEntry {
  readonly peer: PeerId
  readonly key: Key
  addresses: readonly TypedAddress[]
  /** Monotonic milliseconds of the last sign of life that counts (dht.md 4). */
  lastSeen: number
  /** What the owner has published; gone with the entry. */
  publication: Publication | undefined
}

export class KBucket {
  readonly #entries: TableEntry[] = []
  /** When a peer of this bucket last was alive; start time at creation. */
  lastLive: number
  /** When the last refresh walk of this bucket ended, however it ended. */
  lastProbe: number

  constructor(now: number) {
    this.lastLive = now
    this.lastProbe = now
  }

  get size(): number {
    return this.#entries.length
  }
  get entries(): readonly TableEntry[] {
    return this.#entries
  }
  find(peer: PeerId): TableEntry | undefined {
    return this.#entries.find((entry) => entry.peer === peer)
  }
  append(entry: TableEntry): void {
    this.#entries.push(entry)
    this.lastLive = Math.max(this.lastLive, entry.lastSeen)
  }
  remove(peer: PeerId): TableEntry | undefined {
    const index = this.#entries.findIndex((entry) => entry.peer === peer)
    return index < 0 ? undefined : this.#entries.splice(index, 1)[0]
  }
  /** Refreshes liveness and moves to the tail. */
  touch(peer: PeerId, now: number): TableEntry | undefined {
    const entry = this.remove(peer)
    if (!entry) return undefined
    entry.lastSeen = now
    this.append(entry)
    return entry
  }
}
