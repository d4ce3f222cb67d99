import type { Bytes } from '../base/index.ts'
import type { Backend } from './backend.ts'
import { contentHash, OFFLOAD_BYTES } from './ml-dsa.ts'

/**
 * What opening a stored content takes. The content is borrowed until the result is there. A backend is one that does all
 * on the calling thread.
 */
export interface BlockKernels {
  blake3(content: Uint8Array): Bytes | Promise<Bytes>
  noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes | Promise<Bytes>
  noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes | Promise<Bytes>
  baoSlice(content: Uint8Array, index: number): Bytes | Promise<Bytes>
}

/** Large contents go to a thread of the backend where it has them: an audit opens up to 1024 of them. */
export function blockKernels(backend: Backend): BlockKernels {
  const of = ({ length }: Uint8Array) => (length < OFFLOAD_BYTES ? backend : (backend.offThread ?? backend))
  return {
    blake3: contentHash(backend),
    noncedRoot: (key, content) => of(content).noncedRoot(key, content),
    noncedPath: (key, content, index) => of(content).noncedPath(key, content, index),
    baoSlice: (content, index) => of(content).baoSlice(content, index),
  }
}
