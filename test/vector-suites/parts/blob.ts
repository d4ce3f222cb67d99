/** Comparing bytes with the blobs of the vectors, and reading their JSON conventions. */
import assert from 'node:assert/strict'
import { toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: vectors are data; their README is their type
export type Json = any

export interface Blob {
  readonly length: number
  readonly blake3: string
  readonly hex?: string
}

export function assertBlob(bytes: Uint8Array, blob: Blob): void {
  if (blob.hex !== undefined) assert.equal(toHex(bytes), blob.hex)
  assert.equal(bytes.length, blob.length)
  assert.equal(toHex(backend().blake3(bytes)), blob.blake3)
}

/** The one property of an object that stands for an enum variant, or a bare name. */
export function variant(json: unknown): readonly [name: string, fields: Json] {
  if (typeof json === 'string') return [json, undefined]
  const entry = Object.entries(json as object)[0]
  assert.ok(entry, 'an enum variant has one property')
  return entry
}

/** `{[name]: value}` unless the vector says null. */
export function optional<Name extends string, T>(
  name: Name,
  value: unknown,
  read: (value: Json) => T,
): { [K in Name]?: T } {
  return (value === null || value === undefined ? {} : { [name]: read(value) }) as { [K in Name]?: T }
}

/** Numbers as the codec gives them: a bigint beyond the safe range. */
export function size(value: number | string): number | bigint {
  const big = BigInt(value)
  return big <= Number.MAX_SAFE_INTEGER ? Number(big) : big
}
