/**
 * The Merkle tree that a commitment signs (replication.md 14.1). Held are the keys and the levels from the subtrees'
 * tops upwards: 32 bytes a key and some kilobytes. What lies below is hashed again when an audit asks, at most 1024
 * leaves; a whole tree would take three times the memory, in up to 17 retained trees.
 */
import { atOnce, type Bytes, equal, type InSlices } from '../base/index.ts'
import { ceilLog2 } from '../crypto/index.ts'
import { chunkAddressOf, KEY_BYTES, MAX_COMMITMENT_KEYS, type SubtreeProof } from '../protocol/index.ts'
import { type CommitmentEntries, compareAt, entryKey, isPointer } from './entries.ts'
import { AuditError } from './errors.ts'
import { leafHasher, nodeHash, nodeHasher, pointerLeafHash } from './hashes.ts'
import { type SubtreePlan, subtreeSpan } from './subtree-plan.ts'

export class CommitmentTree {
  readonly entries: CommitmentEntries
  readonly #span: number
  /** Level 0 are the tops of the subtrees, the last one is the root. */
  readonly #upper: readonly Bytes[]

  /** By `buildTree` alone. */
  constructor(entries: CommitmentEntries, upper: readonly Bytes[]) {
    this.entries = entries
    this.#span = subtreeSpan(entries.count)
    this.#upper = upper
  }

  get keyCount(): number {
    return this.entries.count
  }
  /** 32 bytes. */
  get root(): Bytes {
    return this.#upper.at(-1) as Bytes
  }
  /** Levels, leaves and root included. */
  get levels(): number {
    return ceilLog2(this.keyCount) + 1
  }

  /** Level 0 are the leaves. Both numbers must be within the tree. */
  node(level: number, index: number): Bytes {
    const spanLevel = ceilLog2(this.#span)
    if (level >= spanLevel) return hashAt(this.#upper[level - spanLevel] as Bytes, index).slice()
    const first = index * 2 ** level
    const slot = Math.floor(first / this.#span)
    const below = this.#levelOf(slot, level)
    return hashAt(below, index - (slot * this.#span) / 2 ** level).slice()
  }

  /** Sibling hashes from leaf `index` up to the root; a missing one is the node itself. */
  path(index: number): Bytes[] {
    const path: Bytes[] = []
    for (let level = 0; level < this.levels - 1; level++) {
      const [at, nodes] = [Math.floor(index / 2 ** level), Math.ceil(this.keyCount / 2 ** level)]
      path.push(this.node(level, (at ^ 1) < nodes ? at ^ 1 : at))
    }
    return path
  }

  /** Sibling cut hashes of a planned subtree, the root's children first. */
  cutHashes({ slot, depth }: SubtreePlan): SubtreeProof['siblingCutHashes'] {
    const hashes: Bytes[] = []
    for (let up = depth - 1; up >= 0; up--) {
      const level = this.#upper[up] as Bytes
      const at = Math.floor(slot / 2 ** up)
      hashes.push(hashAt(level, (at ^ 1) * KEY_BYTES < level.length ? at ^ 1 : at).slice())
    }
    return hashes
  }

  /** One level of the subtree `slot`, hashed again. */
  #levelOf(slot: number, level: number): Bytes {
    const hashes = leavesOf(this.entries, slot * this.#span, this.#span)
    let count = hashes.length / KEY_BYTES
    for (let i = 0; i < level; i++) count = foldLevel(hashes, count)
    return hashes.subarray(0, count * KEY_BYTES)
  }
}

/** Throws AUDIT_TREE_EMPTY, _TOO_LARGE, _DUPLICATE or _ORDER. Yields after each subtree (at most 1024 leaves). */
export function* buildTree(entries: CommitmentEntries): InSlices<CommitmentTree> {
  const { count } = entries
  if (count < 1) throw new AuditError('AUDIT_TREE_EMPTY', 'a commitment over no keys')
  if (count > MAX_COMMITMENT_KEYS) {
    const message = `a commitment over ${count} keys exceeds ${MAX_COMMITMENT_KEYS}`
    throw new AuditError('AUDIT_TREE_TOO_LARGE', message)
  }
  const span = subtreeSpan(count)
  const tops = new Uint8Array(Math.ceil(count / span) * KEY_BYTES)
  for (let first = 0; first < count; first += span) {
    checkOrder(entries, first, Math.min(first + span, count))
    const hashes = leavesOf(entries, first, span)
    let left = hashes.length / KEY_BYTES
    for (let level = ceilLog2(span); level > 0; level--) left = foldLevel(hashes, left)
    tops.set(hashes.subarray(0, KEY_BYTES), (first / span) * KEY_BYTES)
    yield
  }
  const upper = [tops]
  for (let level = tops; level.length > KEY_BYTES; ) {
    const above = level.slice()
    const nodes = foldLevel(above, level.length / KEY_BYTES)
    level = above.slice(0, nodes * KEY_BYTES)
    upper.push(level)
  }
  return new CommitmentTree(entries, upper)
}

export function buildTreeAtOnce(entries: CommitmentEntries): CommitmentTree {
  return atOnce(buildTree(entries))
}

/** Whether `path` leads from a leaf to the root of a tree of `keyCount` keys. A wrong length is refused unhashed. */
export function verifyPath(
  leaf: Uint8Array,
  index: number,
  keyCount: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (keyCount < 1 || keyCount > MAX_COMMITMENT_KEYS || index < 0 || index >= keyCount) return false
  if (path.length !== ceilLog2(keyCount)) return false
  let hash = leaf
  let at = index
  for (const sibling of path) {
    hash = (at & 1) === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash)
    at >>= 1
  }
  return equal(hash, root)
}

/** Pairs neighbours, an odd last node with itself, in place; gives the new count. */
export function foldLevel(hashes: Uint8Array, count: number): number {
  const above = Math.ceil(count / 2)
  for (let i = 0; i < above; i++) {
    const right = Math.min(2 * i + 1, count - 1)
    nodeHasher.into(hashAt(hashes, 2 * i), hashAt(hashes, right), hashes, i * KEY_BYTES)
  }
  return above
}

function leavesOf(entries: CommitmentEntries, first: number, span: number): Bytes {
  const end = Math.min(first + span, entries.count)
  const hashes = new Uint8Array((end - first) * KEY_BYTES)
  for (let i = first; i < end; i++) {
    const key = entryKey(entries, i)
    const bytesHash = isPointer(entries, i) ? pointerLeafHash(key) : key
    leafHasher.into(key, bytesHash, hashes, (i - first) * KEY_BYTES)
  }
  return hashes
}

function checkOrder({ keys }: CommitmentEntries, first: number, end: number): void {
  for (let i = Math.max(1, first); i < end; i++) {
    const order = compareAt(keys, (i - 1) * KEY_BYTES, keys, i * KEY_BYTES)
    if (order < 0) continue
    const key = chunkAddressOf(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES))
    if (order === 0) throw new AuditError('AUDIT_TREE_DUPLICATE', `the key ${key} stands twice in a commitment`)
    throw new AuditError('AUDIT_TREE_ORDER', `the key ${key} stands after a larger one`)
  }
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)
}
