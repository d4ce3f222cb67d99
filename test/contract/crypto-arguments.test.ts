/** Wrong calls: on every backend each ends with the same coded error, and none with a crash or a wrong result. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Backend, CryptoError, type SealKeys } from '../../src/crypto/index.ts'
import { backendsUnderTest } from '../support/backends.ts'

/** Things that are no plain Uint8Array of `length` bytes, by name. */
function notBytes(length: number): [string, unknown][] {
  const moved = new Uint8Array(length)
  structuredClone(moved.buffer, { transfer: [moved.buffer] })
  return [
    ['undefined', undefined],
    ['null', null],
    ['a text', 'x'.repeat(length)],
    ['a number', length],
    ['NaN', Number.NaN],
    ['a bigint', 1n],
    ['a symbol', Symbol('bytes')],
    ['a function', () => new Uint8Array(length)],
    ['an object', { length, byteLength: length }],
    ['an array', Array(length).fill(0)],
    ['a Uint16Array', new Uint16Array(length)],
    ['an Int8Array', new Int8Array(length)],
    ['a Uint8ClampedArray', new Uint8ClampedArray(length)],
    ['a DataView', new DataView(new ArrayBuffer(length))],
    ['an ArrayBuffer', new ArrayBuffer(length)],
    ['a moved buffer', moved],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(length))],
    ['a resizable buffer', new Uint8Array(new ArrayBuffer(length, { maxByteLength: length + 8 }))],
    ['a growing view', new Uint8Array(new ArrayBuffer(length, { maxByteLength: length * 2 + 8 }))],
    ['an object with the prototype', Object.create(Uint8Array.prototype)],
    ['a proxy', new Proxy(new Uint8Array(length), {})],
  ]
}

const BAD_NUMBERS: [string, unknown][] = [
  ['null', null],
  ['NaN', Number.NaN],
  ['negative', -1],
  ['a fraction', 1.5],
  ['infinite', Number.POSITIVE_INFINITY],
  ['above 2^53', 2 ** 60],
  ['a text', '3'],
  ['a bigint', 3n],
  ['an object', { valueOf: () => 3 }],
]

const data = new Uint8Array(40)
const hash = new Uint8Array(32)
const keys: SealKeys = { source: hash, neighbour1: hash, neighbour2: hash, index: 0, level: 0 }

interface Slot {
  readonly what: string
  /** The right length; undefined when any goes. */
  readonly length?: number
  /** Longest that is accepted. */
  readonly limit?: number
  readonly call: (backend: Backend, value: never) => unknown
}

const secretKey = new Uint8Array(4032)
const publicKey = new Uint8Array(1952)
const signature = new Uint8Array(3309)

const SLOTS: Slot[] = [
  { what: 'blake3 data', call: (b, v) => b.blake3(v) },
  { what: 'blake3Into data', call: (b, v) => b.blake3Into(v, new Uint8Array(32)) },
  { what: 'blake3Into output', call: (b, v) => b.blake3Into(data, v) },
  { what: 'blake3Keyed key', length: 32, call: (b, v) => b.blake3Keyed(v, data) },
  { what: 'blake3Keyed data', call: (b, v) => b.blake3Keyed(hash, v) },
  { what: 'blake3DeriveKey material', call: (b, v) => b.blake3DeriveKey('context', v) },
  { what: 'blake3Xof data', call: (b, v) => b.blake3Xof(v, 64) },
  { what: 'hasher update', call: (b, v) => b.createHasher().update(v) },
  { what: 'keyed hasher key', length: 32, call: (b, v) => b.createKeyedHasher(v) },
  { what: 'key pair seed', length: 32, call: (b, v) => b.mlDsaKeyPair(v) },
  { what: 'public key of', length: 4032, call: (b, v) => b.mlDsaPublicKey(v) },
  { what: 'sign key', length: 4032, call: (b, v) => b.mlDsaSign(v, data) },
  { what: 'sign message', limit: 2 ** 28, call: (b, v) => b.mlDsaSign(secretKey, v) },
  { what: 'verify key', call: (b, v) => b.mlDsaVerify(v, data, signature) },
  { what: 'verify message', limit: 2 ** 28, call: (b, v) => b.mlDsaVerify(publicKey, v, signature) },
  { what: 'verify signature', call: (b, v) => b.mlDsaVerify(publicKey, data, v) },
  { what: 'seal plain', limit: 2 ** 24, call: (b, v) => b.sealChunk(v, keys) },
  { what: 'seal source', length: 32, call: (b, v) => b.sealChunk(data, { ...keys, source: v }) },
  { what: 'seal neighbour1', length: 32, call: (b, v) => b.sealChunk(data, { ...keys, neighbour1: v }) },
  { what: 'seal neighbour2', length: 32, call: (b, v) => b.sealChunk(data, { ...keys, neighbour2: v }) },
  { what: 'open content', limit: 2 ** 24 + 2 ** 16, call: (b, v) => b.openChunk(v, keys, 10) },
  { what: 'nonced root key', length: 32, call: (b, v) => b.noncedRoot(v, data) },
  { what: 'nonced root content', limit: 2 ** 24, call: (b, v) => b.noncedRoot(hash, v) },
  { what: 'nonced path key', length: 32, call: (b, v) => b.noncedPath(v, data, 0) },
  { what: 'nonced path content', limit: 2 ** 24, call: (b, v) => b.noncedPath(hash, v, 0) },
  { what: 'slice content', limit: 2 ** 24, call: (b, v) => b.baoSlice(v, 0) },
  { what: 'open source', length: 32, call: (b, v) => b.openChunk(data, { ...keys, source: v }, 10) },
]
/** undefined means "not given" here. */
const OPTIONAL_SLOTS: Slot[] = [
  { what: 'sign context', limit: 255, call: (b, v) => b.mlDsaSign(secretKey, data, { context: v }) },
  { what: 'sign randomness', length: 32, call: (b, v) => b.mlDsaSign(secretKey, data, { randomness: v }) },
  { what: 'verify context', call: (b, v) => b.mlDsaVerify(publicKey, data, signature, v) },
]

const NUMBER_SLOTS: { what: string; limit: number; call: (backend: Backend, value: never) => unknown }[] = [
  { what: 'xof length', limit: 2 ** 30, call: (b, v) => b.blake3Xof(data, v) },
  { what: 'derive length', limit: 2 ** 30, call: (b, v) => b.blake3DeriveKey('context', data, v) },
  { what: 'digest length', limit: 2 ** 30, call: (b, v) => b.createHasher().digest(v) },
  { what: 'output offset', limit: 8, call: (b, v) => b.blake3Into(data, new Uint8Array(40), v) },
  { what: 'chunk index', limit: 2 ** 53 - 1, call: (b, v) => b.sealChunk(data, { ...keys, index: v }) },
  { what: 'shrink level', limit: 2 ** 53 - 1, call: (b, v) => b.sealChunk(data, { ...keys, level: v }) },
  { what: 'path index', limit: 2, call: (b, v) => b.noncedPath(hash, new Uint8Array(2049), v) },
  { what: 'slice index', limit: 2, call: (b, v) => b.baoSlice(new Uint8Array(2049), v) },
  { what: 'slice index of nothing', limit: 0, call: (b, v) => b.baoSlice(new Uint8Array(0), v) },
  { what: 'declared size', limit: 2 ** 24, call: (b, v) => b.openChunk(data, keys, v) },
]

const refused = { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' }

for (const { name, backend, skip } of backendsUnderTest()) {
  describe(name, { skip }, () => {
    if (backend === undefined) return
    for (const slot of [...SLOTS, ...OPTIONAL_SLOTS]) {
      test(`${slot.what}: what is no plain Uint8Array is refused`, () => {
        for (const [kind, value] of notBytes(slot.length ?? 40)) {
          if (kind === 'undefined' && OPTIONAL_SLOTS.includes(slot)) continue
          assert.throws(() => slot.call(backend, value as never), refused, kind)
        }
      })
      if (slot.length !== undefined || slot.limit !== undefined)
        test(`${slot.what}: wrong lengths are refused`, () => checkLengths(backend, slot))
    }
    for (const slot of NUMBER_SLOTS) {
      test(`${slot.what}: what is no whole number within the limit is refused`, () => {
        for (const [kind, value] of [...BAD_NUMBERS, ['too large', slot.limit + 1] as const])
          assert.throws(() => slot.call(backend, value as never), refused, kind)
      })
    }
    test('texts, objects and flags of the wrong type are refused', () => wrongTypes(backend))
    test('a getter that moves a buffer away in the middle of a call harms nobody', () => movingGetters(backend))
    test('after all this it still works', () => {
      assert.equal(backend.blake3(new Uint8Array(0))[0], 0xaf)
    })
  })
}

function checkLengths(backend: Backend, { length, limit, call, what }: Slot): void {
  const wrong = length === undefined ? [(limit as number) + 1] : [0, 1, length - 1, length + 1, 100_000]
  for (const size of wrong)
    assert.throws(() => call(backend, new Uint8Array(size) as never), refused, `${what} ${size}`)
}

function wrongTypes(backend: Backend): void {
  for (const context of [undefined, null, 5, data, {}, 'x'.repeat(65537)]) {
    assert.throws(() => backend.blake3DeriveKey(context as never, data), refused)
    assert.throws(() => backend.createDeriveKeyHasher(context as never), refused)
  }
  for (const options of [null, 5, 'deterministic'])
    assert.throws(() => backend.mlDsaSign(secretKey, data, options as never), refused)
  for (const deterministic of [1, 'yes', {}])
    assert.throws(() => backend.mlDsaSign(secretKey, data, { deterministic } as never), refused)
  assert.throws(() => backend.mlDsaSign(secretKey, data, { deterministic: true, randomness: hash }), refused)
  for (const bad of [undefined, null, 5, 'keys', {}]) {
    assert.throws(() => backend.sealChunk(data, bad as never), refused)
    assert.throws(() => backend.openChunk(data, bad as never, 10), refused)
  }
  // A key that no key generation gives (s1 out of its range, FIPS 204 algorithm 25).
  const impossible = secretKey.slice().fill(0xff, 128, 256)
  assert.throws(() => backend.mlDsaSign(impossible, data), refused)
  assert.throws(() => backend.mlDsaSign(impossible, data, { deterministic: true }), refused)
  assert.throws(() => backend.mlDsaPublicKey(impossible), refused)
}

function movingGetters(backend: Backend): void {
  const { secretKey: key } = backend.mlDsaKeyPair(hash)
  const moving = <T>(victim: Uint8Array<ArrayBuffer>, value: T): T => {
    structuredClone(victim.buffer, { transfer: [victim.buffer] })
    return value
  }
  const message = new Uint8Array(1000)
  const options = {
    get context() {
      return moving(message, new Uint8Array(3))
    },
  }
  assert.throws(() => backend.mlDsaSign(key, message, options), CryptoError)
  const plain = new Uint8Array(1000)
  assert.throws(
    () =>
      backend.sealChunk(plain, {
        ...keys,
        get level() {
          return moving(plain, 0)
        },
      } as SealKeys),
    CryptoError,
  )
  const own = new Uint8Array(32)
  const self = Object.defineProperty({ ...keys, source: own }, 'index', { get: () => moving(own, 0) })
  assert.throws(() => backend.sealChunk(data, self), CryptoError)
}
