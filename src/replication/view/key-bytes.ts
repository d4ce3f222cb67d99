/** Keys between text and bytes without garbage: `keyOf` costs 2 us a key, too much for cycles of 8 192. Pure. */
import { Buffer } from 'node:buffer'
import { assert } from '../../base/index.ts'
import { type ChunkAddress, KEY_BYTES, type Key, type PeerId } from '../../protocol/index.ts'

/** Fresh 32 bytes of a text of 64 lower-case digits. */
export function bytesOf(text: ChunkAddress | PeerId): Key {
  const bytes = new Uint8Array(KEY_BYTES)
  writeKey(text, bytes, 0)
  return bytes
}

/** Writes the 32 bytes of a key's text at `offset`. */
export function writeKey(text: ChunkAddress | PeerId, into: Uint8Array, offset: number): void {
  assert(text.length === 2 * KEY_BYTES, 'a key has 64 digits')
  for (let i = 0; i < KEY_BYTES; i++) {
    into[offset + i] = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1))
  }
}

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

function digit(code: number): number {
  return code <= 57 ? code - 48 : code - 87
}
