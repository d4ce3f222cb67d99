import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { concat, MiB, toHex } from '../../../src/base/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { testPeer, testVerifier } from './support.ts'

const KEY = 'ab'.repeat(32) as protocol.ChunkAddress
const { MAX_MESSAGE_BYTES, MAX_SUBTREE_MESSAGE_BYTES } = protocol

test('the ceiling is known from the head alone', () => {
  const head = (variant: string) => protocol.replicationCeiling(vectorBytes(`ac02${variant}`))
  for (const core of ['00', '0a', '0f', '16', '8a00']) assert.equal(head(core), MAX_MESSAGE_BYTES, core)
  for (const small of ['0b', '0e', '17', 'c801', 'ffffffff0f', '', '80', 'ffffffff1f']) {
    assert.equal(head(small), MAX_SUBTREE_MESSAGE_BYTES, small)
  }
  assert.equal(protocol.replicationCeiling(new Uint8Array(20).fill(255)), MAX_SUBTREE_MESSAGE_BYTES)
})

test('in parts it is the same message, and a chunk is borrowed', () => {
  const chunk = new Uint8Array(100_000).fill(3)
  for (const body of [
    { kind: 'freshOffer', key: KEY, data: chunk, paymentProof: new Uint8Array(100).fill(4) },
    { kind: 'fetchResponse', result: { kind: 'success', key: KEY, data: chunk } },
    { kind: 'fetchRequest', key: KEY },
  ] as const) {
    const parts = protocol.replicationMessageParts({ requestId: 300n, body })
    assert.deepEqual(concat(parts), Uint8Array.from(protocol.encodeReplicationMessage({ requestId: 300n, body })))
    assert.equal(parts.includes(chunk), body.kind !== 'fetchRequest', body.kind)
  }
  const result = { kind: 'success', key: KEY, data: new Uint8Array(MAX_MESSAGE_BYTES) } as const
  const large = { requestId: 1n, body: { kind: 'fetchResponse', result } } as const
  assert.throws(() => protocol.replicationMessageParts(large), { code: 'PROTOCOL_TOO_LARGE' })
})

test('plain kinds and kinds behind the envelope', () => {
  const fetch = { kind: 'fetchRequest', key: KEY } as const
  assert.ok(!protocol.isPlainReplication(fetch))
  assert.ok(protocol.isPlainReplication({ kind: 'pointerHints', hints: [] }))
  assert.equal(protocol.replicationTopicOf(fetch), protocol.TOPIC_REPLICATION)
})

test('a flood of small items is read to its end but not kept', () => {
  const flood = new protocol.Writer(10 * MiB)
    .uint(1)
    .uint(22)
    .uint(10 * MiB - 20)
  const states = concatZeros(flood.finish(), 10 * MiB - 20)
  const { body } = protocol.decodeReplicationMessage(states)
  assert.ok(body.kind === 'pointerStateResponse')
  assert.equal(body.states.length, protocol.MAX_POINTER_STATES + 1)

  const indices = new protocol.Writer().uint(1).uint(5).uint(0).uint(1_000_000)
  const request = protocol.decodeReplicationMessage(concatZeros(indices.finish(), 1_000_000)).body
  assert.ok(request.kind === 'verificationRequest')
  assert.equal(request.paidListCheckIndices.length, protocol.MAX_VERIFICATION_KEYS + 1)
})

function concatZeros(head: Uint8Array, zeros: number): Uint8Array {
  const all = new Uint8Array(head.length + zeros)
  all.set(head)
  return all
}

test('storage commitments: both encodings, payload, pin, damages', async () => {
  const file = join(import.meta.dirname, '../../vectors/commitments.json')
  const vector = JSON.parse(readFileSync(file, 'utf8')).signed_commitment
  const commitment = protocol.decodeStorageCommitment(vectorBytes(vector.postcard.hex))
  assert.equal(toHex(commitment.root), vector.root)
  assert.equal(commitment.keyCount, vector.key_count)
  assert.equal(commitment.peer, vector.sender_peer_id)
  assert.equal(toHex(protocol.encodeStorageCommitment(commitment)), vector.postcard.hex)
  assert.equal(toHex(protocol.encodeCommitmentSidecar(commitment)), vector.msgpack.hex)
  assert.deepEqual(protocol.decodeCommitmentSidecar(vectorBytes(vector.msgpack.hex)), commitment)
  assert.equal(protocol.commitmentSignedPayload(commitment).length, vector.signed_payload.length)
  assert.equal(toHex(protocol.commitmentPin(commitment)), vector.commitment_hash)

  const valid = (change: Partial<protocol.StorageCommitment>) =>
    protocol.verifyStorageCommitment({ ...commitment, ...change }, testVerifier())
  assert.ok(await valid({}))
  const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
  assert.ok(!(await valid({ root: flip(commitment.root, 0) })))
  assert.ok(!(await valid({ keyCount: commitment.keyCount + 1 })))
  assert.ok(!(await valid({ keyCount: 0 })))
  assert.ok(!(await valid({ peer: testPeer('other').id })))
  assert.ok(!(await valid({ signature: flip(commitment.signature, 3308) })))
  assert.throws(() => protocol.decodeCommitmentSidecar(new Uint8Array(8193)), { code: 'PROTOCOL_TOO_LARGE' })
})

test('a commitment of ours verifies, its signature needs the context', async () => {
  const { signer, id } = testPeer('committer')
  const made = await protocol.createStorageCommitment({ root: new Uint8Array(32).fill(9), keyCount: 3 }, signer)
  assert.equal(made.peer, id)
  assert.ok(await protocol.verifyStorageCommitment(made, testVerifier()))
  const bare = { ...made, signature: await signer.sign(protocol.commitmentSignedPayload(made)) }
  assert.ok(!(await protocol.verifyStorageCommitment(bare, testVerifier())))
})
