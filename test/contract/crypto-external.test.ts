/**
 * Known answers of others, on every backend: BLAKE3's own vectors and Wycheproof's ML-DSA-65. They are read from
 * EXTERNAL_VECTORS_DIR or from a folder beside the checkout and are not part of the repository.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { type Bytes, equal, fromHex, toHex } from '../../src/base/index.ts'
import type { Backend } from '../../src/crypto/index.ts'
import { backendsUnderTest } from '../support/backends.ts'

// biome-ignore lint/suspicious/noExplicitAny: known answers in JSON, judged by what is asserted about them.
type Json = any

const beside = join(import.meta.dirname, '../../../shared/vectors/external')
const folder = resolve(process.env['EXTERNAL_VECTORS_DIR'] ?? beside)
const absent = existsSync(folder) ? false : `no external vectors in ${folder} (set EXTERNAL_VECTORS_DIR)`
const read = (name: string): Json => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const unhex = (hex: string) => fromHex(hex) as Bytes
const refused = { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' }

for (const { name, backend, skip } of backendsUnderTest()) {
  describe(`${name} against external vectors`, { skip: absent || skip }, () => {
    if (backend === undefined || absent !== false) return
    test('BLAKE3 official vectors', () => blake3Vectors(backend))
    test('Wycheproof ML-DSA-65 sign from seed', () => signVectors(backend, 'seed'))
    test('Wycheproof ML-DSA-65 sign from secret key', () => signVectors(backend, 'noseed'))
    test('Wycheproof ML-DSA-65 verify', () => verifyVectors(backend))
  })
}

test('Wycheproof ChaCha20-Poly1305 on the cipher of the js backend', { skip: absent }, () => {
  // The other backends expose the cipher only inside seal and open, where the contract compares them with this one.
  let checked = 0
  for (const group of read('wycheproof-chacha20_poly1305_test.json').testGroups) {
    for (const vector of group.tests) {
      const [key, nonce, aad] = [vector.key, vector.iv, vector.aad].map(unhex) as [Bytes, Bytes, Bytes]
      const sealed = unhex(vector.ct + vector.tag)
      const open = () => chacha20poly1305(key, nonce, aad).decrypt(sealed)
      if (vector.result === 'valid') {
        assert.equal(toHex(open()), vector.msg, `case ${vector.tcId}`)
        assert.equal(toHex(chacha20poly1305(key, nonce, aad).encrypt(unhex(vector.msg))), toHex(sealed))
      } else assert.throws(open, `case ${vector.tcId}`)
      checked++
    }
  }
  assert.ok(checked > 300)
})

function blake3Vectors(backend: Backend): void {
  const document = read('blake3-test_vectors.json')
  const key = Buffer.from(document.key)
  for (const { input_len, hash, keyed_hash, derive_key } of document.cases) {
    const input = Uint8Array.from({ length: input_len }, (_, i) => i % 251)
    const length = hash.length / 2
    assert.equal(toHex(backend.blake3Xof(input, length)), hash)
    assert.equal(toHex(backend.createHasher().update(input).digest(length)), hash)
    assert.equal(toHex(backend.blake3(input)), hash.slice(0, 64))
    assert.equal(toHex(backend.blake3Keyed(new Uint8Array(key), input)), keyed_hash.slice(0, 64))
    assert.equal(toHex(backend.createKeyedHasher(new Uint8Array(key)).update(input).digest(length)), keyed_hash)
    assert.equal(toHex(backend.blake3DeriveKey(document.context_string, input, length)), derive_key)
    const deriving = backend.createDeriveKeyHasher(document.context_string).update(input)
    assert.equal(toHex(deriving.digest(length)), derive_key)
  }
}

function signVectors(backend: Backend, kind: 'seed' | 'noseed'): void {
  let [checked, internal] = [0, 0]
  for (const group of read(`wycheproof-mldsa_65_sign_${kind}_test.json`).testGroups) {
    for (const vector of group.tests) {
      // Sign_internal over a given mu: no function of ours takes that.
      if (vector.flags.includes('Internal')) internal++
      else {
        checkSign(backend, group, vector)
        checked++
      }
    }
  }
  assert.ok(checked >= 68 && internal > 0 && internal < 20, `${checked} checked, ${internal} left out`)
}

function checkSign(backend: Backend, group: Json, vector: Json): void {
  const what = `case ${vector.tcId}: ${vector.comment}`
  const randomness = vector.rnd === undefined ? { deterministic: true } : { randomness: unhex(vector.rnd) }
  const options = { context: unhex(vector.ctx ?? ''), ...randomness }
  const sign = () => {
    const seed = group.privateSeed === undefined ? undefined : unhex(group.privateSeed)
    const secretKey = seed === undefined ? unhex(group.privateKey) : backend.mlDsaKeyPair(seed).secretKey
    return backend.mlDsaSign(secretKey, unhex(vector.msg), options)
  }
  if (vector.result !== 'valid') {
    assert.throws(sign, refused, what)
    return
  }
  assert.equal(toHex(sign()), vector.sig, what)
  if (group.privateSeed !== undefined && group.publicKey)
    assert.ok(equal(backend.mlDsaKeyPair(unhex(group.privateSeed)).publicKey, unhex(group.publicKey)), what)
}

function verifyVectors(backend: Backend): void {
  let checked = 0
  for (const group of read('wycheproof-mldsa_65_verify_test.json').testGroups) {
    for (const vector of group.tests) {
      const [publicKey, message, signature] = [group.publicKey, vector.msg, vector.sig].map(unhex) as [
        Bytes,
        Bytes,
        Bytes,
      ]
      const context = vector.ctx === undefined ? undefined : unhex(vector.ctx)
      const result = backend.mlDsaVerify(publicKey, message, signature, context)
      assert.equal(result, vector.result === 'valid', `case ${vector.tcId}: ${vector.comment}`)
      checked++
    }
  }
  assert.equal(checked, 210)
}
