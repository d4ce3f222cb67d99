/** Keys in larger arrays, without garbage. Pure. */
import { Buffer } from 'node:buffer'
import { assert, hexInto } from '../../base/index.ts'
import { type ChunkAddress, KEY_BYTES, type PeerId } from '../../protocol/index.ts'

/** Writes the 32 bytes of a key's text at `offset`. */
export function writeKey(text: ChunkAddress | PeerId, into: Uint8Array, offset: number): void {
  assert(text.length === 2 * KEY_BYTES && hexInto(text, into, offset), 'a key has 64 hex digits')
}

/** As `chunkAddressOf`, and not remembered: a walk passes a million keys once. */
export function keyText(bytes: Uint8Array, offset: number): ChunkAddress {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, KEY_BYTES).toString('hex') as ChunkAddress
}

export function bitOf(bytes: Uint8Array, bit: number, offset = 0): 0 | 1 {
  return (((bytes[offset + (bit >>> 3)] as number) >>> (7 - (bit & 7))) & 1) as 0 | 1
}

/** Order of two keys that stand in larger arrays: negative, zero or positive. */
export function compareAt(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  for (let i = 0; i < KEY_BYTES; i++) {
    const difference = (a[aOffset + i] as number) - (b[bOffset + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}
