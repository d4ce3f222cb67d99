/**
 * Sizes of the two trees over the 1024-byte blocks of a content: BLAKE3's own, of which Bao slices are cut, and the
 * nonced one (replication.md 16.3). They differ: BLAKE3 splits at the largest power of two, the nonced tree pairs from
 * the left and an odd node with itself.
 */

/** A BLAKE3 chunk, so that one block is one leaf of both trees. */
export const AUDIT_BLOCK_BYTES = 1024
/** Largest content that is opened: four times the network's largest chunk. */
export const AUDIT_CONTENT_MAX_BYTES = 2 ** 24
/** Prefix of a Bao slice: the content's length as u64, little-endian. */
export const BAO_HEADER_BYTES = 8
/** Two chaining values. */
export const BAO_PARENT_BYTES = 64

/** At least 1: empty content is one empty block. */
export function blockCount(contentLength: number): number {
  return Math.max(1, Math.ceil(contentLength / AUDIT_BLOCK_BYTES))
}

/** Bytes of block `index`, 0 to 1024. */
export function blockBytes(contentLength: number, index: number): number {
  return Math.max(0, Math.min(AUDIT_BLOCK_BYTES, contentLength - index * AUDIT_BLOCK_BYTES))
}

/** Siblings on the way from a block to the nonced root: ceil(log2(blocks)). */
export function noncedPathNodes(contentLength: number): number {
  return ceilLog2(blockCount(contentLength))
}

/** Chunks of the left subtree when BLAKE3 splits `chunks` (at least 2): the largest power of two below. */
export function leftChunks(chunks: number): number {
  return 2 ** (ceilLog2(chunks) - 1)
}

/** Length of the Bao slice of block `index`, header included. */
export function baoSliceBytes(contentLength: number, index: number): number {
  let chunks = blockCount(contentLength)
  let at = index
  let parents = 0
  while (chunks > 1) {
    const left = leftChunks(chunks)
    if (at < left) chunks = left
    else {
      at -= left
      chunks -= left
    }
    parents++
  }
  return BAO_HEADER_BYTES + parents * BAO_PARENT_BYTES + blockBytes(contentLength, index)
}

/** Exact for whole numbers from 1 to 2^31. */
export function ceilLog2(value: number): number {
  return value <= 1 ? 0 : 32 - Math.clz32(value - 1)
}
