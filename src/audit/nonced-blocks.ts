/** The nonced block tree of one content as an auditor sees it (replication.md 16.3): key of a challenge, one path. */
import { concat, equal, utf8 } from '../base/index.ts'
import { AUDIT_BLOCK_BYTES, backend, blockBytes, blockCount, noncedPathNodes } from '../crypto/index.ts'
import { type ChunkAddress, keyOf, type PeerId, type SubtreeChallenge } from '../protocol/index.ts'
import { PairHasher } from './hashes.ts'

const KEY_CONTEXT = 'autonomi.ant.audit.slice.block-key.v1'
const LEAF_TAG = utf8('autonomi.ant.audit.slice.block-leaf.v1')
const NODE_TAG = utf8('autonomi.ant.audit.slice.block-node.v1')
const nodes = new PairHasher(NODE_TAG)

/** What makes the answers to one challenge worthless for any other. */
export type ChallengeBinding = Pick<SubtreeChallenge, 'nonce' | 'challengedPeer'>

/** 32 bytes: key of all blocks of one content under one challenge. */
export function blockKey(
  { nonce, challengedPeer }: { readonly nonce: Uint8Array; readonly challengedPeer: PeerId },
  key: ChunkAddress,
): Uint8Array {
  return backend().blake3DeriveKey(KEY_CONTEXT, concat([nonce, keyOf(challengedPeer), keyOf(key)]))
}

/** Whether `block` stands at `index` of the content of that length with that nonced root. */
export function verifyNoncedBlock(
  { root, contentLength, key }: { readonly root: Uint8Array; readonly contentLength: number; readonly key: Uint8Array },
  index: number,
  block: Uint8Array,
  siblings: readonly Uint8Array[],
): boolean {
  if (index < 0 || index >= blockCount(contentLength) || block.length !== blockBytes(contentLength, index)) return false
  if (siblings.length !== noncedPathNodes(contentLength)) return false
  let hash = noncedLeaf(key, index, block)
  let at = index
  for (const sibling of siblings) {
    hash = (at & 1) === 0 ? nodes.hash(hash, sibling) : nodes.hash(sibling, hash)
    at >>= 1
  }
  return equal(hash, root)
}

/** `block` has at most 1024 bytes. */
function noncedLeaf(key: Uint8Array, index: number, block: Uint8Array): Uint8Array {
  const place = new Uint8Array(8)
  const view = new DataView(place.buffer)
  view.setUint32(0, index, true)
  view.setUint32(4, Math.min(block.length, AUDIT_BLOCK_BYTES), true)
  return backend().blake3Keyed(key, concat([LEAF_TAG, place, block]))
}
