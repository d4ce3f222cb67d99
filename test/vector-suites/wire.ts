/** wire.json: what real nodes put on their streams, and what they make of odd and damaged messages. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHex } from '../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import type { Json } from './parts/blob.ts'
import { checkCapture } from './parts/capture.ts'
import { dhtAsJson } from './parts/dht-json.ts'

export default function suite(document: Json): void {
  describe('identities', () => {
    for (const { role, public_key_hex, peer_id } of document.identities) {
      test(role, () => assert.equal(protocol.peerIdOfPublicKey(vectorBytes(public_key_hex)), peer_id))
    }
  })
  describe('captures', () => {
    for (const capture of document.captures) {
      test(`${capture.sender}: ${capture.name}`, async () => {
        const message = await checkCapture(capture)
        if (capture.dht) await checkDht(message, capture.dht)
      })
    }
  })
  describe('acceptance', () => {
    for (const vector of document.acceptance) test(vector.case, () => checkAcceptance(vector))
  })
}

async function checkDht({ topic, data }: protocol.WireMessage, expected: Json): Promise<void> {
  const { message, proofs } = protocol.decodeDhtMessage(data)
  const { trailer_length, trailer_first8, ...fields } = expected
  assert.deepEqual(await dhtAsJson(message), fields)
  assert.ok(protocol.isLegalOnTopic(topic, message))
  const base = protocol.encodeDhtMessage(message)
  assert.equal(data.length - base.length, trailer_length)
  assert.equal(toHex(protocol.encodeDhtMessage(message, proofs)), toHex(data))
  assert.equal(proofs.length > 0, trailer_length > 0)
  if (trailer_first8) assert.equal(Buffer.from(data.subarray(base.length)).toString('latin1', 0, 8), trailer_first8)
  for (const proof of proofs) {
    assert.deepEqual(await protocol.verifyAddressRecord(proof, mlDsaVerifier(backend())), { kind: 'ok' })
  }
}

async function checkAcceptance({ stimulus, outcome }: Json): Promise<void> {
  let message: protocol.WireMessage
  try {
    message = protocol.decodeWireMessage(vectorBytes(stimulus))
  } catch (error) {
    assert.ok(error instanceof protocol.ProtocolError)
    assert.equal(outcome, 'dropped')
    return
  }
  const verdict = await protocol.verifyWireMessage(message, mlDsaVerifier(backend()))
  if (verdict.kind !== 'ok' && verdict.kind !== 'unsigned') {
    assert.equal(outcome, 'dropped', verdict.kind)
    return
  }
  assert.deepEqual(
    {
      topic: message.topic,
      authenticated_source: verdict.kind === 'ok' ? verdict.peer : null,
      timestamp: Number(message.timestamp),
      data_hex: toHex(message.data),
    },
    outcome.delivered,
  )
}
