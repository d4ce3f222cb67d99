import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, utf8 } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { SimSignatures } from '../../../src/sim/index.ts'

const world = new SimSignatures(backend(), seededRandom(1))
const flip = (bytes: Uint8Array, at: number) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte))

test('lengths are those of ML-DSA-65 and an honest signature verifies', async () => {
  const signer = world.createSigner(seededRandom(2))
  const signature = await signer.sign(utf8('message'))
  assert.equal(signer.publicKey.length, 1952)
  assert.equal(signature.length, 3309)
  assert.equal(await world.verify(signer.publicKey, utf8('message'), signature), true)
  const scoped = await signer.sign(utf8('message'), utf8('context'))
  assert.equal(await world.verify(signer.publicKey, utf8('message'), scoped, utf8('context')), true)
})

test('whatever is changed, moved or made elsewhere fails', async () => {
  const [signer, other] = [world.createSigner(seededRandom(2)), world.createSigner(seededRandom(3))]
  const message = utf8('message')
  const signature = await signer.sign(message)
  const fails = async (key: Uint8Array, text: Uint8Array, mark: Uint8Array, context?: Uint8Array) =>
    assert.equal(await world.verify(key, text, mark, context), false)
  await fails(other.publicKey, message, signature)
  await fails(flip(signer.publicKey, 1951), message, signature)
  await fails(signer.publicKey, utf8('messagE'), signature)
  await fails(signer.publicKey, message, flip(signature, 0))
  await fails(signer.publicKey, message, flip(signature, 3308))
  await fails(signer.publicKey, message, signature.subarray(1))
  await fails(signer.publicKey.subarray(1), message, signature)
  await fails(signer.publicKey, message, signature, utf8('context'))
  await fails(signer.publicKey, message, new Uint8Array(3309))
  const elsewhere = new SimSignatures(backend(), seededRandom(9)).createSigner(seededRandom(2))
  assert.deepEqual(elsewhere.publicKey, signer.publicKey)
  await fails(signer.publicKey, message, await elsewhere.sign(message))
})
