/**
 * How long keys have been out of this node's range (pure): nothing is pruned before it was out for days, and a restart
 * must not start those days again (replication.md 21 and 30.3). Time here is the monotonic clock, so a wall clock that
 * jumps changes nothing; between two runs the wall clock is believed for a while only.
 */
import { Buffer } from 'node:buffer'
import { concat, equal, fromUtf8, type InSlices, utf8 } from '../base/index.ts'
import { type ChunkAddress, chunkAddressOf, KEY_BYTES } from '../protocol/index.ts'
import { StorageError } from './errors.ts'

/** `record`: a stored key left the storage width. `paid`: a paid entry left the paid group. */
export const TIMER_KINDS = ['record', 'paid'] as const
export type TimerKind = (typeof TIMER_KINDS)[number]

export class OutOfRangeTimers {
  readonly #maxPerKind: number
  /** Monotonic ms at which the key was first seen out of range; negative when that was before this run. */
  readonly #since: Readonly<Record<TimerKind, Map<ChunkAddress, number>>> = { record: new Map(), paid: new Map() }
  #changes = 0

  constructor(maxPerKind: number) {
    this.#maxPerKind = maxPerKind
  }

  size(kind: TimerKind): number {
    return this.#since[kind].size
  }
  /** Grows with every timer that is started or cleared. */
  get changes(): number {
    return this.#changes
  }

  /**
   * The key is out of range: starts its timer or lets it run on. Milliseconds so far; 0 also when the table is full,
   * so that the key is kept until others have gone.
   */
  out(kind: TimerKind, address: ChunkAddress, now: number): number {
    const timers = this.#since[kind]
    const since = timers.get(address)
    if (since !== undefined) return now - since
    if (timers.size < this.#maxPerKind) {
      timers.set(address, now)
      this.#changes++
    }
    return 0
  }

  /** The key is in range again, or gone. */
  clear(kind: TimerKind, address: ChunkAddress): void {
    if (this.#since[kind].delete(address)) this.#changes++
  }

  /** Milliseconds out of range; undefined when it is not. */
  age(kind: TimerKind, address: ChunkAddress, now: number): number | undefined {
    const since = this.#since[kind].get(address)
    return since === undefined ? undefined : now - since
  }

  *entries(kind: TimerKind, now: number): IterableIterator<[address: ChunkAddress, ageMs: number]> {
    for (const [address, since] of this.#since[kind]) yield [address, now - since]
  }

  /** A timer of an earlier run; beyond the limit it is dropped. */
  restore(kind: TimerKind, address: ChunkAddress, ageMs: number, now: number): void {
    if (this.#since[kind].size < this.#maxPerKind) this.#since[kind].set(address, now - ageMs)
  }
}

const MAGIC = utf8('MXOR')
const VERSION = 1
const HEADER_BYTES = MAGIC.length + 4 + 8 + 4 * TIMER_KINDS.length
const ENTRY_BYTES = KEY_BYTES + 4
const DIGEST_BYTES = 32

export function timersFileBytes(maxPerKind: number): number {
  return HEADER_BYTES + TIMER_KINDS.length * maxPerKind * ENTRY_BYTES + DIGEST_BYTES
}

type Digest = (bytes: Uint8Array) => Uint8Array

/** Entries written in one go: some 2 ms. */
const SLICE = 4096

/**
 * `MXOR`, version u32, wall clock u64 ms, count u32 of each kind, then entries of address and age u32 s, then BLAKE3 of
 * all that; little-endian. In slices: timers that start or are cleared meanwhile are in it or not.
 */
export function* encodeTimers(
  timers: OutOfRangeTimers,
  at: { wall: number; monotonic: number },
  digest: Digest,
): InSlices<Uint8Array> {
  const room = TIMER_KINDS.reduce((sum, kind) => sum + timers.size(kind), 0)
  const bytes = Buffer.alloc(HEADER_BYTES + room * ENTRY_BYTES)
  bytes.set(MAGIC)
  bytes.writeUInt32LE(VERSION, 4)
  bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.floor(at.wall))), 8)
  let offset = HEADER_BYTES
  for (const [i, kind] of TIMER_KINDS.entries()) {
    let count = 0
    for (const [address, ageMs] of timers.entries(kind, at.monotonic)) {
      if (offset === bytes.length) break
      bytes.write(address, offset, 'hex')
      bytes.writeUInt32LE(Math.min(0xffff_ffff, Math.max(0, Math.floor(ageMs / 1000))), offset + KEY_BYTES)
      offset += ENTRY_BYTES
      if (++count % SLICE === 0) yield
    }
    bytes.writeUInt32LE(count, 16 + 4 * i)
  }
  const body = bytes.subarray(0, offset)
  return concat([body, digest(body)])
}

/** Adds what the file holds; the time since it was written counts up to `maxGapMs`. Throws STORAGE_BAD_FILE. */
export function decodeTimers(
  bytes: Uint8Array,
  into: OutOfRangeTimers,
  at: { wall: number; monotonic: number; maxGapMs: number },
  digest: Digest,
): void {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES))
  if (body.length < HEADER_BYTES || fromUtf8(body.subarray(0, 4)) !== fromUtf8(MAGIC))
    throw bad('it is no file of timers')
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  if (view.getUint32(4, true) !== VERSION) throw bad(`its version is ${view.getUint32(4, true)}, not ${VERSION}`)
  if (!equal(digest(body), bytes.subarray(body.length))) throw bad('its checksum does not fit')
  const counts = TIMER_KINDS.map((_, i) => view.getUint32(16 + 4 * i, true))
  if (counts.reduce((sum, count) => sum + count, 0) * ENTRY_BYTES !== body.length - HEADER_BYTES) {
    throw bad('its length does not fit its counts')
  }
  // A clock that was set back, or a node that was off for long: what nobody saw does not count.
  const gap = Math.min(at.maxGapMs, Math.max(0, at.wall - Number(view.getBigUint64(8, true))))
  let offset = HEADER_BYTES
  for (const [i, kind] of TIMER_KINDS.entries()) {
    for (let n = 0; n < (counts[i] as number); n++, offset += ENTRY_BYTES) {
      const ageMs = view.getUint32(offset + KEY_BYTES, true) * 1000 + gap
      into.restore(kind, chunkAddressOf(body.subarray(offset, offset + KEY_BYTES)), ageMs, at.monotonic)
    }
  }
}

function bad(why: string): StorageError {
  return new StorageError('STORAGE_BAD_FILE', `the file of prune timers is not used: ${why}`)
}
