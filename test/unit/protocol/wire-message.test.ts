import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, toHex, utf8 } from '../../../src/base/index.ts'
import type { Signer } from '../../../src/crypto/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { testPeer, testVerifier } from './support.ts'

const peer = testPeer('wire message')
const fields = {
  topic: 'topic/with spaces é',
  data: Uint8Array.from({ length: 300 }, (_, i) => i),
  from: peer.id,
  timestamp: 1_795_252_770,
  userAgent: 'node/0.1.0',
}

test('what is encoded is decoded and verifies, without a copy of the data', async () => {
  const bytes = await protocol.encodeWireMessage(fields, peer.signer)
  const message = protocol.decodeWireMessage(bytes)
  assert.deepEqual({ ...message, timestamp: Number(message.timestamp) }, { ...message, ...fields })
  assert.equal(message.data.buffer, bytes.buffer)
  assert.equal(message.signedBytes.buffer, bytes.buffer)
  assert.deepEqual(await protocol.verifyWireMessage(message, testVerifier()), { kind: 'ok', peer: peer.id })
})

test('the bytes that are signed are the head of the message, in the same buffer', async () => {
  let signed: Uint8Array | undefined
  const signer: Signer = {
    publicKey: peer.signer.publicKey,
    sign: async (message) => {
      signed = message
      return new Uint8Array(3309)
    },
  }
  const bytes = await protocol.encodeWireMessage(fields, signer)
  assert.equal(signed?.buffer, bytes.buffer)
  assert.equal(toHex(signed as Uint8Array), toHex(protocol.wireSignedBytes(fields)))
  assert.equal(bytes.length, bytes.buffer.byteLength, 'the buffer was sized exactly')
})

test('content in parts makes the same message, joined once in a buffer of its exact size', async () => {
  const peerOf = { publicKey: peer.signer.publicKey, sign: async () => new Uint8Array(3309) }
  const whole = await protocol.encodeWireMessage(fields, peerOf)
  const { data } = fields
  const parts = await protocol.encodeWireMessage(
    { ...fields, data: [data.subarray(0, 7), data.subarray(7, 7), data.subarray(7)] },
    peerOf,
  )
  assert.deepEqual(parts, whole)
  assert.equal(parts.length, parts.buffer.byteLength)
})

test('a chunk message in parts holds the content itself, and joined it is the same', () => {
  const content = Uint8Array.from({ length: 70_000 }, (_, i) => i)
  const address = protocol.chunkAddressOf(new Uint8Array(32).fill(7))
  for (const body of [
    { kind: 'putRequest', address, content },
    { kind: 'putRequest', address, content, paymentProof: new Uint8Array(200).fill(3) },
    { kind: 'getRequest', address },
  ] as const) {
    const parts = protocol.encodeChunkMessageParts({ requestId: 2n ** 63n, body })
    assert.deepEqual(concat(parts), protocol.encodeChunkMessage({ requestId: 2n ** 63n, body }))
    assert.equal(parts.includes(content), body.kind === 'putRequest')
  }
})

test('an announce has no content', async () => {
  const { from, timestamp, userAgent } = fields
  const bytes = await protocol.encodeIdentityAnnounce({ from, timestamp, userAgent }, peer.signer)
  const { topic, data } = protocol.decodeWireMessage(bytes)
  assert.equal(topic, protocol.TOPIC_IDENTITY)
  assert.equal(data.length, 0)
})

test('odd but legal forms verify over the canonical bytes', async () => {
  const { topic, data, from, timestamp, userAgent } = fields
  const signature = await peer.signer.sign(protocol.wireSignedBytes(fields))
  const odd = new protocol.Writer()
  odd
    .raw(Uint8Array.of(0x80 | utf8(topic).length, 0))
    .raw(utf8(topic))
    .byteString(data)
  odd.string(from.toUpperCase()).uint(timestamp).string(userAgent)
  odd.byteString(peer.signer.publicKey).byteString(signature).raw(utf8('tail'))
  const message = protocol.decodeWireMessage(odd.finish())
  assert.equal(message.from, from)
  assert.deepEqual(await protocol.verifyWireMessage(message, testVerifier()), { kind: 'ok', peer: from })
})

test('what was signed in an odd form does not verify', async () => {
  const { data, from, timestamp, userAgent } = fields
  const head = new protocol.Writer().string('x').byteString(data).string(from.toUpperCase())
  const signed = head.uint(timestamp).string(userAgent).finish()
  const tail = new protocol.Writer().byteString(peer.signer.publicKey).byteString(await peer.signer.sign(signed))
  const message = protocol.decodeWireMessage(concat([signed, tail.finish()]))
  assert.deepEqual(await protocol.verifyWireMessage(message, testVerifier()), { kind: 'badSignature' })
})

test('verdicts come in their order, and only the last one costs a verification', async () => {
  const good = protocol.decodeWireMessage(await protocol.encodeWireMessage(fields, peer.signer))
  const empty = new Uint8Array(0)
  let verifications = 0
  const counting = {
    verify: async () => {
      verifications++
      return false
    },
  }
  const verdict = async (change: Partial<protocol.WireMessage>) =>
    (await protocol.verifyWireMessage({ ...good, ...change }, counting)).kind
  assert.equal(await verdict({ publicKey: empty, signature: empty }), 'unsigned')
  assert.equal(await verdict({ signature: empty }), 'unsigned')
  assert.equal(await verdict({ publicKey: empty }), 'badKey')
  assert.equal(await verdict({ publicKey: good.publicKey.subarray(1) }), 'badKey')
  assert.equal(await verdict({ from: testPeer('other').id }), 'mismatch')
  assert.equal(await verdict({ signature: good.signature.subarray(1) }), 'badSignature')
  assert.equal(verifications, 0)
  assert.equal(await verdict({}), 'badSignature')
  assert.equal(verifications, 1)
})

test('a timestamp may be any u64', async () => {
  const bytes = await protocol.encodeWireMessage({ ...fields, timestamp: 2n ** 64n - 1n }, peer.signer)
  assert.equal(protocol.decodeWireMessage(bytes).timestamp, 2n ** 64n - 1n)
})

test('envelopes and topics of requests', () => {
  const envelope = { messageId: '00000000-0000-4000-8000-000000000000', isResponse: true, payload: utf8('x') }
  assert.deepEqual(protocol.decodeRequestEnvelope(protocol.encodeRequestEnvelope(envelope)), envelope)
  const parts = protocol.requestEnvelopeParts({ ...envelope, payload: [utf8('a'), utf8('bc')] })
  assert.deepEqual(protocol.decodeRequestEnvelope(concat(parts)), { ...envelope, payload: utf8('abc') })
  assert.equal(protocol.requestTopic('relay-canary-v1'), '/rr/relay-canary-v1')
  assert.equal(protocol.protocolOfTopic('/rr/demo'), 'demo')
  for (const topic of ['/rr/', '/rr/a/b', '/rr/a\\b', '/rr/a\0', '/dht/1.0.0']) {
    assert.equal(protocol.protocolOfTopic(topic), undefined)
  }
  for (const name of ['', 'a/b', 'a\\b', '\0']) {
    assert.throws(() => protocol.requestTopic(name), { code: 'PROTOCOL_ENCODE' })
  }
})
