/** commitments.json: trees, signatures, retention files, digests, block slices, subtree plans and proofs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../src/audit/index.ts'
import { atOnce, type Bytes, concat, fromHex, toHex, utf8 } from '../../src/base/index.ts'
import {
  AUDIT_BLOCK_BYTES,
  backend,
  blockCount,
  blockKernels,
  mlDsaVerifier,
  noncedPathNodes,
} from '../../src/crypto/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import { assertBlob, type Json } from './parts/blob.ts'
import { checkSlice } from './parts/block-slices.ts'
import { checkTree, entriesOf } from './parts/commitment-trees.ts'
import { checkSelection, checkSubtreeProof } from './parts/subtrees.ts'

const SIGNING_CONTEXT = 'autonomi.ant.replication.storage_commitment.v1'
const verifier = mlDsaVerifier(backend())

export default function suite(document: Json): void {
  test('constants', () => {
    const { constants } = document
    assert.equal(protocol.MAX_COMMITMENT_KEYS, constants.MAX_COMMITMENT_KEY_COUNT)
    assert.equal(protocol.MAX_COMMITMENT_SIDECAR_BYTES, constants.MAX_COMMITMENT_SIDECAR_BYTES)
    assert.equal(AUDIT_BLOCK_BYTES, constants.AUDIT_BLOCK_SIZE)
    // The largest tree that is audited whole.
    const depths = [1, 2, 3, 4, 5].map((keys) => audit.subtreePlan(new Uint8Array(32), keys)?.depth)
    assert.equal(depths.lastIndexOf(0) + 1, constants.SMALL_TREE_FULL_AUDIT_FLOOR)
    for (const [tag, hash] of [
      [constants.DOMAIN_LEAF, audit.leafHash],
      [constants.DOMAIN_NODE, audit.nodeHash],
    ] as const) {
      const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
      assert.equal(toHex(hash(a, b)), toHex(backend().blake3(concat([utf8(tag), a, b]))))
    }
  })
  for (const [i, vector] of document.hashes.entries()) test(`${vector.op} ${i}`, () => checkHash(vector))
  describe('trees', () => {
    assert.equal(document.key_rule, 'blake3("seed/commit/key/" + i)')
    for (const vector of document.trees) test(`${vector.count} keys`, () => checkTree(vector, document.label))
    for (const [name, text] of Object.entries(document.tree_errors)) {
      test(`${name}: ${text}`, () => checkTreeError(name, document.label))
    }
  })
  describe('signed commitment', () => checkSigned(document.signed_commitment, document.label))
  describe('retention files', () => checkRetention(document.signed_commitment, document.label))
  describe('audit digests', () => {
    for (const vector of document.audit_digests) test(`${vector.data.length} bytes`, () => checkDigest(vector))
    test('the worked example', () => {
      const [nonce, peer, key] = [0xaa, 0xbb, 0xcc].map((byte) => toHex(new Uint8Array(32).fill(byte)))
      checkDigest({ nonce, peer, key, data: { gen: 'hex', hex: '68656c6c6f' }, digest: document.audit_digest_of_notes })
    })
  })
  describe('block slices', () => {
    const challenge = { nonce: unhex(document.slice_nonce), challengedPeer: protocol.parsePeerId(document.slice_peer) }
    for (const vector of document.slices) {
      test(`${vector.content.length} bytes`, () => checkSlice(vector, challenge, blockKernels(backend())))
    }
    assert.equal(noncedPathNodes(4096 * 1024), 12)
    assert.equal(blockCount(0), 1)
  })
  describe('subtree selection', () => {
    for (const vector of document.subtree_selection) {
      test(`${vector.key_count} keys, nonce ${vector.nonce.slice(0, 4)}`, () => checkSelection(vector))
    }
  })
  describe('subtree proofs', () => {
    for (const vector of document.subtree_proofs) {
      test(`${vector.count} keys, nonce ${vector.nonce.slice(0, 4)}`, () => checkSubtreeProof(vector))
    }
  })
}

function unhex(hex: string): Bytes {
  return fromHex(hex) as Bytes
}

function checkHash(vector: Json): void {
  if (vector.op === 'leaf_hash') {
    assert.equal(toHex(audit.leafHash(unhex(vector.key), unhex(vector.bytes_hash))), vector.out)
  } else if (vector.op === 'node_hash') {
    assert.equal(toHex(audit.nodeHash(unhex(vector.left), unhex(vector.right))), vector.out)
  } else {
    assert.equal(vector.op, 'pointer_leaf_hash')
    assert.equal(toHex(audit.pointerLeafHash(unhex(vector.address))), vector.out)
  }
}

function checkTreeError(name: string, label: string): void {
  const one = entriesOf(label, 1).keys
  const cases: Record<string, [audit.CommitmentEntries, string]> = {
    empty: [{ count: 0, keys: new Uint8Array(0), pointers: new Uint8Array(0) }, 'AUDIT_TREE_EMPTY'],
    duplicate: [{ count: 2, keys: concat([one, one]), pointers: new Uint8Array(1) }, 'AUDIT_TREE_DUPLICATE'],
    too_many: [{ count: 1_000_001, keys: one, pointers: new Uint8Array(1) }, 'AUDIT_TREE_TOO_LARGE'],
  }
  const [entries, code] = cases[name] ?? assert.fail(`unknown case: ${name}`)
  assert.throws(() => atOnce(audit.buildTree(entries)), { name: 'AuditError', code })
}

function commitmentOf(vector: Json): protocol.StorageCommitment {
  return protocol.decodeStorageCommitment(unhex(vector.postcard.hex))
}

function checkSigned(vector: Json, label: string): void {
  const commitment = commitmentOf(vector)
  test('fields, payload, pin, both encodings', () => {
    assert.equal(toHex(backend().blake3(utf8(vector.signer_label))), vector.seed)
    const { publicKey } = backend().mlDsaKeyPair(unhex(vector.seed))
    assert.equal(toHex(commitment.publicKey), toHex(publicKey))
    assert.equal(toHex(backend().blake3(publicKey)), vector.sender_public_key_blake3)
    assert.equal(commitment.peer, vector.sender_peer_id)
    assert.equal(commitment.keyCount, vector.key_count)
    assert.equal(toHex(commitment.root), vector.root)
    assert.equal(toHex(commitment.signature), vector.signature_hex)
    assert.equal(vector.signing_context, SIGNING_CONTEXT)
    assertBlob(protocol.commitmentSignedPayload(commitment), vector.signed_payload)
    assertBlob(protocol.encodeStorageCommitment(commitment), vector.postcard)
    assertBlob(protocol.encodeCommitmentSidecar(commitment), vector.msgpack)
    assert.deepEqual(protocol.decodeCommitmentSidecar(unhex(vector.msgpack.hex)), commitment)
    assert.equal(audit.pinOfCommitment(commitment), vector.commitment_hash)
    const pin = backend().blake3(concat([utf8(vector.hash_domain), unhex(vector.postcard.hex)]))
    assert.equal(toHex(pin), vector.commitment_hash)
  })
  test('the root is that of the entries', () => {
    assert.match(vector.entries, /i in 0\.\.20, every i with i mod 5 == 4 is a pointer leaf/)
    assert.equal(toHex(atOnce(audit.buildTree(entriesOf(label, 20))).root), vector.root)
  })
  for (const tamper of vector.tamper) test(tamper.case, () => checkTamper(tamper, commitment, vector))
}

async function checkTamper(tamper: Json, good: protocol.StorageCommitment, vector: Json): Promise<void> {
  const { secretKey } = backend().mlDsaKeyPair(unhex(vector.seed))
  const cases: Record<string, () => Partial<protocol.StorageCommitment>> = {
    untouched: () => ({}),
    'root byte 0 ^ 1': () => ({ root: flipped(good.root, 0) }),
    'key_count + 1': () => ({ keyCount: good.keyCount + 1 }),
    'peer id byte 31 ^ 1': () => ({ peer: protocol.peerIdOf(flipped(protocol.keyOf(good.peer), 31)) }),
    'public key byte 0 ^ 1': () => ({ publicKey: flipped(good.publicKey, 0) }),
    'public key truncated': () => ({ publicKey: good.publicKey.slice(0, -1) }),
    'signature byte 0 ^ 1': () => ({ signature: flipped(good.signature, 0) }),
    'signature truncated': () => ({ signature: good.signature.slice(0, -1) }),
    'signature empty': () => ({ signature: new Uint8Array(0) }),
    'signed with the empty context instead': () => ({
      signature: backend().mlDsaSign(secretKey, protocol.commitmentSignedPayload(good)),
    }),
  }
  const change = cases[tamper.case] ?? assert.fail(`unknown case: ${tamper.case}`)
  const changed = { ...good, ...change() }
  assert.equal(await protocol.verifyStorageCommitment(changed, verifier), tamper.valid)
  if (tamper.hash !== undefined) assert.equal(audit.pinOfCommitment(changed), tamper.hash)
  const fault = await audit.checkCommitment(changed, { peer: good.peer, pin: audit.pinOfCommitment(good) }, verifier)
  assert.equal(fault === undefined, tamper.valid)
}

function flipped(bytes: Uint8Array, at: number): Bytes {
  const copy = bytes.slice() as Bytes
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

function checkRetention(vector: Json, label: string): void {
  const { retention } = vector
  const pointers = unhex(retention.pointer_leaves.hex)
  for (const name of ['not_gossiped', 'gossiped']) {
    test(name, async () => {
      const main = unhex(retention[name].hex)
      assertBlob(main, retention[name])
      const stored = audit.decodeRetention(main)
      const [slot] = stored.slots
      assert.ok(slot)
      assert.equal(stored.slots.length, 1)
      assert.equal(stored.hasCurrent, true)
      assert.equal(audit.pinOfCommitment(slot.commitment), retention.commitment_hash)
      assert.equal(toHex(slot.keys), toHex(entriesOf(label, 20).keys))
      assert.equal(slot.expiresAt !== undefined, name === 'gossiped')
      // The recording shows it at an unknown time: one second before its end serves all checks.
      const now = (slot.expiresAt ?? 0) - 1000
      const context = { self: slot.commitment.peer, verifier, now, wallAhead: 0, breathe: async () => undefined }
      const loaded = await audit.loadRetention({ main, pointers }, context)
      assert.deepEqual(loaded.faults, [])
      assert.equal(loaded.retention.current?.pin, retention.commitment_hash)
      const found = loaded.retention.find(retention.commitment_hash, now)
      assert.equal(found !== undefined, name === 'gossiped')
      // Written again as it was read: the stamp without the grace that loading gave it.
      const slots = loaded.retention.slots(now).map(({ signed }) => ({ signed, expiresAt: slot.expiresAt }))
      const again = audit.encodeRetention(slots, true)
      assert.equal(toHex(again.main), toHex(main))
      assert.equal(toHex(again.pointers), toHex(pointers))
    })
  }
  test('pointer_leaves', () => {
    assertBlob(pointers, retention.pointer_leaves)
    const [entry] = [...audit.decodeRetentionPointers(pointers)]
    assert.ok(entry)
    assert.equal(entry[0], retention.commitment_hash)
    const expected = [4, 9, 14, 19].map((i) => toHex(backend().blake3(utf8(`${label}/key/${i}`)))).sort()
    assert.deepEqual(entry[1], expected)
  })
}

function checkDigest({ nonce, peer, key, data, digest }: Json): void {
  const challenge = { nonce: unhex(nonce), challengedPeer: protocol.parsePeerId(peer) }
  const content = vectorBytes(data)
  if (data.label !== undefined) assert.equal(toHex(backend().blake3(content)), key)
  assert.equal(toHex(audit.auditDigest(challenge, protocol.parseChunkAddress(key), content)), digest)
}
