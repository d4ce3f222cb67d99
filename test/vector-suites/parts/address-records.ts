import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha3_256 } from '@noble/hashes/sha3.js'
import { type Bytes, concat, utf8 } from '../../../src/base/index.ts'
import { backend, mlDsaSigner, mlDsaVerifier } from '../../../src/crypto/index.ts'
import * as protocol from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'
import { assertBlob, type Json } from './blob.ts'

const TYPES = ['Relay', 'Direct', 'Unverified', 'Lan']

export function addressRecordSuite(document: Json): void {
  const encoded = new Map<string, Bytes>()
  for (const { name, encoded: blob } of document.signed_address_records) encoded.set(name, vectorBytes(blob.hex))
  describe('signed address records', () => {
    for (const vector of document.signed_address_records) test(vector.name, () => checkRecord(vector))
  })
  describe('refused address records', () => {
    const seed = vectorBytes(document.identity_seed)
    for (const vector of document.signed_address_rejections) {
      const check = vector.sign_error
        ? () => refusesToSign(vector.name, seed)
        : () => checkVariant(vector, encoded.get(vector.variant_of) as Bytes)
      test(vector.name, check)
    }
  })
  test('bundle', () => checkBundle(document.signed_address_bundle, encoded))
}

async function checkRecord(vector: Json): Promise<void> {
  const bytes = vectorBytes(vector.encoded.hex)
  const record = protocol.decodeAddressRecord(bytes)
  assertBlob(record.encoded, vector.encoded)
  assert.equal(record.owner, vector.owner)
  assert.equal(record.sequence, BigInt(vector.sequence))
  assert.deepEqual(
    record.records,
    vector.records.map((r: Json) => ({
      transport: r.transport,
      reachability: r.reachability,
      address: vectorBytes(r.address_hex),
    })),
  )
  assert.deepEqual(await protocol.verifyAddressRecord(record, mlDsaVerifier(backend())), { kind: 'ok' })
  const derived = protocol.addressesOfRecord(record)
  assert.deepEqual(
    derived.map(({ address }) => address.text),
    vector.derived_node.addresses,
  )
  assert.deepEqual(
    derived.map(({ type }) => TYPES[type]),
    vector.derived_node.types,
  )
}

async function refusesToSign(name: string, seed: Uint8Array): Promise<void> {
  const xi = hkdf(sha3_256, seed, undefined, utf8('saorsa-node-identity-seed'), 32)
  const signer = mlDsaSigner(backend().mlDsaKeyPair(xi), backend())
  const good = record('/ip4/1.2.3.4/udp/9000/quic')
  await protocol.createAddressRecord({ sequence: 1n, records: [good] }, signer)
  const content = BAD_CONTENT[name]
  assert.ok(content, `no input is known for ${name}`)
  await assert.rejects(protocol.createAddressRecord(content(good), signer), { code: 'PROTOCOL_ENCODE' })
}

function record(text: string, transport = 1): protocol.TransportAddressRecord {
  return { transport, reachability: 2, address: new protocol.Writer().string(text).finish() }
}

type Content = Pick<protocol.SignedAddressRecord, 'sequence' | 'records'>
const one = (bad: protocol.TransportAddressRecord): Content => ({ sequence: 1n, records: [bad] })

/** What the vectors name but do not spell out. */
const BAD_CONTENT: Readonly<Record<string, (good: protocol.TransportAddressRecord) => Content>> = {
  'sequence zero': (good) => ({ sequence: 0n, records: [good] }),
  'no records': () => ({ sequence: 1n, records: [] }),
  'seventeen records': (good) => ({ sequence: 1n, records: new Array(17).fill(good) }),
  'empty payload': () => one({ transport: 900, reachability: 77, address: new Uint8Array(0) }),
  'payload of 2049': () => one({ transport: 900, reachability: 77, address: new Uint8Array(2049) }),
  'wildcard address': () => one(record('/ip4/0.0.0.0/udp/9000/quic')),
  'port zero': () => one(record('/ip4/1.2.3.4/udp/0/quic')),
  'other owner in address': () => one(record(`/ip4/1.2.3.4/udp/9000/quic/p2p/${'ab'.repeat(32)}`)),
  'quic id with tcp address': () => one(record('/ip4/1.2.3.4/tcp/9000')),
}

const SEQUENCE_AT = 65

/** The damages that the vectors name, done to the encoded record. */
const DAMAGES: Readonly<Record<string, (good: Bytes) => Bytes>> = {
  good: (bytes) => bytes,
  'sequence changed': (bytes) => flipped(bytes, SEQUENCE_AT),
  'owner hex digit changed': (bytes) => flipped(bytes, 2),
  'owner hex not hex': (bytes) => patched(bytes, 1, 'z'.charCodeAt(0)),
  'last signature byte changed': (bytes) => flipped(bytes, bytes.length - 1),
  'cut by one': (bytes) => bytes.slice(0, -1),
  'trailing byte': (bytes) => concat([bytes, new Uint8Array(1)]),
  '40 KiB + 1': (bytes) => concat([bytes, new Uint8Array(40 * 1024 + 1 - bytes.length)]),
}

async function checkVariant(vector: Json, good: Bytes): Promise<void> {
  const damage = DAMAGES[vector.name]
  assert.ok(damage, `no damage is known as ${vector.name}`)
  const bytes = damage(good)
  if (vector.result.decode_error) {
    assert.throws(() => protocol.decodeAddressRecord(bytes), protocol.ProtocolError)
    return
  }
  const verdict = await protocol.verifyAddressRecord(protocol.decodeAddressRecord(bytes), mlDsaVerifier(backend()))
  assert.equal(verdict.kind === 'ok', vector.result === 'valid', JSON.stringify(verdict))
}

function checkBundle(vector: Json, encoded: ReadonlyMap<string, Bytes>): void {
  const records = vector.records.map((name: string) => protocol.decodeAddressRecord(encoded.get(name) as Bytes))
  const writer = new protocol.Writer()
  protocol.writeAddressProofs(writer, records)
  const trailer = writer.finish()
  const bundle = trailer.slice(8)
  assert.deepEqual(trailer.slice(0, 8), utf8('ADDRSIG1'))
  assertBlob(bundle, vector.bundle)
  assert.equal(protocol.readAddressProofs(trailer).length, vector.decoded)
  assert.equal(protocol.readAddressBundle(bundle, 1), undefined)
  assert.equal(protocol.readAddressBundle(bundle.slice(0, -1)), undefined)
  assert.equal(protocol.readAddressBundle(concat([bundle, new Uint8Array(3)])), undefined)
  assert.equal(protocol.readAddressBundle(new Uint8Array(0))?.length, vector.empty)
}

function patched(bytes: Bytes, at: number, value: number): Bytes {
  const copy = bytes.slice()
  copy[at] = value
  return copy
}

function flipped(bytes: Bytes, at: number): Bytes {
  return patched(bytes, at, (bytes[at] as number) ^ 1)
}
