/** Bao slices of one block (bao 0.13): length header, the parents from the root down, the block. Pure. */
import type { Bytes } from '../base/index.ts'
import { type ChainingValue, chunkValue, parentValue, readValue, subtreeValue, writeValue } from './blake3-tree.ts'
import {
  AUDIT_BLOCK_BYTES,
  BAO_HEADER_BYTES,
  BAO_PARENT_BYTES,
  baoSliceBytes,
  blockBytes,
  blockCount,
  leftChunks,
} from './blocks.ts'

/** The slice of block `index`, which must exist: one hash of the whole content, in plain code. */
export function cutBaoSlice(content: Uint8Array, index: number): Bytes {
  const out = new Uint8Array(baoSliceBytes(content.length, index))
  new DataView(out.buffer).setBigUint64(0, BigInt(content.length), true)
  descend(content, 0, index, out.subarray(BAO_HEADER_BYTES))
  return out
}

/** Writes the parents from here down to block `wanted`, and the block; gives the value of this subtree. */
function descend(part: Uint8Array, first: number, wanted: number, out: Uint8Array): ChainingValue {
  if (part.length <= AUDIT_BLOCK_BYTES) {
    out.set(part)
    return chunkValue(part, first)
  }
  const half = leftChunks(blockCount(part.length))
  const middle = first + half
  const [left, right] = [part.subarray(0, half * AUDIT_BLOCK_BYTES), part.subarray(half * AUDIT_BLOCK_BYTES)]
  const below = out.subarray(BAO_PARENT_BYTES)
  const inLeft = wanted < middle
  const leftValue = inLeft ? descend(left, first, wanted, below) : subtreeValue(left, first)
  const rightValue = inLeft ? subtreeValue(right, middle) : descend(right, middle, wanted, below)
  writeValue(leftValue, out)
  writeValue(rightValue, out, BAO_PARENT_BYTES / 2)
  return parentValue(leftValue, rightValue)
}

/**
 * The block that `slice` proves to be number `index` of the content with hash `root` and `contentLength` bytes: a view
 * into the slice, or undefined when it proves nothing. Bytes after a whole slice are ignored, as by the network.
 */
export function verifyBaoSlice(
  slice: Uint8Array,
  root: Uint8Array,
  contentLength: number,
  index: number,
): Uint8Array | undefined {
  if (index < 0 || index >= blockCount(contentLength) || slice.length < baoSliceBytes(contentLength, index)) {
    return undefined
  }
  const view = new DataView(slice.buffer, slice.byteOffset, BAO_HEADER_BYTES)
  if (view.getBigUint64(0, true) !== BigInt(contentLength)) return undefined
  let expected = readValue(root)
  let at = BAO_HEADER_BYTES
  let [chunks, first] = [blockCount(contentLength), 0]
  while (chunks > 1) {
    const [left, right] = [readValue(slice, at), readValue(slice, at + BAO_PARENT_BYTES / 2)]
    if (!same(parentValue(left, right, at === BAO_HEADER_BYTES), expected)) return undefined
    at += BAO_PARENT_BYTES
    const half = leftChunks(chunks)
    const goLeft = index < first + half
    expected = goLeft ? left : right
    if (!goLeft) first += half
    chunks = goLeft ? half : chunks - half
  }
  const block = slice.subarray(at, at + blockBytes(contentLength, index))
  return same(chunkValue(block, index, at === BAO_HEADER_BYTES), expected) ? block : undefined
}

function same(a: ChainingValue, b: ChainingValue): boolean {
  for (let i = 0; i < 8; i++) if (a[i] !== b[i]) return false
  return true
}
