/** Unsigned 256-bit integers as the chain and the quotes have them (pure). */
import type { Bytes } from '../base/index.ts'

export const U256_BYTES = 32
export const MAX_U256 = 2n ** 256n - 1n

/** 32 bytes, big-endian. The value must be 0 .. 2^256 - 1. */
export function u256BigEndian(value: bigint): Bytes {
  const bytes = new Uint8Array(U256_BYTES)
  for (let i = U256_BYTES - 1, rest = value; rest > 0n && i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}

/** 32 bytes, little-endian. */
export function u256LittleEndian(value: bigint): Bytes {
  return u256BigEndian(value).reverse()
}

export function u256FromBigEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}
