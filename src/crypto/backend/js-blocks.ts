/** The nonced block tree (replication.md 16.3) in plain code: the judge of native/core/src/blocks.rs. */
import { type Bytes, utf8 } from '../../base/index.ts'
import { AUDIT_BLOCK_BYTES, blockCount } from '../blocks.ts'
import { hashOnce } from './js-blake3.ts'

const HASH_BYTES = 32
const LEAF_TAG = utf8('autonomi.ant.audit.slice.block-leaf.v1')
const NODE_TAG = utf8('autonomi.ant.audit.slice.block-node.v1')

export function noncedRoot(blockKey: Uint8Array, content: Uint8Array): Bytes {
  let level = leaves(blockKey, content)
  while (level.length > HASH_BYTES) level = parents(level)
  return level
}

/** Siblings of block `index`, which must exist, from the leaf level upwards. */
export function noncedPath(blockKey: Uint8Array, content: Uint8Array, index: number): Bytes {
  const siblings: number[] = []
  let at = index
  for (let level = leaves(blockKey, content); level.length > HASH_BYTES; level = parents(level)) {
    const sibling = (at ^ 1) * HASH_BYTES
    const from = sibling < level.length ? sibling : at * HASH_BYTES
    siblings.push(...level.subarray(from, from + HASH_BYTES))
    at >>= 1
  }
  return Uint8Array.from(siblings)
}

function leaves(blockKey: Uint8Array, content: Uint8Array): Bytes {
  const hashes = new Uint8Array(blockCount(content.length) * HASH_BYTES)
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    const index = at / HASH_BYTES
    const block = content.subarray(index * AUDIT_BLOCK_BYTES, (index + 1) * AUDIT_BLOCK_BYTES)
    const text = new Uint8Array(LEAF_TAG.length + 8 + block.length)
    const view = new DataView(text.buffer)
    text.set(LEAF_TAG)
    view.setUint32(LEAF_TAG.length, index, true)
    view.setUint32(LEAF_TAG.length + 4, block.length, true)
    text.set(block, LEAF_TAG.length + 8)
    hashes.set(hashOnce(text, HASH_BYTES, { key: blockKey }), at)
  }
  return hashes
}

function parents(level: Uint8Array): Bytes {
  const nodes = level.length / HASH_BYTES
  const above = new Uint8Array(Math.ceil(nodes / 2) * HASH_BYTES)
  const text = new Uint8Array(NODE_TAG.length + 2 * HASH_BYTES)
  text.set(NODE_TAG)
  for (let i = 0; i < nodes; i += 2) {
    const right = Math.min(i + 1, nodes - 1)
    text.set(level.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), NODE_TAG.length)
    text.set(level.subarray(right * HASH_BYTES, (right + 1) * HASH_BYTES), NODE_TAG.length + HASH_BYTES)
    above.set(hashOnce(text, HASH_BYTES), (i / 2) * HASH_BYTES)
  }
  return above
}
