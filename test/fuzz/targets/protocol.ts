/** Every decoder that `src/protocol` exports, with real encodings to damage. */
import assert from 'node:assert/strict'
import { type Bytes, fromUtf8, toHex, utf8 } from '../../../src/base/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { type FuzzTarget, vectors } from './target.ts'

const messages = vectors('messages')
const wire = vectors('wire')
const addresses = vectors('addresses')
const commitments = vectors('commitments')
const canaries = vectors('relay-canary')
const hexOf = (section: { messages: { encoded?: { hex?: string } }[] }) =>
  section.messages.flatMap(({ encoded }) => (encoded?.hex === undefined ? [] : [vectorBytes(encoded.hex)]))
const streams: Bytes[] = wire.captures.map(({ hex }: { hex: string }) => vectorBytes(hex))
const decodedStreams = streams.map(protocol.decodeWireMessage)
const ofTopic = (prefix: string) => decodedStreams.filter(({ topic }) => topic.startsWith(prefix)).map((m) => m.data)
const records: Bytes[] = addresses.signed_address_records.map((r: { encoded: { hex: string } }) =>
  vectorBytes(r.encoded.hex),
)
const dhtNodes: Bytes[] = addresses.dht_nodes.map(({ postcard }: { postcard: string }) => vectorBytes(postcard))
const commitment: Bytes = vectorBytes(commitments.signed_commitment.postcard.hex)

/** What a reader of one value leaves over is ignored, as by the decoders of whole messages. */
const reading =
  <T>(read: (reader: protocol.Reader) => T) =>
  (bytes: Uint8Array): T =>
    read(new protocol.Reader(bytes))
const written = <T>(write: (writer: protocol.Writer, value: T) => unknown, value: T): Bytes => {
  const writer = new protocol.Writer()
  write(writer, value)
  return writer.finish()
}
const proofOfMessage = (hex: Bytes) => {
  const { body } = protocol.decodeReplicationMessage(hex)
  return body.kind === 'subtreeAuditResponse' && body.result.kind === 'proof' ? [body.result.proof] : []
}
const proofs = hexOf(messages.replication).flatMap(proofOfMessage)
const summaries = hexOf(messages.replication).flatMap((hex) => {
  const { body } = protocol.decodeReplicationMessage(hex)
  return body.kind === 'pointerHints' ? body.hints : []
})
const bundled = (all: readonly protocol.SignedAddressRecord[]) =>
  written((writer) => protocol.writeAddressProofs(writer, all), undefined)
const trailer = bundled(records.slice(0, 3).map(protocol.decodeAddressRecord))
const MARKER_BYTES = 8

/** As text, so that texts are damaged byte by byte too; what is no UTF-8 stays what a text decoder could meet. */
const texts = (...all: string[]): Bytes[] => all.map(utf8)
const asText = (bytes: Uint8Array): string => fromUtf8(bytes) ?? Buffer.from(bytes).toString('latin1')
const HEX64 = 'ab'.repeat(32)
const IPS = ['1.2.3.4', '255.255.255.255', '::1', 'fe80::1:2', '2001:db8::', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4']

export const PROTOCOL_TARGETS: readonly FuzzTarget[] = [
  { name: 'WireMessage', covers: ['decodeWireMessage'], corpus: streams, decode: decodeSigned },
  {
    name: 'RequestEnvelope',
    covers: ['decodeRequestEnvelope'],
    corpus: ofTopic('/rr/'),
    decode: protocol.decodeRequestEnvelope,
    encode: protocol.encodeRequestEnvelope,
  },
  {
    name: 'DhtMessage',
    covers: ['decodeDhtMessage'],
    corpus: ofTopic('/dht/'),
    decode: protocol.decodeDhtMessage,
    encode: ({ message, proofs }: protocol.DecodedDhtMessage) =>
      Number.isSafeInteger(message.timestamp) ? protocol.encodeDhtMessage(message, proofs) : undefined,
  },
  {
    name: 'SignedAddressRecord',
    covers: ['decodeAddressRecord'],
    corpus: records,
    decode: protocol.decodeAddressRecord,
    encode: ({ encoded }: protocol.SignedAddressRecord) => encoded,
  },
  {
    name: 'DhtNode',
    covers: ['readDhtNode'],
    corpus: dhtNodes,
    decode: reading(protocol.readDhtNode),
    encode: (node: protocol.DhtNode) => written(protocol.writeDhtNode, node),
  },
  {
    name: 'ChunkMessage',
    covers: ['decodeChunkMessage'],
    corpus: hexOf(messages.chunk),
    decode: protocol.decodeChunkMessage,
    encode: protocol.encodeChunkMessage,
  },
  {
    name: 'ReplicationMessage',
    covers: ['decodeReplicationMessage'],
    corpus: hexOf(messages.replication),
    decode: protocol.decodeReplicationMessage,
    encode: protocol.encodeReplicationMessage,
  },
  {
    name: 'StorageCommitment',
    covers: ['decodeStorageCommitment'],
    corpus: [commitment],
    decode: protocol.decodeStorageCommitment,
    encode: protocol.encodeStorageCommitment,
  },
  {
    name: 'commitment sidecar',
    covers: ['decodeCommitmentSidecar'],
    corpus: [vectorBytes(commitments.signed_commitment.msgpack.hex)],
    decode: protocol.decodeCommitmentSidecar,
    encode: protocol.encodeCommitmentSidecar,
  },
  {
    name: 'MessagePack value',
    covers: [],
    corpus: [vectorBytes(commitments.signed_commitment.msgpack.hex)],
    decode: skipValue,
  },
  {
    name: 'pointer',
    covers: ['parsePointer'],
    corpus: [vectorBytes(vectors('pointers').records[0].record_hex)],
    decode: protocol.parsePointer,
    encode: ({ encoded }: protocol.PointerRecord) => encoded,
  },
  {
    name: 'relay canary',
    covers: ['decodeRelayCanaryRequest'],
    corpus: canaries.cases.map((c: { request: { payload_hex: string } }) => vectorBytes(c.request.payload_hex)),
    decode: protocol.decodeRelayCanaryRequest,
    encode: protocol.encodeRelayCanaryRequest,
  },
  {
    name: 'relay canary result',
    covers: ['decodeRelayCanaryResult'],
    corpus: canaries.cases.map((c: { answer: { payload_hex: string } }) => vectorBytes(c.answer.payload_hex)),
    decode: protocol.decodeRelayCanaryResult,
    encode: protocol.encodeRelayCanaryResult,
  },
  {
    name: 'address record in a message',
    covers: ['readAddressRecord'],
    corpus: records,
    decode: reading(protocol.readAddressRecord),
    encode: ({ encoded }: protocol.SignedAddressRecord) => encoded,
  },
  {
    name: 'address proofs',
    covers: ['readAddressProofs'],
    corpus: [trailer],
    decode: protocol.readAddressProofs,
    isNothing: (found: readonly unknown[]) => found.length === 0,
    encode: bundled,
  },
  {
    name: 'address bundle',
    covers: ['readAddressBundle'],
    corpus: [trailer.subarray(MARKER_BYTES)],
    decode: (bytes) => protocol.readAddressBundle(bytes),
    isNothing: (found: unknown) => found === undefined,
  },
  {
    name: 'fields of a DhtNode',
    covers: ['readDhtNodeFields'],
    corpus: dhtNodes,
    decode: reading(protocol.readDhtNodeFields),
    encode: (node: protocol.DhtNodeFields) => written(protocol.writeDhtNodeFields, node),
  },
  {
    name: 'subtree proof',
    covers: ['readSubtreeProof'],
    corpus: proofs.map((proof) => written(protocol.writeSubtreeProof, proof)),
    decode: reading(protocol.readSubtreeProof),
    encode: (proof: protocol.SubtreeProof) => written(protocol.writeSubtreeProof, proof),
  },
  {
    name: 'commitment in a message',
    covers: ['readStorageCommitment'],
    corpus: [commitment],
    decode: reading(protocol.readStorageCommitment),
    encode: protocol.encodeStorageCommitment,
  },
  {
    name: 'pointer state',
    covers: ['readPointerSummary'],
    corpus: summaries.map((summary) => written(protocol.writePointerSummary, summary)),
    decode: reading(protocol.readPointerSummary),
    encode: (summary: protocol.PointerStateSummary) => written(protocol.writePointerSummary, summary),
  },
  {
    name: 'multiaddr',
    covers: ['parseMultiaddr', 'tryParseMultiaddr'],
    corpus: texts('/ip4/1.2.3.4/udp/10000/quic', `/ip6/::1/udp/1/quic/p2p/${HEX64}`, '/dns4/a.b/udp/9/quic-v1'),
    decode: (bytes) => {
      const found = protocol.tryParseMultiaddr(asText(bytes))
      const parsed = protocol.parseMultiaddr(asText(bytes))
      assert.deepEqual(parsed, found)
      return parsed
    },
    encode: ({ text }: protocol.Multiaddr) => utf8(text),
  },
  {
    name: 'IP address',
    covers: ['parseIp', 'parseIpv4', 'parseIpv6'],
    corpus: texts(...IPS),
    decode: (bytes) => {
      const text = asText(bytes)
      const parsed = protocol.parseIp(text)
      assert.deepEqual(parsed, protocol.parseIpv4(text) ?? protocol.parseIpv6(text))
      assert.ok(parsed === undefined || parsed.length === 4 || parsed.length === 16)
      return parsed
    },
    isNothing: (found: unknown) => found === undefined,
  },
  {
    name: 'keys as text',
    covers: ['parsePeerId', 'parseChunkAddress'],
    corpus: texts(HEX64, HEX64.toUpperCase()),
    decode: (bytes) => {
      const key: string = protocol.parsePeerId(asText(bytes))
      assert.equal(protocol.parseChunkAddress(asText(bytes)), key)
      return key
    },
    encode: utf8,
  },
]

function decodeSigned(bytes: Uint8Array): unknown {
  const message = protocol.decodeWireMessage(bytes)
  // Sometimes a view, sometimes a re-encoding: always the same bytes.
  assert.deepEqual(toHex(message.signedBytes), toHex(protocol.wireSignedBytes(message)))
  return message
}

function skipValue(bytes: Uint8Array): undefined {
  new protocol.MsgpackReader(bytes).skip()
}
