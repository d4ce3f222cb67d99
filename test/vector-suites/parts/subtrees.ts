/** Subtree plans and proofs of commitments.json. */
import assert from 'node:assert/strict'
import * as audit from '../../../src/audit/index.ts'
import { atOnce, concat, fromHex, toHex, utf8 } from '../../../src/base/index.ts'
import { backend, blockKernels } from '../../../src/crypto/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  parsePeerId,
  Reader,
  readSubtreeProof,
  type SubtreeLeaf,
  type SubtreeProof,
  Writer,
  writeSubtreeProof,
} from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { assertBlob, type Json } from './blob.ts'

const SPOT_CHECK_TAG = utf8('autonomi.ant.replication.audit_spotcheck.v1')

export function checkSelection(vector: Json): void {
  const nonce = fromHex(vector.nonce) as Uint8Array
  const plan = audit.subtreePlan(nonce, vector.key_count)
  if (vector.path === null) {
    assert.equal(plan, undefined)
    assert.equal(vector.spotcheck_5, null)
    return
  }
  assert.ok(plan)
  const { depth, slot, leaf_start: firstLeaf, leaf_end: endLeaf } = vector.path
  assert.deepEqual(plan, { depth, slot, firstLeaf, endLeaf })
  // The reference names the room of a full subtree; a whole small tree has as many leaves as it has.
  assert.equal(Math.min(audit.subtreeSpan(vector.key_count), vector.key_count), vector.max_leaves)
  assert.deepEqual(spotCheck(nonce, endLeaf - firstLeaf, 5), vector.spotcheck_5)
  assert.deepEqual(spotCheck(nonce, endLeaf - firstLeaf, 3), vector.spotcheck_3)
}

/** The reference's helper for its tests, found from the vectors; nothing of it travels. */
function spotCheck(nonce: Uint8Array, leaves: number, count: number): number[] {
  if (leaves <= count) return Array.from({ length: leaves }, (_, i) => i)
  const drawn = new Set<number>()
  for (let i = 0; drawn.size < count; i++) {
    const text = concat([SPOT_CHECK_TAG, nonce, Uint8Array.of(i, i >> 8, 0, 0)])
    drawn.add(new DataView(backend().blake3(text).buffer).getUint32(0, true) % leaves)
  }
  return [...drawn]
}

export async function checkSubtreeProof(vector: Json): Promise<void> {
  const contents = new Map<ChunkAddress, Uint8Array>()
  assert.match(vector.content_rule, /with length \(i\*37\) mod 3000; keys are the content hashes/)
  for (let i = 0; i < vector.count; i++) {
    const label = `seed/commit/sub/${vector.count}/${i}`
    const content = vectorBytes({ gen: 'blake3-xof', label, length: (i * 37) % 3000 })
    contents.set(chunkAddressOf(backend().blake3(content)), content)
  }
  const tree = atOnce(audit.buildTree(atOnce(audit.sortedEntries(contents.keys()))))
  assert.equal(toHex(tree.root), vector.root)
  const nonce = fromHex(vector.nonce) as Uint8Array
  const plan = audit.subtreePlan(nonce, vector.count) ?? assert.fail('no plan')
  const challenge = { nonce, challengedPeer: parsePeerId(vector.peer) }
  const leaves: SubtreeLeaf[] = []
  for (const planned of audit.plannedLeaves(tree, plan)) {
    const content = contents.get(planned.key) as Uint8Array
    const leaf = await audit.proveLeaf(planned, content, challenge, blockKernels(backend()))
    leaves.push(leaf ?? assert.fail('a leaf of other bytes'))
  }
  const proof = audit.buildProof(tree, plan, leaves)
  assert.deepEqual(jsonOf(proof), vector.proof)
  const writer = new Writer()
  writeSubtreeProof(writer, proof)
  assertBlob(writer.finish(), vector.proof_postcard)
  assert.deepEqual(jsonOf(readSubtreeProof(new Reader(writer.finish()))), vector.proof)
  for (const [name, verdict] of Object.entries(vector.verdicts)) {
    const { proof: changed = proof, keyCount = vector.count, nonce: asked = nonce } = change(name, proof, vector)
    const fault = audit.checkStructure(changed, asked, { root: tree.root, keyCount })
    assert.equal(FAULTS[String(fault)], verdict, name)
  }
}

/** The one behind the verdicts is not recorded; of the few that fit all twelve of them together this is one. */
const OTHER_NONCE = new Uint8Array(32).fill(69, 0, 1)

const FAULTS: Readonly<Record<string, string>> = {
  undefined: 'Valid',
  leafCount: 'Invalid("wrong leaf count")',
  cutCount: 'Invalid("wrong cut-hash count")',
  order: 'Invalid("leaves not strictly ascending")',
  root: 'Invalid("root mismatch")',
}

function change(
  name: string,
  proof: SubtreeProof,
  vector: Json,
): { proof?: SubtreeProof; keyCount?: number; nonce?: Uint8Array } {
  const { leaves, siblingCutHashes } = proof
  const [first] = leaves as [SubtreeLeaf]
  const withFirst = (part: Partial<SubtreeLeaf>) => ({
    proof: { ...proof, leaves: leaves.with(0, { ...first, ...part }) },
  })
  switch (name) {
    case 'good':
      return {}
    case 'first bytes_hash changed':
      return withFirst({ bytesHash: flipped(first.bytesHash) })
    case 'last leaf dropped':
      return { proof: { ...proof, leaves: leaves.slice(0, -1) } }
    case 'extra cut hash':
      return { proof: { ...proof, siblingCutHashes: [...siblingCutHashes, new Uint8Array(32)] } }
    case 'leaves reversed':
      return { proof: { ...proof, leaves: leaves.toReversed() } }
    case 'nonced_root and length changed (not structural)':
      return withFirst({ noncedRoot: flipped(first.noncedRoot), contentLength: first.contentLength + 1 })
    case 'key_count + 1':
      return { keyCount: vector.count + 1 }
    case 'first cut hash changed':
      return siblingCutHashes[0] === undefined
        ? {}
        : { proof: { ...proof, siblingCutHashes: siblingCutHashes.with(0, flipped(siblingCutHashes[0])) } }
  }
  if (name === 'other nonce') return { nonce: OTHER_NONCE }
  return assert.fail(`unknown case: ${name}`)
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  copy[0] = (copy[0] as number) ^ 1
  return copy
}

function jsonOf({ leaves, siblingCutHashes }: SubtreeProof): Json {
  return {
    leaves: leaves.map(({ key, bytesHash, contentLength, noncedRoot }) => ({
      key,
      bytes_hash: toHex(bytesHash),
      content_len: contentLength,
      nonced_root: toHex(noncedRoot),
    })),
    sibling_cut_hashes: siblingCutHashes.map(toHex),
  }
}
