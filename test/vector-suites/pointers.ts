/** pointers.json: records, addresses, state ids, signatures, the merge rule. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Bytes, concat, toHex, utf8 } from '../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import * as protocol from '../../src/protocol/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import type { Json } from './parts/blob.ts'

const BODY_BYTES = 1994

export default function suite(document: Json): void {
  const owners: Readonly<Record<string, Bytes>> = {
    owner: publicKeyOf(document.owner_label),
    owner2: publicKeyOf(document.owner2_label),
  }
  assert.equal(toHex(backend().blake3(utf8(document.owner_label))), document.owner_seed)
  const records = new Map<string, protocol.PointerRecord>()
  for (const vector of document.records) {
    records.set(vector.name, protocol.parsePointer(bytesOf(vector, owners[vector.owner] as Bytes)))
  }
  const named = (name: string) => records.get(name) as protocol.PointerRecord

  test('constants', () => {
    assert.equal(protocol.POINTER_BYTES, document.constants.POINTER_WIRE_LEN)
    assert.equal(protocol.FINAL_POINTER_COUNTER, BigInt(document.constants.FINAL_COUNTER))
  })
  describe('records', () => {
    for (const vector of document.records) test(vector.name, () => checkRecord(vector, named(vector.name)))
  })
  test('which record replaces which', () => {
    for (const { record, replaces } of document.replaces) {
      const replaced = [...records.keys()].filter((held) => protocol.pointerReplaces(named(record), named(held)))
      assert.deepEqual(replaced, replaces)
    }
  })
  describe('bad variants', () => {
    for (const vector of document.bad_variants_of_create) {
      test(vector.name, () => checkBad(vector, named('create').encoded.slice()))
    }
  })
}

function publicKeyOf(label: string): Bytes {
  return backend().mlDsaKeyPair(backend().blake3(utf8(label))).publicKey
}

/** Records without hex are rebuilt from their fields and their signature. */
function bytesOf(vector: Json, owner: Bytes): Bytes {
  if (vector.record_hex) return vectorBytes(vector.record_hex)
  const counter = new Uint8Array(8)
  new DataView(counter.buffer).setBigUint64(0, BigInt(vector.counter))
  const head = [Uint8Array.of(1), owner, counter, Uint8Array.of(vector.target_tag), vectorBytes(vector.target)]
  return concat([...head, vectorBytes(vector.tail_signature_hex)])
}

async function checkRecord(vector: Json, record: protocol.PointerRecord): Promise<void> {
  assert.equal(toHex(backend().blake3(record.encoded)), vector.record_blake3)
  assert.equal(toHex(backend().blake3(record.encoded.subarray(0, BODY_BYTES))), vector.body_blake3)
  assert.equal(record.counter, BigInt(vector.counter))
  assert.deepEqual(record.target, { kind: vector.target_tag, address: vector.target })
  assert.equal(protocol.pointerAddress(record.owner), vector.address)
  assert.equal(toHex(protocol.pointerStateId(record)), vector.state_id)
  const next = vector.next_counter.error ? undefined : BigInt(vector.next_counter)
  assert.equal(protocol.nextPointerCounter(record), next)
  assert.ok(await protocol.verifyPointer(record, mlDsaVerifier(backend())))

  const replay = { publicKey: record.owner, sign: async () => record.signature.slice() }
  assert.equal(toHex((await protocol.createPointer(record, replay)).encoded), toHex(record.encoded))
}

const DAMAGES: Readonly<Record<string, (bytes: Bytes) => Bytes>> = {
  'one byte short': (bytes) => bytes.slice(0, -1),
  'one byte long': (bytes) => concat([bytes, new Uint8Array(1)]),
  empty: () => new Uint8Array(0),
  'version 0': (bytes) => changed(bytes, 0, 1),
  'version 2': (bytes) => changed(bytes, 0, 3),
  'counter changed': (bytes) => changed(bytes, 1960, 1),
  'target changed': (bytes) => changed(bytes, 1993, 1),
  'target kind changed': (bytes) => changed(bytes, 1961, 1),
  'owner key changed': (bytes) => changed(bytes, 1, 1),
  'signature changed': (bytes) => changed(bytes, 5302, 1),
}

async function checkBad(vector: Json, good: Bytes): Promise<void> {
  const damage = DAMAGES[vector.name]
  assert.ok(damage ?? vector.name.includes('zeros'), `no damage is known as ${vector.name}`)
  const bytes = damage ? damage(good) : new Uint8Array(protocol.POINTER_BYTES)
  if (vector.parse !== 'ok') {
    assert.throws(() => protocol.parsePointer(bytes), { code: 'PROTOCOL_DECODE' })
    return
  }
  assert.equal(await protocol.verifyPointer(protocol.parsePointer(bytes), mlDsaVerifier(backend())), false)
}

function changed(bytes: Bytes, at: number, mask: number): Bytes {
  const copy = bytes.slice()
  copy[at] = (copy[at] as number) ^ mask
  return copy
}
