import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, fromHex, toHex } from '../../../src/base/index.ts'
import {
  decodeSingleNodeProof,
  encodeSingleNodeProof,
  proofKind,
  proofSizeFault,
  stripSidecars,
  unknownTagMessage,
} from '../../../src/payment/index.ts'

const vectors = join(import.meta.dirname, '../../vectors')
const load = (name: string) => JSON.parse(readFileSync(join(vectors, name), 'utf8'))
const single = load('quotes.json').proofs.find((proof: { name: string }) => proof.name === 'one-with-sidecar')
const singleBytes = fromHex(single.serialized.hex) as Bytes
const merkleBytes = fromHex(load('merkle.json').signed_proof.serialized.hex) as Bytes

test('tags and sizes', () => {
  assert.equal(proofKind(new Uint8Array()), undefined)
  assert.deepEqual(
    [0, 1, 2, 3, 0xf0, 0xff].map((tag) => proofKind(Uint8Array.of(tag))),
    [undefined, 'singleNode', 'merkle', undefined, 'local', undefined],
  )
  assert.deepEqual(
    [31, 32, 524_288, 524_289].map((length) => proofSizeFault(new Uint8Array(length)) === undefined),
    [false, true, true, false],
  )
  assert.equal(unknownTagMessage(Uint8Array.of(3)), 'Unknown payment proof type tag: 0x03')
})

test('sidecars are taken off a single-node proof, all else stays', () => {
  const stripped = decodeSingleNodeProof(stripSidecars(singleBytes))
  const whole = decodeSingleNodeProof(singleBytes)
  assert.equal(whole.sidecars.length, 2)
  assert.deepEqual(stripped, { ...whole, sidecars: [] })
  assert.equal(toHex(stripSidecars(singleBytes)), toHex(encodeSingleNodeProof({ ...whole, sidecars: [] })))
})

test('sidecars are taken off a merkle proof', () => {
  const without = stripSidecars(merkleBytes)
  assert.equal(toHex(without), toHex(merkleBytes), 'this one has none')
  // Its last byte is the empty list of sidecars; put one of two bytes there.
  const withOne = Uint8Array.from([...merkleBytes.subarray(0, -1), 0x91, 0x92, 1, 2])
  assert.equal(toHex(stripSidecars(withOne)), toHex(merkleBytes))
})

test('any bytes survive the removal of sidecars; what has none comes back as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 1, 2, 0xf0), (body, tag) => {
      const proof = Uint8Array.from([tag, ...body])
      const stripped = stripSidecars(proof)
      assert.ok(stripped.length <= proof.length + 1)
      if (tag === 0 || tag === 0xf0) assert.equal(stripped, proof)
    }),
  )
})

test('damaged proofs are refused by a coded error and nothing else', () => {
  fc.assert(
    fc.property(fc.nat(singleBytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const damaged = cut ? singleBytes.slice(0, at) : singleBytes.with(at, value)
      try {
        decodeSingleNodeProof(damaged)
      } catch (error) {
        assert.match((error as { code: string }).code, /^(PAYMENT|PROTOCOL)_DECODE$/)
      }
    }),
  )
})
