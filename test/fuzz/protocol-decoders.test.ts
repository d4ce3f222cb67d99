/**
 * Every decoder of the wire against random, cut and mutated input: only ProtocolError may come out, nothing may be
 * allocated on the word of a length, and what is accepted must survive a round through the encoder.
 * MYRMEX_FUZZ_RUNS and MYRMEX_FUZZ_SEED make it longer or different.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Bytes, concat, MiB, randomBelow, seededRandom, toHex } from '../../src/base/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import { HOSTILE_VARINTS, hostileEncoding } from './hostile-input.ts'

const RUNS = Number(process.env['MYRMEX_FUZZ_RUNS'] ?? 10_000)
const SEED = Number(process.env['MYRMEX_FUZZ_SEED'] ?? 20_260)
/** Far above what a decoder needs for inputs of this size, far below what a believed length would take. */
const MAX_BUFFER_GROWTH = 8 * MiB

interface Target {
  readonly name: string
  readonly corpus: readonly Uint8Array[]
  decode(bytes: Uint8Array): unknown
  /** Encodes what `decode` gave; undefined when this value has no second way to be written. */
  encode?(value: never): Uint8Array | undefined
}

function vectors(name: string): ReturnType<typeof JSON.parse> {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../vectors', `${name}.json`), 'utf8'))
}

const messages = vectors('messages')
const wire = vectors('wire')
const addresses = vectors('addresses')
const commitments = vectors('commitments')
const hexOf = (section: { messages: { encoded?: { hex?: string } }[] }) =>
  section.messages.flatMap(({ encoded }) => (encoded?.hex === undefined ? [] : [vectorBytes(encoded.hex)]))
const streams: Bytes[] = wire.captures.map(({ hex }: { hex: string }) => vectorBytes(hex))
const decodedStreams = streams.map(protocol.decodeWireMessage)
const ofTopic = (prefix: string) => decodedStreams.filter(({ topic }) => topic.startsWith(prefix)).map((m) => m.data)

const TARGETS: readonly Target[] = [
  { name: 'WireMessage', corpus: streams, decode: decodeSigned },
  {
    name: 'RequestEnvelope',
    corpus: ofTopic('/rr/'),
    decode: protocol.decodeRequestEnvelope,
    encode: protocol.encodeRequestEnvelope,
  },
  {
    name: 'DhtMessage',
    corpus: ofTopic('/dht/'),
    decode: protocol.decodeDhtMessage,
    encode: ({ message, proofs }: protocol.DecodedDhtMessage) =>
      Number.isSafeInteger(message.timestamp) ? protocol.encodeDhtMessage(message, proofs) : undefined,
  },
  {
    name: 'SignedAddressRecord',
    corpus: addresses.signed_address_records.map((r: { encoded: { hex: string } }) => vectorBytes(r.encoded.hex)),
    decode: protocol.decodeAddressRecord,
    encode: ({ encoded }: protocol.SignedAddressRecord) => encoded,
  },
  {
    name: 'DhtNode',
    corpus: addresses.dht_nodes.map(({ postcard }: { postcard: string }) => vectorBytes(postcard)),
    decode: (bytes) => protocol.readDhtNode(new protocol.Reader(bytes)),
    encode: (node: protocol.DhtNode) => {
      const writer = new protocol.Writer()
      protocol.writeDhtNode(writer, node)
      return writer.finish()
    },
  },
  {
    name: 'ChunkMessage',
    corpus: hexOf(messages.chunk),
    decode: protocol.decodeChunkMessage,
    encode: protocol.encodeChunkMessage,
  },
  {
    name: 'ReplicationMessage',
    corpus: hexOf(messages.replication),
    decode: protocol.decodeReplicationMessage,
    encode: protocol.encodeReplicationMessage,
  },
  {
    name: 'StorageCommitment',
    corpus: [vectorBytes(commitments.signed_commitment.postcard.hex)],
    decode: protocol.decodeStorageCommitment,
    encode: protocol.encodeStorageCommitment,
  },
  {
    name: 'commitment sidecar',
    corpus: [vectorBytes(commitments.signed_commitment.msgpack.hex)],
    decode: protocol.decodeCommitmentSidecar,
    encode: protocol.encodeCommitmentSidecar,
  },
  { name: 'MessagePack value', corpus: [vectorBytes(commitments.signed_commitment.msgpack.hex)], decode: skipValue },
  {
    name: 'pointer',
    corpus: [vectorBytes(vectors('pointers').records[0].record_hex)],
    decode: protocol.parsePointer,
    encode: ({ encoded }: protocol.PointerRecord) => encoded,
  },
  {
    name: 'relay canary',
    corpus: vectors('relay-canary').cases.map((c: { request: { payload_hex: string } }) =>
      vectorBytes(c.request.payload_hex),
    ),
    decode: protocol.decodeRelayCanaryRequest,
    encode: protocol.encodeRelayCanaryRequest,
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

for (const { name, corpus, decode, encode } of TARGETS) {
  test(`${name}: ${RUNS} odd inputs`, () => {
    const random = seededRandom(SEED)
    const pick = () => corpus[randomBelow(random, corpus.length)] as Uint8Array
    let accepted = 0
    for (let run = 0; run < RUNS; run++) {
      const input = hostileEncoding(random, pick(), pick())
      const where = () => `seed ${SEED}, run ${run}, input ${toHex(input.subarray(0, 200))}`
      let value: unknown
      try {
        value = decode(input)
      } catch (error) {
        if (!(error instanceof protocol.ProtocolError))
          throw new Error(`not a ProtocolError: ${where()}`, { cause: error })
        continue
      }
      accepted++
      const encoded = encode?.(value as never)
      if (encoded !== undefined) assert.deepEqual(decode(encoded), value, where())
    }
    assert.ok(accepted > 0 && accepted < RUNS, `${accepted} accepted: the inputs are all good or all bad`)
    for (const good of corpus) decode(good)
  })
}

test('a length is not believed before the bytes are there', () => {
  const bombs = HOSTILE_VARINTS.slice(0, 2)
  for (const { name, corpus, decode } of TARGETS) {
    for (const source of corpus) {
      const step = Math.max(1, Math.floor(source.length / 200))
      for (let at = 0; at < source.length; at += step) {
        for (const bomb of bombs) {
          const before = process.memoryUsage().arrayBuffers
          try {
            decode(concat([source.subarray(0, at), bomb, source.subarray(at)]))
          } catch (error) {
            assert.ok(error instanceof protocol.ProtocolError, `${name} at ${at}: ${error}`)
          }
          const growth = process.memoryUsage().arrayBuffers - before
          assert.ok(growth < MAX_BUFFER_GROWTH, `${name} at ${at} took ${growth} bytes`)
        }
      }
    }
  }
})
