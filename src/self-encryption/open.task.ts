/** Worker task: one fetched chunk, checked against its address and opened. Bytes are moved both ways. */
import { type Bytes, equal } from '../base/index.ts'
import { defineTask } from '../compute/index.ts'
import { backend, type SealKeys } from '../crypto/index.ts'

export interface OpenInput {
  readonly content: Uint8Array
  /** 32 bytes that the content must hash to. */
  readonly address: Uint8Array
  readonly keys: SealKeys
  /** Plain bytes that the map declares. */
  readonly size: number
}

export type OpenOutput = { readonly kind: 'opened'; readonly plain: Bytes } | { readonly kind: 'altered' }

/** Throws the CryptoErrors of `openChunk`. */
export function run({ content, address, keys, size }: OpenInput): OpenOutput {
  const kernels = backend()
  if (!equal(kernels.blake3(content), address)) return { kind: 'altered' }
  return { kind: 'opened', plain: kernels.openChunk(content, keys, size) }
}

export const openTask = defineTask(import.meta.url, 'open', run)
