/** Hashes of the commitment tree (replication.md 14.1). Domain tags stand in front as plain text. */
import { type Bytes, equal, utf8 } from '../base/index.ts'
import { backend } from '../crypto/index.ts'
import { type ChunkAddress, KEY_BYTES, keyOf, POINTER_BYTES, type SubtreeLeaf } from '../protocol/index.ts'

const LEAF_TAG = utf8('autonomi.ant.replication.storage_leaf.v1')
const NODE_TAG = utf8('autonomi.ant.replication.storage_node.v1')
const POINTER_CONTEXT = 'autonomi.pointer.commitment-leaf.v1'

/** Hashes two times 32 bytes under a tag without allocating: a tree of a million keys makes two million of them. */
export class PairHasher {
  readonly #text: Bytes
  readonly #tagBytes: number

  constructor(tag: Uint8Array) {
    this.#tagBytes = tag.length
    this.#text = new Uint8Array(tag.length + 2 * KEY_BYTES)
    this.#text.set(tag)
  }

  /** Both halves must have 32 bytes; `out` may lie over them. */
  into(left: Uint8Array, right: Uint8Array, out: Uint8Array, offset = 0): void {
    this.#text.set(left, this.#tagBytes)
    this.#text.set(right, this.#tagBytes + KEY_BYTES)
    backend().blake3Into(this.#text, out, offset)
  }

  hash(left: Uint8Array, right: Uint8Array): Bytes {
    const out = new Uint8Array(KEY_BYTES)
    this.into(left, right, out)
    return out
  }
}

export const leafHasher = new PairHasher(LEAF_TAG)
export const nodeHasher = new PairHasher(NODE_TAG)

/** Leaf of one entry: its key and the hash it commits to. */
export function leafHash(key: Uint8Array, bytesHash: Uint8Array): Bytes {
  return leafHasher.hash(key, bytesHash)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return nodeHasher.hash(left, right)
}

/** What a pointer's leaf commits to: its address alone, so that a new state does not change the root. */
export function pointerLeafHash(address: Uint8Array): Bytes {
  return backend().blake3DeriveKey(POINTER_CONTEXT, address)
}

/** How a leaf of a proof binds its bytes: a chunk by its address, a pointer by its own hash; undefined when neither. */
export function leafKind({ key, bytesHash, contentLength }: SubtreeLeaf): 'chunk' | 'pointer' | undefined {
  const address = keyOf(key)
  if (equal(bytesHash, address)) return 'chunk'
  return contentLength === POINTER_BYTES && equal(bytesHash, pointerLeafHash(address)) ? 'pointer' : undefined
}

/** Text of a ChunkAddress is hex, so its order is that of the bytes. */
export function ascending(leaves: readonly { readonly key: ChunkAddress }[]): boolean {
  return leaves.every((leaf, i) => i === 0 || (leaves[i - 1] as { key: ChunkAddress }).key < leaf.key)
}
