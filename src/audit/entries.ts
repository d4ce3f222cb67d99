/** What a commitment covers: keys in ascending order, each a chunk's or a pointer's. One flat buffer and one bit a key. */
import { Buffer } from 'node:buffer'
import type { Bytes, InSlices } from '../base/index.ts'
import { type ChunkAddress, KEY_BYTES, MAX_COMMITMENT_KEYS } from '../protocol/index.ts'

export interface CommitmentEntries {
  readonly count: number
  /** 32 bytes a key, strictly ascending. */
  readonly keys: Uint8Array
  /** Bit i mod 8 of byte i / 8: entry i is a pointer. */
  readonly pointers: Uint8Array
}

/** Steps of sorting and copying between two pauses: some 200 us. */
const STEPS = 4096

export function isPointer({ pointers }: CommitmentEntries, index: number): boolean {
  return (((pointers[index >> 3] as number) >> (index & 7)) & 1) === 1
}

/** View of one key. */
export function entryKey({ keys }: CommitmentEntries, index: number): Uint8Array {
  return keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)
}

/** Index of a key, by halving; undefined when it is not among them. */
export function indexOfKey({ keys, count }: CommitmentEntries, key: Uint8Array): number | undefined {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareAt(keys, middle * KEY_BYTES, key, 0)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle
  }
  return undefined
}

export function compareAt(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const difference = (a[aAt + i] as number) - (b[bAt + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * Sorts, drops duplicates (of a chunk and a pointer with one address the chunk stays) and keeps the first 1 000 000.
 * Addresses are read once; `limit` is for tests.
 */
export function* sortedEntries(
  chunks: Iterable<ChunkAddress>,
  pointerAddresses: Iterable<ChunkAddress> = [],
  limit: number = MAX_COMMITMENT_KEYS,
): InSlices<CommitmentEntries> {
  const raw = new RawKeys()
  for (const address of chunks) if (raw.push(address) % STEPS === 0) yield
  const firstPointer = raw.count
  for (const address of pointerAddresses) if (raw.push(address) % STEPS === 0) yield
  const order = yield* sorted(raw.bytes, raw.count)

  const keys = new Uint8Array(Math.min(raw.count, limit) * KEY_BYTES)
  const pointers = new Uint8Array(Math.ceil(keys.length / KEY_BYTES / 8))
  let count = 0
  for (let i = 0; i < order.length && count < limit; i++) {
    const place = order[i] as number
    const at = place * KEY_BYTES
    if (count > 0 && compareAt(raw.bytes, at, keys, (count - 1) * KEY_BYTES) === 0) continue
    keys.set(raw.bytes.subarray(at, at + KEY_BYTES), count * KEY_BYTES)
    if (place >= firstPointer) pointers[count >> 3] = (pointers[count >> 3] as number) | (1 << (count & 7))
    count++
    if (i % STEPS === 0) yield
  }
  // Most often nothing was dropped, and 32 MB need not be copied once more.
  const whole = count * KEY_BYTES === keys.length
  return {
    count,
    keys: whole ? keys : keys.slice(0, count * KEY_BYTES),
    pointers: pointers.slice(0, Math.ceil(count / 8)),
  }
}

/** Grows by doubling. */
class RawKeys {
  bytes: Bytes = new Uint8Array(1024 * KEY_BYTES)
  count = 0

  /** Gives the count after it. */
  push(address: ChunkAddress): number {
    const at = this.count * KEY_BYTES
    if (at === this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    // Ten times as fast as digit by digit: a million of them are read each hour.
    Buffer.from(this.bytes.buffer, at, KEY_BYTES).write(address, 'hex')
    return ++this.count
  }
}

/** Numbers of the keys in ascending order; equal keys keep theirs. A merge sort, because one can stop in the middle. */
function* sorted(keys: Uint8Array, count: number): InSlices<Uint32Array> {
  let [from, to] = [new Uint32Array(count), new Uint32Array(count)]
  // The first four bytes of each key decide nearly always; read as one number they do so twice as fast.
  const prefixes = new Uint32Array(count)
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength)
  for (let i = 0; i < count; i++) {
    from[i] = i
    prefixes[i] = view.getUint32(i * KEY_BYTES)
    if (i % STEPS === 0) yield
  }
  const inOrder = (left: number, right: number): boolean => {
    const difference = (prefixes[left] as number) - (prefixes[right] as number)
    return difference < 0 || (difference === 0 && compareAt(keys, left * KEY_BYTES, keys, right * KEY_BYTES) <= 0)
  }
  let steps = 0
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const [middle, end] = [Math.min(start + width, count), Math.min(start + 2 * width, count)]
      let [left, right] = [start, middle]
      for (let out = start; out < end; out++) {
        const takeLeft = right >= end || (left < middle && inOrder(from[left] as number, from[right] as number))
        to[out] = from[takeLeft ? left++ : right++] as number
        if (++steps % STEPS === 0) yield
      }
    }
    ;[from, to] = [to, from]
  }
  return from
}
