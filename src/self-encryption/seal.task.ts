/** Worker task: one chunk sealed on the backend of that thread. The plain bytes are moved in, the chunk is moved out. */
import { defineTask } from '../compute/index.ts'
import { backend, type SealedChunk, type SealKeys } from '../crypto/index.ts'

export interface SealInput {
  readonly plain: Uint8Array
  readonly keys: SealKeys
}

export function run({ plain, keys }: SealInput): SealedChunk {
  return backend().sealChunk(plain, keys)
}

export const sealTask = defineTask(import.meta.url, 'seal', run)
