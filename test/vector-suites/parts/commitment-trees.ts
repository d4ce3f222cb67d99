/** Trees of commitments.json: every node, every path and what verification says of changed ones. */
import assert from 'node:assert/strict'
import * as audit from '../../../src/audit/index.ts'
import { atOnce, concat, toHex, utf8 } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import type { Json } from './blob.ts'

/** Key i is the hash of label and number; every fifth is a pointer's. */
export function entriesOf(label: string, count: number): audit.CommitmentEntries {
  const [chunks, pointers]: [ChunkAddress[], ChunkAddress[]] = [[], []]
  for (let i = 0; i < count; i++) {
    const key = chunkAddressOf(backend().blake3(utf8(`${label}/key/${i}`)))
    ;(i % 5 === 4 ? pointers : chunks).push(key)
  }
  return atOnce(audit.sortedEntries(chunks, pointers))
}

export function checkTree(vector: Json, label: string): void {
  const entries = entriesOf(label, vector.count)
  const tree = atOnce(audit.buildTree(entries))
  assert.equal(tree.keyCount, vector.count)
  assert.equal(toHex(tree.root), vector.root)
  assert.equal(tree.levels, vector.levels)
  assert.equal(toHex(backend().blake3(entries.keys)), vector.sorted_keys_blake3)
  const pointers = Array.from({ length: vector.count }, (_, i) => audit.isPointer(entries, i))
  assert.equal(pointers.filter(Boolean).length, vector.pointer_count)
  for (const path of vector.paths) checkPath(path, tree)
  for (const [level, nodes] of (vector.all_nodes ?? []).entries()) {
    for (const [index, node] of nodes.entries()) assert.equal(toHex(tree.node(level, index)), node, `${level}/${index}`)
  }
}

function checkPath(vector: Json, tree: audit.CommitmentTree): void {
  const { leaf_index: index } = vector
  const key = audit.entryKey(tree.entries, index)
  assert.equal(toHex(key), vector.key)
  assert.equal(audit.indexOfKey(tree.entries, key), index)
  assert.equal(audit.isPointer(tree.entries, index), vector.is_pointer)
  const leaf = audit.leafHash(key, vector.is_pointer ? audit.pointerLeafHash(key) : key)
  assert.equal(toHex(leaf), vector.leaf_hash)
  const path = tree.path(index)
  assert.deepEqual(path.map(toHex), vector.path)
  const verify = (at: number, count: number, nodes = path) => audit.verifyPath(leaf, at, count, nodes, tree.root)
  const count = tree.keyCount
  assert.equal(verify(index, count), vector.verify)
  assert.equal(verify(index + 1, count), vector.verify_index_plus_1)
  assert.equal(verify(index, count + 1), vector.verify_count_plus_1)
  assert.equal(verify(index, count, [...path, new Uint8Array(32)]), vector.verify_path_plus_one)
  assert.equal(verify(index, 0), vector.verify_count_zero)
  for (const [i, node] of path.entries()) {
    const changed = path.with(i, concat([node.subarray(0, 31), Uint8Array.of((node[31] as number) ^ 1)]))
    assert.equal(verify(index, count, changed), false)
  }
  assert.equal(verify(index, count, path.slice(1)), path.length === 0 ? vector.verify : false)
}
