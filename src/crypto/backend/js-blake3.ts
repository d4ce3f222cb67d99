import { blake3 } from '@noble/hashes/blake3.js'
import type { Bytes } from '../../base/index.ts'

export interface Blake3Mode {
  readonly key?: Uint8Array
  readonly context?: Uint8Array
}

export function createBlake3(mode: Blake3Mode): ReturnType<typeof blake3.create> {
  return blake3.create(mode)
}

/** `length` bytes of output; zero bytes too, which @noble itself refuses. */
export function hashOnce(data: Uint8Array, length: number, mode: Blake3Mode = {}): Bytes {
  if (length === 0) return new Uint8Array(0)
  return blake3(data, { ...mode, dkLen: length }) as Bytes
}
