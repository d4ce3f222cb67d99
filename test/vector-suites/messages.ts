/** messages.json: every chunk and replication message, every odd or damaged input, the ceilings. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absentDigest } from '../../src/audit/index.ts'
import { toHex } from '../../src/base/index.ts'
import { settlementFault } from '../../src/chunk-server/admission.ts'
import * as protocol from '../../src/protocol/index.ts'
import { VARIANTS, writeReplicationBody } from '../../src/protocol/messages/replication-body-codec.ts'
import { vectorBytes } from '../support/vector-input.ts'
import { assertBlob, type Json } from './parts/blob.ts'
import { chunkMessageOf } from './parts/chunk-json.ts'
import { replicationMessageOf } from './parts/replication-json.ts'

const refusals = new Set(['PROTOCOL_DECODE', 'PROTOCOL_TOO_LARGE'])

function refused(error: unknown): true {
  assert.ok(error instanceof protocol.ProtocolError && refusals.has(error.code), String(error))
  return true
}

/** A refusal for size that names both numbers of the reference's own sentence. */
function tooLarge(sentence: string): (error: unknown) => true {
  const numbers = sentence.match(/\d+/g)
  return (error) => {
    assert.ok(error instanceof protocol.ProtocolError && error.code === 'PROTOCOL_TOO_LARGE', String(error))
    assert.deepEqual(error.message.match(/\d+/g), numbers, error.message)
    return true
  }
}

/** As the encoder would write it without a ceiling. */
function encodeWithoutCeiling({ requestId, body }: protocol.ReplicationMessage): Uint8Array {
  const writer = new protocol.Writer().uint(requestId)
  writeReplicationBody(writer, body)
  return writer.finish()
}

function chunkSuite(section: Json): void {
  const { constants } = section
  test('constants', () => {
    assert.equal(protocol.TOPIC_CHUNK, constants.CHUNK_PROTOCOL_ID)
    assert.equal(protocol.MAX_CHUNK_BYTES, constants.MAX_CHUNK_SIZE)
    assert.equal(protocol.MAX_CHUNK_MESSAGE_BYTES, constants.MAX_WIRE_MESSAGE_SIZE)
    assert.equal(protocol.CLOSE_GROUP_SIZE, constants.CLOSE_GROUP_SIZE)
    assert.equal(protocol.PUT_ACKS, constants.CLOSE_GROUP_MAJORITY)
    assert.equal(protocol.SETTLEMENT_VERSION, constants.CURRENT_SETTLEMENT_VERSION)
    assert.equal(protocol.SETTLEMENT_VERSION, constants.MIN_SUPPORTED_SETTLEMENT_VERSION)
  })
  for (const vector of section.messages) {
    test(`message: ${vector.name}`, () => {
      const message = chunkMessageOf(vector.json)
      const encoded = protocol.encodeChunkMessage(message)
      assertBlob(encoded, vector.encoded)
      if (vector.decodes) assert.deepEqual(protocol.decodeChunkMessage(encoded), message)
      else assert.throws(() => protocol.decodeChunkMessage(encoded), tooLarge(vector.decode_error.display))
    })
  }
  for (const vector of section.decode) {
    test(`decode: ${vector.name}`, () => {
      const input = vectorBytes(vector.input ?? vector.hex)
      const { ok, error } = vector.result
      if (!ok) {
        const expected = 'MessageTooLarge' in error.value ? tooLarge(error.display) : refused
        assert.throws(() => protocol.decodeChunkMessage(input), expected)
        return
      }
      const message = protocol.decodeChunkMessage(input)
      assert.deepEqual(message, chunkMessageOf(vector.result.json))
      if (vector.result.reencoded) assertBlob(protocol.encodeChunkMessage(message), vector.result.reencoded)
    })
  }
  test('settlement compatibility', () => {
    const faults = { Compatible: undefined, ClientTooOld: 'clientUpdateRequired', NodeTooOld: 'storerUpdateRequired' }
    for (const { client_version, result } of section.settlement_compatibility) {
      assert.equal(settlementFault(client_version)?.kind, faults[result as keyof typeof faults])
    }
  })
}

function replicationSuite(section: Json): void {
  const { constants } = section
  test('constants', () => {
    assert.equal(protocol.TOPIC_REPLICATION, constants.REPLICATION_PROTOCOL_ID)
    assert.equal(protocol.TOPIC_SUBTREE_AUDIT, constants.SUBTREE_AUDIT_PROTOCOL_ID)
    assert.equal(protocol.MAX_MESSAGE_BYTES, constants.MAX_REPLICATION_MESSAGE_SIZE)
    assert.equal(protocol.MAX_SUBTREE_MESSAGE_BYTES, constants.MAX_SUBTREE_AUDIT_MESSAGE_SIZE)
    assert.equal(protocol.MAX_SLICE_OPENINGS, constants.MAX_SLICE_OPENINGS)
    assert.equal(protocol.MAX_POINTER_HINTS, constants.MAX_POINTER_HINTS_PER_MESSAGE)
    assert.equal(protocol.MAX_POINTER_STATES, constants.MAX_POINTER_STATE_REQUEST_ADDRESSES)
    assert.equal(protocol.MAX_VERIFICATION_KEYS, constants.MAX_INCOMING_VERIFICATION_KEYS)
    assert.equal(protocol.MAX_POINTER_RECORDS, constants.MAX_POINTER_RECORDS_PER_ITEM)
    assert.equal(toHex(absentDigest()), constants.ABSENT_KEY_DIGEST)
  })
  test('every kind of body is among the messages', () => {
    const kinds = section.messages.map(({ json }: Json) => replicationMessageOf(json).body.kind)
    assert.equal(new Set(kinds).size, VARIANTS)
  })
  for (const vector of section.messages) {
    test(`message: ${vector.name}`, () => {
      const message = replicationMessageOf(vector.json)
      const topic = vector.is_subtree_audit ? protocol.TOPIC_SUBTREE_AUDIT : protocol.TOPIC_REPLICATION
      assert.equal(protocol.replicationTopicOf(message.body), topic)
      if (vector.encode_error) {
        const expected = tooLarge(vector.encode_error)
        assert.throws(() => protocol.encodeReplicationMessage(message), expected)
        const bytes = encodeWithoutCeiling(message)
        assertBlob(bytes, vector.raw_postcard)
        assert.throws(() => protocol.decodeReplicationMessage(bytes), expected)
        assert.deepEqual(protocol.decodeReplicationMessage(bytes, bytes.length), message)
        return
      }
      const encoded = protocol.encodeReplicationMessage(message)
      assertBlob(encoded, vector.encoded)
      assert.deepEqual(protocol.decodeReplicationMessage(encoded), message)
      if (vector.strict_decoder !== undefined) {
        assert.equal(vector.strict_decoder, 'ok')
        protocol.decodeReplicationMessage(encoded, protocol.MAX_SUBTREE_MESSAGE_BYTES)
      }
    })
  }
  for (const vector of section.decode) {
    test(`decode: ${vector.name}`, () => {
      const input = vectorBytes(vector.input ?? vector.hex)
      if (!vector.result.ok) {
        const { error } = vector.result
        const expected = error.includes('exceeds maximum') ? tooLarge(error) : { code: 'PROTOCOL_DECODE' }
        assert.throws(() => protocol.decodeReplicationMessage(input), expected)
      } else {
        const message = protocol.decodeReplicationMessage(input)
        assert.deepEqual(message, replicationMessageOf(vector.result.json))
      }
    })
  }
}

export default function suite(document: Json): void {
  describe('chunk', () => chunkSuite(document.chunk))
  describe('replication', () => replicationSuite(document.replication))
}
