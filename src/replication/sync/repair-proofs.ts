/**
 * Which peer was told of which key, and when (replication.md 7.4): a digest audit may ask a peer only for keys that it
 * has had the time to fetch. Bounded by keys, the oldest leave. A table in plain memory, a row a key: some 150 bytes
 * where maps in a map take 700. Pure; `now` is monotonic milliseconds.
 */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type RepairProofOptions = Pick<
  ReplicationOptions,
  'closeGroupSize' | 'hintMaturityMs' | 'hintMaturityEpochs' | 'repairProofKeys'
>

const FIRST_ROWS = 64
/** In a place of a row where nobody is. */
const NOBODY = 0

export class RepairProofs {
  readonly #options: RepairProofOptions
  /** In the order in which they were first told. */
  readonly #rows = new Map<ChunkAddress, number>()
  /** The key of a row; undefined for a free one. */
  #keys: (ChunkAddress | undefined)[] = []
  readonly #free: number[] = []
  /** A number for each peer that is in a row; by number, who it is and in how many rows. */
  readonly #numbers = new Map<PeerId, number>()
  readonly #named: ({ readonly peer: PeerId; rows: number } | undefined)[] = [undefined]
  readonly #freeNumbers: number[] = []
  /** By row and place, as many places as a group has members. */
  #members = new Uint32Array(0)
  #epochs = new Uint32Array(0)
  #times = new Float64Array(0)

  constructor(options: RepairProofOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#rows.size
  }
  /** Peers that were told something. */
  get peers(): number {
    return this.#numbers.size
  }

  /**
   * The peer was hinted the key while `group` were its 7 closest. Proofs of others than these fall away; a repeated
   * hint keeps the time of the first.
   */
  told(key: ChunkAddress, peer: PeerId, group: readonly PeerId[], moment: { now: number; epoch: number }): void {
    this.groupChanged(key, group)
    if (!group.includes(peer) || this.#placeOf(key, peer) >= 0) return
    const row = this.#rowFor(key)
    const place = this.#members.indexOf(NOBODY, row * this.#width)
    this.#members[place] = this.#enter(peer)
    this.#epochs[place] = moment.epoch
    this.#times[place] = moment.now
    if (this.#rows.size > this.#options.repairProofKeys) this.keyRemoved(this.#rows.keys().next().value as ChunkAddress)
  }

  /** Peers that left the group lose their proof: should they come back they need a new hint. */
  groupChanged(key: ChunkAddress, group: readonly PeerId[]): void {
    const row = this.#rows.get(key)
    if (row === undefined) return
    const members = group.map((peer) => this.#numbers.get(peer))
    this.#dropFrom(key, row, (number) => !members.includes(number))
  }

  keyRemoved(key: ChunkAddress): void {
    const row = this.#rows.get(key)
    if (row !== undefined) this.#dropFrom(key, row, () => true)
  }

  peerRemoved(peer: PeerId): void {
    const number = this.#numbers.get(peer)
    if (number === undefined) return
    for (const [row, key] of this.#keys.entries())
      if (key !== undefined && this.#placeIn(row, number) >= 0) this.#dropFrom(key, row, (other) => other === number)
  }

  /** At least an hour ago, and a sync epoch has passed since. */
  mature(key: ChunkAddress, peer: PeerId, moment: { now: number; epoch: number }): boolean {
    const place = this.#placeOf(key, peer)
    if (place < 0) return false
    const { hintMaturityMs, hintMaturityEpochs } = this.#options
    const [at, epoch] = [this.#times[place] as number, this.#epochs[place] as number]
    return moment.now - at >= hintMaturityMs && moment.epoch - epoch >= hintMaturityEpochs
  }

  /** Keys a peer was told of, mature or not. Looks at all rows: a millisecond. */
  *keysTold(peer: PeerId): Iterable<ChunkAddress> {
    const number = this.#numbers.get(peer)
    if (number === undefined) return
    for (const [row, key] of this.#keys.entries()) if (key !== undefined && this.#placeIn(row, number) >= 0) yield key
  }

  get #width(): number {
    return this.#options.closeGroupSize
  }

  /** -1: it was not told. */
  #placeOf(key: ChunkAddress, peer: PeerId): number {
    const [row, number] = [this.#rows.get(key), this.#numbers.get(peer)]
    return row === undefined || number === undefined ? -1 : this.#placeIn(row, number)
  }

  /** -1: not in this row. */
  #placeIn(row: number, number: number): number {
    const from = row * this.#width
    for (let place = from; place < from + this.#width; place++) if (this.#members[place] === number) return place
    return -1
  }

  #rowFor(key: ChunkAddress): number {
    let row = this.#rows.get(key)
    if (row !== undefined) return row
    row = this.#free.pop() ?? this.#keys.length
    if ((row + 1) * this.#width > this.#members.length) this.#grow()
    this.#keys[row] = key
    this.#rows.set(key, row)
    return row
  }

  #grow(): void {
    const places = Math.max(FIRST_ROWS * this.#width, this.#members.length * 2)
    const grown = <T extends { set(from: T): void }>(old: T, wider: T) => {
      wider.set(old)
      return wider
    }
    this.#members = grown(this.#members, new Uint32Array(places))
    this.#epochs = grown(this.#epochs, new Uint32Array(places))
    this.#times = grown(this.#times, new Float64Array(places))
  }

  /** The number of a peer that comes into one more row. */
  #enter(peer: PeerId): number {
    let number = this.#numbers.get(peer)
    if (number === undefined) {
      number = this.#freeNumbers.pop() ?? this.#named.length
      this.#numbers.set(peer, number)
      this.#named[number] = { peer, rows: 0 }
    }
    ;(this.#named[number] as { rows: number }).rows++
    return number
  }

  #leave(number: number): void {
    const named = this.#named[number]
    if (!named || --named.rows > 0) return
    this.#numbers.delete(named.peer)
    this.#named[number] = undefined
    this.#freeNumbers.push(number)
  }

  /** The row is free when nobody is left in it. */
  #dropFrom(key: ChunkAddress, row: number, drops: (number: number) => boolean): void {
    const from = row * this.#width
    let left = 0
    for (let place = from; place < from + this.#width; place++) {
      const number = this.#members[place] as number
      if (number === NOBODY) continue
      if (!drops(number)) {
        left++
        continue
      }
      this.#members[place] = NOBODY
      this.#leave(number)
    }
    if (left > 0) return
    this.#rows.delete(key)
    this.#keys[row] = undefined
    this.#free.push(row)
  }
}
