/** Against the complete signed proof of merkle.json: 16 real candidates. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Bytes, fromHex, toHex } from '../../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../../src/crypto/index.ts'
import {
  bindingFault,
  decodeCandidate,
  encodeCandidate,
  readCandidate,
  verifyCandidateSignature,
} from '../../../src/payment/index.ts'
import { MsgpackReader } from '../../../src/protocol/index.ts'

const file = join(import.meta.dirname, '../../vectors/merkle.json')
const proof = fromHex(JSON.parse(readFileSync(file, 'utf8')).signed_proof.serialized.hex) as Bytes

function candidatesOf(proof: Uint8Array): { candidate: ReturnType<typeof readCandidate>; bytes: Uint8Array }[] {
  const reader = new MsgpackReader(proof, 1)
  reader.array()
  reader.skip()
  reader.skip()
  assert.equal(reader.array(), 2)
  reader.skip()
  return reader.list((r) => {
    const start = r.offset
    const candidate = readCandidate(r)
    return { candidate, bytes: proof.subarray(start, r.offset) }
  })
}

test('sixteen candidates of the network: bytes, signatures, prices', async () => {
  const candidates = candidatesOf(proof)
  assert.equal(candidates.length, 16)
  const verifier = mlDsaVerifier(backend())
  for (const { candidate, bytes } of candidates) {
    assert.equal(toHex(encodeCandidate(candidate)), toHex(bytes))
    assert.deepEqual(decodeCandidate(bytes), candidate)
    assert.equal(bindingFault(candidate), undefined)
    assert.equal(await verifyCandidateSignature(candidate, verifier), true)
    const later = { ...candidate, timestamp: candidate.timestamp + 1n }
    assert.equal(await verifyCandidateSignature(later, verifier), false)
  }
})
