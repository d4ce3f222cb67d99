/**
 * Single nodes of the BLAKE3 tree (O'Connor et al., 2020, sections 2.2 to 2.5), which no hash call gives. Plain code:
 * it proves slices of 28 compressions on any backend, and cuts them on the judge.
 */
import { AUDIT_BLOCK_BYTES, blockCount, leftChunks } from './blocks.ts'

/** Eight words. */
export type ChainingValue = Uint32Array

const IV = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
)
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
const ROUNDS = 7
const COMPRESSED_BYTES = 64
const CHUNK_START = 1
const CHUNK_END = 2
const PARENT = 4
const ROOT = 8

/** Which message word goes where in each round. */
const SCHEDULE = schedule()
/** Used by one call at a time: nothing here waits. */
const state = new Uint32Array(16)
const words = new Uint32Array(16)

/** Value of one chunk, of at most 1024 bytes; as `root` it is the hash of a content of one chunk. */
export function chunkValue(chunk: Uint8Array, counter: number, root = false): ChainingValue {
  const value = IV.slice()
  const blocks = Math.max(1, Math.ceil(chunk.length / COMPRESSED_BYTES))
  for (let i = 0; i < blocks; i++) {
    const start = i * COMPRESSED_BYTES
    const length = Math.min(COMPRESSED_BYTES, chunk.length - start)
    load(chunk, start, length)
    const last = i === blocks - 1 ? CHUNK_END | (root ? ROOT : 0) : 0
    compress(value, counter, length, (i === 0 ? CHUNK_START : 0) | last)
  }
  return value
}

/** Value of a node over two subtrees; as `root` it is the hash of the content. */
export function parentValue(left: ChainingValue, right: ChainingValue, root = false): ChainingValue {
  const value = IV.slice()
  words.set(left, 0)
  words.set(right, 8)
  compress(value, 0, COMPRESSED_BYTES, PARENT | (root ? ROOT : 0))
  return value
}

/** 32 bytes as eight little-endian words. */
export function readValue(bytes: Uint8Array, offset = 0): ChainingValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 32)
  return Uint32Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true))
}

/** The other way: writes 32 bytes at `offset`. */
export function writeValue(value: ChainingValue, out: Uint8Array, offset = 0): void {
  const view = new DataView(out.buffer, out.byteOffset + offset, 32)
  for (let i = 0; i < 8; i++) view.setUint32(4 * i, value[i] as number, true)
}

/** Value of the subtree over `part`, whose first chunk has number `counter`. */
export function subtreeValue(part: Uint8Array, counter: number): ChainingValue {
  const chunks = blockCount(part.length)
  if (chunks === 1) return chunkValue(part, counter)
  const left = leftChunks(chunks)
  const split = left * AUDIT_BLOCK_BYTES
  return parentValue(subtreeValue(part.subarray(0, split), counter), subtreeValue(part.subarray(split), counter + left))
}

function load(bytes: Uint8Array, start: number, length: number): void {
  words.fill(0)
  for (let i = 0; i < length; i++) {
    const word = i >> 2
    words[word] = (words[word] as number) | ((bytes[start + i] as number) << (8 * (i & 3)))
  }
}

/** Section 2.2, into `value`; the message is in `words`. Counters stay far below 2^32 here. */
function compress(value: ChainingValue, counter: number, length: number, flags: number): void {
  state.set(value, 0)
  state.set(IV.subarray(0, 4), 8)
  state[12] = counter
  state[13] = 0
  state[14] = length
  state[15] = flags
  for (let round = 0; round < ROUNDS; round++) {
    const at = round * 16
    mix(0, 4, 8, 12, at)
    mix(1, 5, 9, 13, at + 2)
    mix(2, 6, 10, 14, at + 4)
    mix(3, 7, 11, 15, at + 6)
    mix(0, 5, 10, 15, at + 8)
    mix(1, 6, 11, 12, at + 10)
    mix(2, 7, 8, 13, at + 12)
    mix(3, 4, 9, 14, at + 14)
  }
  for (let i = 0; i < 8; i++) value[i] = (state[i] as number) ^ (state[i + 8] as number)
}

function mix(a: number, b: number, c: number, d: number, at: number): void {
  const x = words[SCHEDULE[at] as number] as number
  const y = words[SCHEDULE[at + 1] as number] as number
  let [sa, sb, sc, sd] = [state[a] as number, state[b] as number, state[c] as number, state[d] as number]
  sa = (sa + sb + x) | 0
  sd = rotate(sd ^ sa, 16)
  sc = (sc + sd) | 0
  sb = rotate(sb ^ sc, 12)
  sa = (sa + sb + y) | 0
  sd = rotate(sd ^ sa, 8)
  sc = (sc + sd) | 0
  sb = rotate(sb ^ sc, 7)
  state[a] = sa
  state[b] = sb
  state[c] = sc
  state[d] = sd
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

function schedule(): Uint8Array {
  const order = new Uint8Array(16 * ROUNDS)
  for (let i = 0; i < 16; i++) order[i] = i
  for (let i = 16; i < order.length; i++) {
    order[i] = order[i - 16 - (i % 16) + (PERMUTATION[i % 16] as number)] as number
  }
  return order
}
