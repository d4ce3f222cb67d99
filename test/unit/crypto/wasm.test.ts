import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equal, MiB, seededRandom } from '../../../src/base/index.ts'
import { createWasmBackendWith } from '../../../src/crypto/backend/wasm.ts'
import type { WasmExports } from '../../../src/crypto/backend/wasm-core.ts'
import { WasmCore } from '../../../src/crypto/backend/wasm-core.ts'
import { compileCore } from '../../../src/crypto/backend/wasm-module.ts'
import { loadBackend, type SealKeys } from '../../../src/crypto/index.ts'

const judge = loadBackend('js')
const instantiate = compileCore()

/** A backend whose instances are counted and can be looked at. */
function observed() {
  const instances: WasmExports[] = []
  const backend = createWasmBackendWith(() => {
    const instance = instantiate()
    instances.push(instance)
    return instance
  })
  const heldBytes = () => instances.at(-1)?.memory.buffer.byteLength ?? 0
  return { backend, instances, heldBytes }
}

const hash = new Uint8Array(32)
const keysOf = (plain: Uint8Array): SealKeys => ({
  source: judge.blake3(plain),
  neighbour1: hash,
  neighbour2: hash,
  index: 0,
  level: 0,
})

test('memory of a call is freed: thirty rounds hold no more than five', () => {
  const { backend, instances, heldBytes } = observed()
  const plain = seededRandom(1).bytes(100_000)
  const { publicKey, secretKey } = backend.mlDsaKeyPair(hash)
  const cycle = () => {
    const { content } = backend.sealChunk(plain, keysOf(plain))
    backend.openChunk(content, keysOf(plain), plain.length)
    assert.throws(() => backend.openChunk(content, keysOf(plain), 7))
    backend.mlDsaVerify(publicKey, plain, backend.mlDsaSign(secretKey, plain))
    backend.blake3DeriveKey('context', plain, 270_000)
  }
  for (let i = 0; i < 5; i++) cycle()
  const before = heldBytes()
  for (let i = 0; i < 30; i++) cycle()
  assert.equal(heldBytes(), before)
  assert.equal(instances.length, 1)
})

test('chunks of the network’s size stay in one instance', () => {
  const { backend, instances, heldBytes } = observed()
  const plain = seededRandom(2).bytes(4_190_209)
  for (let i = 0; i < 3; i++) {
    const { content } = backend.sealChunk(plain, keysOf(plain))
    assert.ok(equal(backend.openChunk(content, keysOf(plain), plain.length), plain))
  }
  assert.equal(instances.length, 1)
  assert.ok(heldBytes() < 64 * MiB, String(heldBytes()))
})

test('after one large call a small instance takes its place, and hashers of the old one go on', () => {
  const { backend, instances, heldBytes } = observed()
  const hasher = backend.createHasher().update(Uint8Array.of(1, 2))
  const { publicKey, secretKey } = backend.mlDsaKeyPair(hash)
  const message = new Uint8Array(80 * MiB)
  const signature = backend.mlDsaSign(secretKey, message)
  assert.equal(instances.length, 2)
  assert.ok(heldBytes() < 8 * MiB)
  assert.equal(backend.mlDsaVerify(publicKey, message, signature), true)
  assert.equal(instances.length, 3)
  assert.ok(equal(hasher.update(Uint8Array.of(3)).digest(), judge.blake3(Uint8Array.of(1, 2, 3))))
  assert.ok(equal(backend.blake3(hash), judge.blake3(hash)))
})

test('a trap in the core is a coded error, and the next call works', () => {
  let broken = true
  const backend = createWasmBackendWith(() => {
    const instance = instantiate()
    const trap = () => {
      throw new Error('unreachable executed')
    }
    return broken ? { ...instance, mx_seal: trap } : instance
  })
  broken = false
  assert.throws(() => backend.sealChunk(hash, keysOf(hash)), { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' })
  assert.ok(equal(backend.sealChunk(hash, keysOf(hash)).content, judge.sealChunk(hash, keysOf(hash)).content))
})

test('memory that cannot be had is a coded error', () => {
  const core = new WasmCore(instantiate())
  assert.throws(() => core.alloc(2 ** 32 - 2 ** 16), { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' })
})

test('secrets do not stay in the scratch area', () => {
  const core = new WasmCore(instantiate())
  const secret = new Uint8Array(64).fill(0xa5)
  core.withArguments([secret], 32, () => undefined)
  assert.ok(!core.copyOut(core.scratch, 1000).includes(0xa5))
})
