import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, utf8 } from '../../../src/base/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { testPeer, testVerifier } from './support.ts'

const owner = testPeer('owner')
const other = testPeer('other')
const key = protocol.keyOf(owner.id)
const KIB_64 = 65_536

function address(text: string, type: protocol.AddressType = 1): protocol.TypedAddress {
  return { address: protocol.parseMultiaddr(text), type }
}

const quic = address('/ip4/203.0.113.7/udp/9000/quic')

async function recordOf(peer = owner, sequence = 7n): Promise<protocol.SignedAddressRecord> {
  return await protocol.createAddressRecord({ sequence, records: [protocol.transportRecord(quic)] }, peer.signer)
}

function reply(nodes: readonly protocol.DhtNode[]): protocol.DhtMessage {
  return {
    messageId: '00000000-0000-4000-8000-000000000000',
    source: other.id,
    type: 'response',
    operation: { kind: 'findNode', key },
    result: { kind: 'nodesFound', key, nodes },
    timestamp: 1_795_252_777,
    ttl: 9,
    hopCount: 1,
  }
}

const node = { peerId: owner.id, addresses: [quic], publicationSequence: 7n }

test('proofs ride behind the reply and come back verified by their owner’s key', async () => {
  const record = await recordOf()
  const bytes = protocol.encodeDhtMessage(reply([node]), [record])
  const { message, proofs } = protocol.decodeDhtMessage(bytes)
  assert.deepEqual(message, reply([node]))
  assert.deepEqual(proofs, [record])
  assert.deepEqual(await protocol.verifyAddressRecord(proofs[0] as never, testVerifier()), { kind: 'ok' })
})

test('a proof of a peer that the reply does not name is left out', async () => {
  const bytes = protocol.encodeDhtMessage(reply([node]), [await recordOf(other), await recordOf()])
  assert.deepEqual(
    protocol.decodeDhtMessage(bytes).proofs.map((proof) => proof.owner),
    [owner.id],
  )
})

test('a damaged trailer is void as a whole, the reply stays', async () => {
  const record = await recordOf()
  const base = protocol.encodeDhtMessage(reply([node]))
  const bytes = protocol.encodeDhtMessage(reply([node]), [record, record])
  const damaged = [
    concat([base, utf8('ADDRSIG2'), bytes.subarray(base.length + 8)]),
    concat([bytes, new Uint8Array(3)]),
    bytes.subarray(0, bytes.length - 1),
    concat([base, utf8('ADDRSIG1'), Uint8Array.of(255, 255, 255, 255), record.encoded]),
    concat([base, utf8('ADDRSIG1'), Uint8Array.of(0, 0, 0, 4), utf8('junk')]),
  ]
  for (const message of damaged)
    assert.deepEqual(protocol.decodeDhtMessage(message), { message: reply([node]), proofs: [] })
})

test('trailing bytes of other messages are nobody’s proofs', async () => {
  const request = { ...reply([]), type: 'request' as const, operation: { kind: 'ping' as const } }
  const { result: _, ...ping } = request
  const trailer = protocol.encodeDhtMessage(reply([node]), [await recordOf()])
  const bytes = concat([
    protocol.encodeDhtMessage(ping),
    trailer.subarray(protocol.encodeDhtMessage(reply([node])).length),
  ])
  assert.deepEqual(protocol.decodeDhtMessage(bytes), { message: ping, proofs: [] })
})

test('as many proofs as fit in 64 KiB, none at the price of a node', async () => {
  const record = await recordOf()
  const bytes = protocol.encodeDhtMessage(reply([node]), new Array(50).fill(record))
  assert.ok(bytes.length <= KIB_64 && bytes.length + record.encoded.length > KIB_64)
  assert.equal(protocol.decodeDhtMessage(bytes).proofs.length, Math.floor((KIB_64 - 300) / (record.encoded.length + 4)))

  const crowd = { ...node, addresses: new Array(2_000).fill(quic) }
  const full = protocol.encodeDhtMessage(reply([crowd]), [record])
  assert.equal(full.length, protocol.encodeDhtMessage(reply([crowd])).length, 'no marker when nothing fits')
  const tooMany = { ...node, addresses: new Array(2_200).fill(quic) }
  assert.throws(() => protocol.encodeDhtMessage(reply([tooMany])), { code: 'PROTOCOL_TOO_LARGE' })
  assert.throws(() => protocol.decodeDhtMessage(new Uint8Array(KIB_64 + 1)), { code: 'PROTOCOL_TOO_LARGE' })
})

test('records own their bytes', async () => {
  const bytes = protocol.encodeDhtMessage(reply([node]), [await recordOf()])
  const [proof] = protocol.decodeDhtMessage(bytes).proofs
  assert.ok(proof && proof.encoded.buffer !== bytes.buffer)
  assert.equal(proof.encoded.buffer.byteLength, proof.encoded.length)
  assert.equal(proof.publicKey.buffer, proof.encoded.buffer)
})

test('one bad multiaddr makes the whole message undecodable', () => {
  const bad = { ...quic.address, text: '/ip4/203.0.113.7/udp/9000/quic-v1' }
  const bytes = protocol.encodeDhtMessage(reply([{ ...node, addresses: [{ ...quic, address: bad }] }]))
  assert.throws(() => protocol.decodeDhtMessage(bytes), { code: 'PROTOCOL_DECODE' })
})

test('claimed types are overridden by what the address is', () => {
  const addresses = [address('/ip4/10.0.0.1/udp/1/quic', 0), address('/ip4/203.0.113.7/udp/9/quic', 3)]
  const { message } = protocol.decodeDhtMessage(protocol.encodeDhtMessage(reply([{ ...node, addresses }])))
  assert.ok(message.result?.kind === 'nodesFound')
  assert.deepEqual(
    message.result.nodes[0]?.addresses.map(({ type }) => type),
    [protocol.ADDRESS_TYPE.lan, protocol.ADDRESS_TYPE.lan],
  )
})

test('which shapes are legal on which topic', async () => {
  const publication = { kind: 'publishAddressSetV2' as const, record: await recordOf() }
  const { result: _, ...base } = reply([])
  const request = { ...base, type: 'request' as const }
  const legal = (message: protocol.DhtMessage) => protocol.isLegalOnTopic(protocol.TOPIC_DHT_ADDRESS, message)
  assert.ok(legal({ ...request, operation: publication }))
  assert.ok(legal({ ...base, operation: publication, result: { kind: 'peerRejected' } }))
  assert.ok(legal({ ...base, operation: { kind: 'ping' }, result: { kind: 'publishAddressAck' } }))
  const illegal: protocol.DhtMessage[] = [
    request,
    { ...request, operation: { kind: 'ping' } },
    { ...request, operation: publication, result: { kind: 'publishAddressAck' } },
    { ...base, operation: publication, result: { kind: 'publishAddressAck' } },
    { ...base, operation: { kind: 'ping' }, result: { kind: 'peerRejected' } },
    { ...base, type: 'broadcast', operation: publication },
    reply([]),
  ]
  for (const message of illegal) assert.ok(!legal(message), JSON.stringify([message.type, message.operation.kind]))
  for (const message of illegal) assert.ok(protocol.isLegalOnTopic(protocol.TOPIC_DHT, message))
  assert.ok(!protocol.isLegalOnTopic('/dht/3.0.0', request))
})

test('WebRTC records name their owner, QUIC records may', async () => {
  const webrtc = '/ip4/203.0.113.7/udp/443/webrtc-direct/certhash/uEiAY_lIKkqTgA3_ezQIPAF_zjAD6TIZNLZhHFlDxV215vA'
  const sign = (text: string) =>
    protocol.createAddressRecord({ sequence: 1n, records: [protocol.transportRecord(address(text))] }, owner.signer)
  await sign(`${webrtc}/p2p/${owner.id}`)
  await sign(`/ip4/203.0.113.7/udp/443/quic/p2p/${owner.id}`)
  for (const text of [webrtc, `${webrtc}/p2p/${other.id}`, `/ip4/203.0.113.7/udp/443/quic/p2p/${other.id}`]) {
    await assert.rejects(sign(text), { code: 'PROTOCOL_ENCODE' })
  }
})

test('a record of one peer under the name of another does not verify', async () => {
  const record = await recordOf()
  const verdict = async (change: Partial<protocol.SignedAddressRecord>) =>
    (await protocol.verifyAddressRecord({ ...record, ...change }, testVerifier())).kind
  assert.equal(await verdict({}), 'ok')
  assert.equal(await verdict({ owner: other.id }), 'badOwner')
  assert.equal(await verdict({ publicKey: record.publicKey.subarray(1) }), 'badKey')
  assert.equal(await verdict({ signature: record.signature.subarray(1) }), 'badSignature')
  assert.equal(await verdict({ sequence: 8n }), 'badSignature')
  assert.equal(await verdict({ sequence: 0n }), 'badBounds')
})

test('a record that somebody holds is the same object when it comes again, and another is not mistaken for it', async () => {
  const record = await recordOf()
  const again = protocol.decodeAddressRecord(record.encoded.slice())
  assert.equal(again, record)
  assert.equal(protocol.decodeAddressRecord(concat([record.encoded, utf8('more')])), record, 'what follows is not its')
  const damaged = record.encoded.slice()
  damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1
  assert.notDeepEqual(protocol.decodeAddressRecord(damaged).signature, record.signature)
  for (const length of [record.encoded.length - 1, 70, 10])
    assert.throws(() => protocol.decodeAddressRecord(record.encoded.subarray(0, length)), { code: 'PROTOCOL_DECODE' })
  const newer = await recordOf(owner, 8n)
  assert.notEqual(newer, record)
  assert.equal(newer.sequence, 8n)
  const operation = { kind: 'publishAddressSetV2', record: newer } as const
  const { result, ...rest } = reply([node])
  const published = protocol.decodeDhtMessage(protocol.encodeDhtMessage({ ...rest, type: 'request', operation }))
  assert.deepEqual(published.message, { ...rest, type: 'request', operation })
  assert.ok(published.message.operation.kind === 'publishAddressSetV2' && published.message.operation.record === newer)
})

test('parts of a message joined are the message', async () => {
  const record = await recordOf()
  const parts = protocol.dhtMessageParts(reply([node]), [record])
  assert.equal(parts.at(-1), record.encoded, 'a proof is not copied')
  assert.deepEqual(concat(parts), protocol.encodeDhtMessage(reply([node]), [record]))
})
