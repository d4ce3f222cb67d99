/** An encrypted chunk around any bytes in the place of the Brotli stream, as only its author could make it. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, concat, utf8 } from '../../src/base/index.ts'
import type { SealKeys } from '../../src/crypto/index.ts'

export function forgeChunk(compressed: Uint8Array, keys: SealKeys): Bytes {
  const numbers = new DataView(new ArrayBuffer(16))
  numbers.setBigUint64(0, BigInt(keys.index), true)
  numbers.setBigUint64(8, BigInt(keys.level), true)
  const input = concat([keys.source, keys.neighbour1, keys.neighbour2, new Uint8Array(numbers.buffer)])
  const output = blake3(input, { context: utf8('self_encryption/chunk/v2'), dkLen: 96 })
  const sealed = chacha20poly1305(output.subarray(52, 84), output.subarray(84, 96)).encrypt(compressed)
  return sealed.map((byte, i) => byte ^ (output[i % 52] as number)) as Bytes
}
