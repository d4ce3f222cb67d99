import assert from 'node:assert/strict'
import { toHex } from '../../../src/base/index.ts'
import { backend, mlDsaVerifier, type Signer } from '../../../src/crypto/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { assertBlob, type Json } from './blob.ts'

/** Decodes a captured stream, checks every field and the signature, encodes it again to the same bytes. */
export async function checkCapture(capture: Json): Promise<protocol.WireMessage> {
  const bytes = vectorBytes(capture.hex)
  assertBlob(bytes, { length: capture.captured_length, blake3: capture.blake3 })
  const message = protocol.decodeWireMessage(bytes)
  const { publicKey, signature, signedBytes, topic, data, from, userAgent } = message
  assert.deepEqual(
    {
      protocol: topic,
      data_hex: toHex(data),
      from,
      timestamp: Number(message.timestamp),
      user_agent: userAgent,
      public_key_blake3: toHex(backend().blake3(publicKey)),
      signature_length: signature.length,
    },
    capture.fields,
  )
  const signed = { length: capture.signed_bytes_length, blake3: capture.signed_bytes_blake3 }
  assertBlob(signedBytes, signed)
  assertBlob(protocol.wireSignedBytes(message), signed)
  const verdict = await protocol.verifyWireMessage(message, mlDsaVerifier(backend()))
  assert.equal(verdict.kind === 'ok', capture.signature_valid)

  const recorded: Signer = { publicKey, sign: async () => signature.slice() }
  assert.equal(toHex(await protocol.encodeWireMessage(message, recorded)), capture.hex)
  if (capture.envelope) checkEnvelope(data, capture.envelope)
  return message
}

function checkEnvelope(data: Uint8Array, expected: Json): void {
  const envelope = protocol.decodeRequestEnvelope(data)
  assert.deepEqual(
    {
      message_id: envelope.messageId,
      is_response: envelope.isResponse,
      payload_hex: toHex(envelope.payload),
    },
    expected,
  )
  assert.equal(toHex(protocol.encodeRequestEnvelope(envelope)), toHex(data))
}
