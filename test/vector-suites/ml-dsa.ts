/** ml-dsa.json: key pairs from seeds, signatures with every check, parsing rules, on the backend in force. */
import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { type Bytes, fromHex, toHex, utf8 } from '../../src/base/index.ts'
import { backend, CryptoError, type KeyPair } from '../../src/crypto/index.ts'
import { type VectorInput, vectorBytes } from '../support/vector-input.ts'

// biome-ignore lint/suspicious/noExplicitAny: golden JSON, judged by what is asserted about it.
type Json = any

const kernels = backend()
const unhex = (hex: string) => fromHex(hex) as Bytes
const seedOf = (rule: string) => kernels.blake3(utf8(/^blake3\("(.*)"\)$/.exec(rule)?.[1] ?? assert.fail(rule)))

export default function suite(document: Json): void {
  assert.ok(document.keys.length > 0 && document.signatures.length > 0 && document.parsing.length > 0)
  for (const key of document.keys) test(`key pair from ${key.seed_rule}`, () => checkKey(key))
  const signer = kernels.mlDsaKeyPair(seedOf(document.signer.seed_rule))
  const other = kernels.mlDsaKeyPair(seedOf(document.other_public_key.seed_rule))
  test('the signer and the other key', () => {
    assert.equal(toHex(seedOf(document.signer.seed_rule)), document.signer.seed)
    assert.equal(toHex(kernels.blake3(signer.publicKey)), document.signer.public_key_blake3)
    assert.equal(toHex(kernels.blake3(other.publicKey)), document.other_public_key.blake3)
  })
  for (const signature of document.signatures) {
    test(`signature of the message "${signature.message_name}", context "${signature.context_hex}"`, () =>
      checkSignature(signature, signer, other))
  }
  test('a signature of ours is accepted, with and without a context', () => {
    const message = utf8('autonomi')
    for (const context of [new Uint8Array(0), utf8('autonomi.pointer.head.v1')]) {
      const made = kernels.mlDsaSign(signer.secretKey, message, { context })
      assert.equal(kernels.mlDsaVerify(signer.publicKey, message, made, context), true)
      assert.equal(kernels.mlDsaVerify(other.publicKey, message, made, context), false)
    }
  })
  for (const parsing of document.parsing) test(parsing.case, () => checkParsing(parsing, signer))
}

function checkBlob(bytes: Uint8Array, blob: Json): void {
  assert.equal(bytes.length, blob.length)
  assert.equal(toHex(kernels.blake3(bytes)), blob.blake3)
  if (blob.hex !== undefined) assert.equal(toHex(bytes), blob.hex)
}

function checkKey(key: Json): void {
  const seed = unhex(key.seed)
  if (key.seed_rule.startsWith('blake3')) assert.equal(toHex(seedOf(key.seed_rule)), key.seed)
  const pair = kernels.mlDsaKeyPair(seed)
  checkBlob(pair.publicKey, key.public_key)
  checkBlob(pair.secretKey, key.secret_key)
  assert.equal(toHex(kernels.mlDsaPublicKey(pair.secretKey)), toHex(pair.publicKey))
  assert.equal(toHex(kernels.blake3(pair.publicKey)), key.peer_id)
  assert.equal(toHex(kernels.blake3DeriveKey('autonomi.pointer.address.v1', pair.publicKey)), key.pointer_address)
  // A node stretches its seed first (wire.md 4).
  const node = key.node_identity_from_same_seed
  const stretched = new Uint8Array(hkdfSync('sha3-256', seed, '', 'saorsa-node-identity-seed', 32))
  const identity = kernels.mlDsaKeyPair(stretched)
  checkBlob(identity.publicKey, node.public_key)
  checkBlob(identity.secretKey, node.secret_key)
  assert.equal(toHex(kernels.blake3(identity.publicKey)), node.peer_id)
}

/** Cases that the reference ends with an error are false for us: a verifier never throws for what a peer sent. */
function checkSignature(vector: Json, signer: KeyPair, other: KeyPair): void {
  const message = vectorBytes(vector.message as VectorInput)
  const context = unhex(vector.context_hex)
  const signature = unhex(vector.signature_hex)
  for (const check of vector.checks) {
    const call = { publicKey: signer.publicKey, message, signature, context }
    Object.assign(call, damage(check.case, call, other))
    const result = kernels.mlDsaVerify(call.publicKey, call.message, call.signature, call.context)
    assert.equal(result, check.result === true, check.case)
  }
}

interface Call {
  publicKey: Uint8Array
  message: Uint8Array
  signature: Uint8Array
  context: Uint8Array
}

function damage(name: string, { message, signature }: Call, other: KeyPair): Partial<Call> {
  const bit = /^bit (\d+) flipped$/.exec(name)?.[1]
  if (bit !== undefined) return { signature: flipped(signature, Number(bit)) }
  switch (name) {
    case 'as signed':
      return {}
    case 'message changed (last byte ^ 1, or one zero byte if empty)':
      return { message: message.length === 0 ? new Uint8Array(1) : flipped(message, message.length * 8 - 8) }
    case 'context of one zero byte':
      return { context: new Uint8Array(1) }
    case 'empty context':
      return { context: new Uint8Array(0) }
    case 'context of 256 bytes':
      return { context: new Uint8Array(256) }
    case 'other public key':
      return { publicKey: other.publicKey }
    case 'last byte cut off':
      return { signature: signature.subarray(0, -1) }
    case 'one zero byte appended':
      return { signature: Uint8Array.of(...signature, 0) }
    case 'empty signature':
      return { signature: new Uint8Array(0) }
    case 'all zero signature':
      return { signature: new Uint8Array(signature.length) }
    case 'all ff signature':
      return { signature: new Uint8Array(signature.length).fill(0xff) }
  }
  return assert.fail(`unknown case: ${name}`)
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

const refused = { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' }

function checkParsing({ case: name, result }: Json, signer: KeyPair): void {
  const message = utf8('x')
  const length = /^(public key|secret key|signature) (\d+)$/.exec(name)
  if (length !== null) {
    const bytes = new Uint8Array(Number(length[2]))
    if (length[1] === 'public key') assert.equal(kernels.mlDsaVerify(bytes, message, new Uint8Array(3309)), false)
    else if (length[1] === 'signature') assert.equal(kernels.mlDsaVerify(signer.publicKey, message, bytes), false)
    else if (result === 'ok') assert.equal(kernels.mlDsaSign(bytes, message, { deterministic: true }).length, 3309)
    else assert.throws(() => kernels.mlDsaSign(bytes, message), refused)
    return
  }
  switch (name) {
    case 'sign with 256-byte context':
      assert.throws(() => kernels.mlDsaSign(signer.secretKey, message, { context: new Uint8Array(256) }), CryptoError)
      return
    case 'verify with the all-zero public key':
      assert.equal(kernels.mlDsaVerify(new Uint8Array(1952), message, new Uint8Array(3309)), result)
      return
    case 'verify with the all-ff public key':
      assert.equal(kernels.mlDsaVerify(new Uint8Array(1952).fill(0xff), message, new Uint8Array(3309)), result)
      return
    case 'sign with the all-ff secret key':
      // The reference signs with a key that no key generation gives; Wycheproof has such keys refused, and so do we.
      assert.equal(result, 'ok')
      assert.throws(() => kernels.mlDsaSign(new Uint8Array(4032).fill(0xff), message), refused)
      return
  }
  assert.fail(`unknown case: ${name}`)
}
