/** Block slices of commitments.json: Bao slice and nonced path of a block, and every way of getting them wrong. */
import assert from 'node:assert/strict'
import * as audit from '../../../src/audit/index.ts'
import { concat, toHex } from '../../../src/base/index.ts'
import {
  AUDIT_BLOCK_BYTES,
  type BlockKernels,
  backend,
  blockCount,
  noncedPathNodes,
  verifyBaoSlice,
} from '../../../src/crypto/index.ts'
import { parseChunkAddress } from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { assertBlob, type Json } from './blob.ts'

export async function checkSlice(
  vector: Json,
  challenge: audit.ChallengeBinding,
  kernels: BlockKernels,
): Promise<void> {
  const content = vectorBytes(vector.content)
  const address = parseChunkAddress(vector.key)
  assert.equal(toHex(backend().blake3(content)), address)
  assert.equal(blockCount(content.length), vector.block_count)
  assert.equal(noncedPathNodes(content.length), vector.tree_depth)
  const leaf = await audit.proveLeaf({ key: address, kind: 'chunk' }, content, challenge, kernels)
  assert.ok(leaf)
  assert.equal(toHex(leaf.noncedRoot), vector.nonced_root)
  assert.equal(leaf.contentLength, content.length)
  const key = audit.blockKey(challenge, address)
  assert.equal(vector.siblings_out_of_range, false)
  assert.throws(() => backend().noncedPath(key, content, vector.block_count), { code: 'CRYPTO_ARGUMENT' })
  const outside = { key: address, blockIndex: vector.block_count }
  assert.equal(await audit.openBlock(outside, content, challenge, kernels), undefined)
  for (const opening of vector.openings) {
    const item = await audit.openBlock({ key: address, blockIndex: opening.index }, content, challenge, kernels)
    assert.ok(item?.kind === 'present')
    checkOpening(opening, content, item)
    checkNonced(opening, content, { ...challenge, address, siblings: item.noncedSiblings, root: leaf.noncedRoot })
  }
}

function checkOpening(opening: Json, content: Uint8Array, { baoSlice, noncedSiblings }: Present): void {
  const { index, range } = opening
  assert.deepEqual(range, [index * AUDIT_BLOCK_BYTES, Math.min((index + 1) * AUDIT_BLOCK_BYTES, content.length)])
  assertBlob(baoSlice, opening.bao_slice)
  assert.deepEqual(noncedSiblings.map(toHex), opening.siblings)
  const root = backend().blake3(content)
  const verify = (slice: Uint8Array, { at = index, length = content.length } = {}) =>
    verifyBaoSlice(slice, root, length, at)
  const block = verify(baoSlice)
  assert.ok(block)
  assert.equal(toHex(block), toHex(content.subarray(range[0], range[1])))
  assert.equal(toHex(backend().blake3(block)), opening.verify_slice)
  assert.equal(opening.block_blake3, opening.verify_slice)
  const proven = (result: Uint8Array | undefined) => result !== undefined
  assert.equal(proven(verify(changed(baoSlice, baoSlice.length - 1))), opening.slice_last_byte_changed)
  assert.equal(proven(verify(changed(baoSlice, 0))), opening.slice_length_header_changed)
  assert.equal(proven(verify(baoSlice.subarray(0, -1))), opening.slice_cut_by_one)
  assert.equal(proven(verify(concat([baoSlice, new Uint8Array(1)]))), opening.slice_trailing_byte)
  assert.equal(proven(verify(baoSlice, { at: index + 1 })), opening.slice_wrong_index)
  assert.equal(proven(verify(baoSlice, { length: content.length + 1 })), opening.declared_length_plus_1)
}

type Present = Extract<NonNullable<Awaited<ReturnType<typeof audit.openBlock>>>, { kind: 'present' }>

interface Nonced extends audit.ChallengeBinding {
  readonly address: ReturnType<typeof parseChunkAddress>
  readonly siblings: readonly Uint8Array[]
  readonly root: Uint8Array
}

function checkNonced(opening: Json, content: Uint8Array, { address, siblings, root, ...challenge }: Nonced): void {
  const { index, range } = opening
  const block = content.subarray(range[0], range[1])
  const verify = ({ binding = challenge, at = index, path = siblings, length = content.length } = {}) =>
    audit.verifyNoncedBlock({ root, contentLength: length, key: audit.blockKey(binding, address) }, at, block, path)
  assert.equal(verify(), opening.verify_block)
  assert.equal(verify({ at: index + 1 }), opening.block_wrong_index)
  const binding = { ...challenge, nonce: changed(challenge.nonce, 0) }
  assert.equal(verify({ binding }), opening.block_wrong_nonce)
  assert.equal(verify({ path: [...siblings, new Uint8Array(32)] }), opening.block_extra_sibling)
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] as number) ^ 1
  return copy
}
