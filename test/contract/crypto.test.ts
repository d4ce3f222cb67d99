/** One contract for the three backends: they agree with each other, byte for byte, on random and on nasty inputs. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { brotliCompressSync, constants } from 'node:zlib'
import fc from 'fast-check'
import { type Bytes, concat, seededRandom, toHex, utf8 } from '../../src/base/index.ts'
import {
  AUDIT_BLOCK_BYTES,
  type Backend,
  blockCount,
  loadBackend,
  noncedPathNodes,
  type SealKeys,
  verifyBaoSlice,
} from '../../src/crypto/index.ts'
import { backendsUnderTest, presentBackends } from '../support/backends.ts'
import { forgeChunk } from '../support/forge-chunk.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
console.log(`# crypto contract: SEED=${seed}`)
const judge = loadBackend('js')
const all = presentBackends()
const run = (property: fc.IProperty<never> | fc.IRawProperty<unknown>, numRuns: number) =>
  fc.assert(property as fc.IRawProperty<unknown>, { seed, numRuns })

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((data) => data.slice() as Bytes)
const hash = () => fc.uint8Array({ minLength: 32, maxLength: 32 })
/** Around block, chunk and subtree borders of BLAKE3, and around the wasm core's scratch area. */
const EDGES = [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 16384, 262111, 262112, 262113, 262144, 262145, 1048577]
const random = seededRandom(seed)

for (const { name, backend, skip } of backendsUnderTest()) {
  describe(name, { skip }, () => {
    if (backend === undefined) return
    blake3Tests(backend)
    mlDsaTests(backend)
    sealTests(backend)
    blockTests(backend)
  })
}

function blake3Tests(backend: Backend): void {
  test('BLAKE3 in all modes is that of the judge', () => {
    run(
      fc.property(
        bytes(5000),
        hash(),
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 0, max: 300 }),
        (data, key, context, length) => {
          same(backend.blake3(data), judge.blake3(data))
          same(backend.blake3Keyed(key, data), judge.blake3Keyed(key, data))
          same(backend.blake3DeriveKey(context, data, length), judge.blake3DeriveKey(context, data, length))
          same(backend.blake3DeriveKey(context, data), judge.blake3DeriveKey(context, data))
          same(backend.blake3Xof(data, length), judge.blake3Xof(data, length))
        },
      ),
      200,
    )
  })
  test('BLAKE3 at the borders of its tree, and by one more judge', () => {
    const other = createRequire(import.meta.url)('blake3-wasm') as { hash(data: Uint8Array): Uint8Array }
    for (const length of EDGES) {
      const data = random.bytes(length)
      same(backend.blake3(data), judge.blake3(data))
      same(backend.blake3(data), new Uint8Array(other.hash(data)))
      const out = new Uint8Array(40).fill(7)
      backend.blake3Into(data, out, 5)
      same(out, concat([new Uint8Array(5).fill(7), judge.blake3(data), new Uint8Array(3).fill(7)]))
    }
  })
  test('a view into a larger buffer is hashed, not the buffer', () => {
    const data = random.bytes(100)
    same(backend.blake3(data.subarray(10, 50)), judge.blake3(data.slice(10, 50)))
    const out = new Uint8Array(100)
    backend.blake3Into(data, out.subarray(50), 3)
    same(out.slice(53, 85), judge.blake3(data))
    // In place: the output may lie over the input.
    backend.blake3Into(data, data)
    same(data.slice(0, 32), out.slice(53, 85))
  })
  test('an incremental hash does not depend on the cuts, and may be read in between', () => {
    run(
      fc.property(fc.array(bytes(3000), { maxLength: 8 }), hash(), fc.string(), (parts, key, context) => {
        const kinds = [
          (b: Backend) => b.createHasher(),
          (b: Backend) => b.createKeyedHasher(key),
          (b: Backend) => b.createDeriveKeyHasher(context),
        ]
        for (const kind of kinds) {
          const [hasher, expected] = [kind(backend), kind(judge)]
          for (const part of parts) same(hasher.update(part).digest(70), expected.update(part).digest(70))
          same(hasher.digest(), kind(judge).update(concat(parts)).digest())
        }
      }),
      50,
    )
  })
  test('large inputs cut in any way: the wide path of wasm begins at 128 KiB', () => {
    const unit = 128 * 1024
    const data = random.bytes(5 * unit + 1000)
    for (const length of [unit, unit + 1, 2 * unit, 3 * unit - 1, 4 * unit, 5 * unit, 5 * unit + 1000]) {
      const whole = data.subarray(0, length)
      const expected = judge.blake3Xof(whole, 70)
      same(backend.blake3(whole), expected.slice(0, 32))
      for (const cut of [unit / 2, unit, unit + 1, 2 * unit, 100_000]) {
        const hasher = backend.createHasher()
        for (let at = 0; at < length; at += cut) hasher.update(whole.subarray(at, at + cut))
        same(hasher.digest(70), expected)
      }
    }
  })
  test('output longer than any buffer inside: every part of the stream is the same', () => {
    const data = utf8('long')
    const expected = judge.blake3Xof(data, 300_001)
    same(backend.blake3Xof(data, 300_001), expected)
    same(backend.blake3Xof(data, 0), new Uint8Array(0))
  })
  test('results are fresh and belong to the caller', () => {
    const first = backend.blake3(utf8('a'))
    const copy = first.slice()
    backend.blake3(utf8('b'))
    same(first, copy)
    assert.equal(first.buffer.byteLength, 32)
  })
}

function mlDsaTests(backend: Backend): void {
  test('ML-DSA: keys and signatures with given randomness are those of the judge', () => {
    run(
      fc.property(hash(), bytes(600), bytes(255), hash(), (keySeed, message, context, randomness) => {
        const pair = backend.mlDsaKeyPair(keySeed)
        const expected = judge.mlDsaKeyPair(keySeed)
        same(pair.publicKey, expected.publicKey)
        same(pair.secretKey, expected.secretKey)
        same(backend.mlDsaPublicKey(pair.secretKey), pair.publicKey)
        for (const options of [{ deterministic: true }, { context, deterministic: true }, { context, randomness }]) {
          const signature = backend.mlDsaSign(pair.secretKey, message, options)
          same(signature, judge.mlDsaSign(pair.secretKey, message, options))
        }
      }),
      15,
    )
  })
  test('ML-DSA: hedged signatures differ, every backend accepts them, and no backend accepts a changed one', () => {
    run(
      fc.property(hash(), bytes(2000), bytes(255), fc.nat(3309 * 8 - 1), (keySeed, message, context, bit) => {
        const { publicKey, secretKey } = backend.mlDsaKeyPair(keySeed)
        for (const used of [undefined, context]) {
          const options = used === undefined ? {} : { context: used }
          const signature = backend.mlDsaSign(secretKey, message, options)
          assert.notEqual(toHex(signature), toHex(backend.mlDsaSign(secretKey, message, options)))
          const damaged = signature.slice()
          damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
          for (const verifier of all) {
            assert.equal(verifier.mlDsaVerify(publicKey, message, signature, used), true)
            assert.equal(verifier.mlDsaVerify(publicKey, concat([message, utf8('!')]), signature, used), false)
            assert.equal(verifier.mlDsaVerify(publicKey, message, damaged, used), false)
          }
        }
      }),
      10,
    )
  })
  test('ML-DSA: arbitrary bytes of the right length are false, wrong lengths too', () => {
    const { publicKey, secretKey } = backend.mlDsaKeyPair(new Uint8Array(32))
    const message = utf8('m')
    const signature = backend.mlDsaSign(secretKey, message)
    for (let i = 0; i < 20; i++) {
      assert.equal(backend.mlDsaVerify(random.bytes(1952), message, random.bytes(3309)), false)
      assert.equal(backend.mlDsaVerify(publicKey, message, random.bytes(3309)), false)
      assert.equal(backend.mlDsaVerify(random.bytes(1952), message, signature), false)
    }
    for (const length of [0, 1, 3308, 3310, 100_000])
      assert.equal(backend.mlDsaVerify(publicKey, message, new Uint8Array(length)), false)
    for (const length of [0, 1951, 1953, 32])
      assert.equal(backend.mlDsaVerify(new Uint8Array(length), message, signature), false)
    assert.equal(backend.mlDsaVerify(publicKey, message, signature, new Uint8Array(256)), false)
    assert.equal(backend.mlDsaVerify(publicKey, message, signature), true)
  })
  test('ML-DSA: a message of several MiB', () => {
    const { publicKey, secretKey } = backend.mlDsaKeyPair(new Uint8Array(32).fill(1))
    const message = random.bytes(5_000_000)
    const signature = backend.mlDsaSign(secretKey, message)
    for (const verifier of all) assert.equal(verifier.mlDsaVerify(publicKey, message, signature), true)
    message[4_999_999] = (message[4_999_999] as number) ^ 1
    assert.equal(backend.mlDsaVerify(publicKey, message, signature), false)
  })
}

const sealKeys = (plain: Uint8Array, index = 0, level = 0): SealKeys => ({
  source: judge.blake3(plain),
  neighbour1: judge.blake3(utf8('one')),
  neighbour2: judge.blake3(utf8('two')),
  index,
  level,
})
/** Random, repetitive and mixed bytes: each drives the encoder along another path. */
const plainBytes = fc.oneof(
  bytes(20_000),
  fc.tuple(bytes(40), fc.integer({ min: 1, max: 3000 })).map(([part, times]) => concat(Array(times).fill(part))),
  fc.lorem({ maxCount: 800 }).map((text) => utf8(text)),
)
const code = (text: string) => ({ name: 'CryptoError', code: `CRYPTO_${text}` })

function sealTests(backend: Backend): void {
  test('seal gives the bytes of the judge, and every backend opens them', () => {
    run(
      fc.property(plainBytes, fc.nat(), fc.nat(5), (plain, index, level) => {
        const keys = sealKeys(plain, index, level)
        const sealed = backend.sealChunk(plain, keys)
        const expected = judge.sealChunk(plain, keys)
        same(sealed.content, expected.content)
        same(sealed.address, judge.blake3(expected.content))
        for (const opener of all) same(opener.openChunk(sealed.content, keys, plain.length), plain)
      }),
      60,
    )
  })
  test('a chunk of the network’s largest size, compressible and not', () => {
    const size = 4_190_209
    const text = utf8('{"level":"info","msg":"chunk stored"}\n'.repeat(size / 38 + 1)).slice(0, size)
    for (const plain of [random.bytes(size), text]) {
      const keys = sealKeys(plain, 2 ** 40, 3)
      const sealed = backend.sealChunk(plain, keys)
      same(sealed.content, judge.sealChunk(plain, keys).content)
      same(backend.openChunk(sealed.content, keys, size), plain)
    }
  })
  test('every damage has its own error', () => {
    const plain = random.bytes(3000)
    const keys = sealKeys(plain)
    const { content } = backend.sealChunk(plain, keys)
    const open = (bytes: Uint8Array, change: Partial<SealKeys> = {}, size = plain.length) =>
      backend.openChunk(bytes, { ...keys, ...change }, size)
    for (const at of [0, 1, 51, 52, 1000, content.length - 17, content.length - 16, content.length - 1]) {
      const damaged = content.slice()
      damaged[at] = (damaged[at] as number) ^ 0x10
      assert.throws(() => open(damaged), code('OPEN_AUTHENTICATION'))
    }
    for (const length of [0, 15, 16, 17, content.length - 1])
      assert.throws(() => open(content.subarray(0, length)), code('OPEN_AUTHENTICATION'))
    assert.throws(() => open(concat([content, new Uint8Array(1)])), code('OPEN_AUTHENTICATION'))
    for (const change of [{ index: 1 }, { level: 1 }, { index: 2 ** 32 }, { source: new Uint8Array(32) }])
      assert.throws(() => open(content, change), code('OPEN_AUTHENTICATION'))
    assert.throws(() => open(content, { neighbour1: keys.neighbour2 }), code('OPEN_AUTHENTICATION'))
    for (const size of [0, 1, 2999, 3001, 2 ** 24]) assert.throws(() => open(content, {}, size), code('OPEN_SIZE'))
    same(open(content), plain)
  })
  test('a chunk whose author lied', () => {
    const plain = random.bytes(500)
    const keys = sealKeys(plain)
    const open = (compressed: Uint8Array, size: number, own = keys) =>
      backend.openChunk(forgeChunk(compressed, own), own, size)
    const honest = brotliCompressSync(plain)
    same(open(honest, 500), plain)
    assert.throws(() => open(brotliCompressSync(random.bytes(500)), 500), code('OPEN_HASH'))
    assert.throws(() => open(new Uint8Array(0), 500), code('OPEN_COMPRESSION'))
    assert.throws(() => open(new Uint8Array(100).fill(0xff), 500), code('OPEN_COMPRESSION'))
    assert.throws(() => open(honest.subarray(0, -1), 500), code('OPEN_COMPRESSION'))
    assert.throws(() => open(honest.subarray(0, 250), 500), code('OPEN_COMPRESSION'))
    // What follows a whole stream is not looked at, as in the reference.
    same(open(concat([honest, new Uint8Array(9)]), 500), plain)
    const empty = sealKeys(new Uint8Array(0))
    same(open(brotliCompressSync(new Uint8Array(0)), 0, empty), new Uint8Array(0))
  })
  test('a small chunk that would unfold into 64 MiB stops at the declared size', () => {
    const bomb = brotliCompressSync(new Uint8Array(2 ** 26), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
    const keys = sealKeys(new Uint8Array(10))
    const before = process.memoryUsage().arrayBuffers
    assert.throws(() => backend.openChunk(forgeChunk(bomb, keys), keys, 10), code('OPEN_SIZE'))
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24)
  })
}

/** Around one block, around full and half full batches of lanes, around powers of two. */
const BLOCK_EDGES = [0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 15_360, 16_384, 16_385, 17_408, 33_000, 65_537]

function blockTests(backend: Backend): void {
  test('nonced roots and paths and Bao slices are those of the judge, for every block', () => {
    const key = random.bytes(32)
    for (const length of BLOCK_EDGES) {
      const content = random.bytes(length)
      same(backend.noncedRoot(key, content), judge.noncedRoot(key, content))
      for (let index = 0; index < blockCount(length); index += 1 + Math.floor(index / 5)) {
        const path = backend.noncedPath(key, content, index)
        assert.equal(path.length, 32 * noncedPathNodes(length))
        same(path, judge.noncedPath(key, content, index))
        same(backend.baoSlice(content, index), judge.baoSlice(content, index))
      }
    }
  })
  test('a Bao slice proves its block under the plain hash, and nothing else', () => {
    run(
      fc.property(fc.nat(40_000), fc.nat(), fc.nat(), (length, wanted, bit) => {
        const content = random.bytes(length)
        const root = backend.blake3(content)
        const index = wanted % blockCount(length)
        const slice = backend.baoSlice(content, index)
        const block = content.subarray(index * AUDIT_BLOCK_BYTES, (index + 1) * AUDIT_BLOCK_BYTES)
        const proven = verifyBaoSlice(slice, root, length, index)
        assert.ok(proven)
        same(proven, block)
        assert.equal(verifyBaoSlice(flipped(slice, bit), root, length, index), undefined)
        assert.equal(verifyBaoSlice(slice, flipped(root, bit), length, index), undefined)
        assert.equal(verifyBaoSlice(slice.subarray(0, -1), root, length, index), undefined)
        for (const other of [index + 1, index - 1, blockCount(length)])
          assert.equal(verifyBaoSlice(slice, root, length, other), undefined)
        for (const other of [length + 1, length - 1, 2 ** 32 - 1])
          assert.equal(verifyBaoSlice(slice, root, other, index), undefined)
      }),
      100,
    )
  })
  test('the nonced root depends on the key and on every bit of the content', () => {
    run(
      fc.property(hash(), fc.nat(20_000), fc.nat(), (key, length, bit) => {
        const content = random.bytes(length)
        const root = toHex(backend.noncedRoot(key, content))
        assert.notEqual(toHex(backend.noncedRoot(flipped(key, bit), content)), root)
        assert.notEqual(toHex(backend.noncedRoot(key, concat([content, new Uint8Array(1)]))), root)
        if (length > 0) assert.notEqual(toHex(backend.noncedRoot(key, flipped(content, bit))), root)
      }),
      50,
    )
  })
  test('a chunk of the network’s largest size, and on threads of its own where there are any', async () => {
    const content = random.bytes(4 * 1024 * 1024)
    const key = random.bytes(32)
    const root = judge.noncedRoot(key, content)
    same(backend.noncedRoot(key, content), root)
    const { offThread } = backend
    if (offThread === undefined) return
    same(await offThread.noncedRoot(key, content), root)
    for (const index of [0, 1, 2048, 4095]) {
      same(await offThread.noncedPath(key, content, index), backend.noncedPath(key, content, index))
      same(await offThread.baoSlice(content, index), backend.baoSlice(content, index))
    }
    const refused = { name: 'CryptoError', code: 'CRYPTO_ARGUMENT' }
    await assert.rejects(offThread.baoSlice(content, 4096), refused)
    await assert.rejects(offThread.noncedPath(key, content, 4096), refused)
    await assert.rejects(offThread.noncedPath(key.subarray(1), content, 0), refused)
    await assert.rejects(offThread.noncedRoot(key, new Uint8Array(2 ** 24 + 1)), refused)
    same(await offThread.noncedRoot(key, new Uint8Array(0)), judge.noncedRoot(key, new Uint8Array(0)))
    assert.equal((await offThread.noncedPath(key, new Uint8Array(5), 0)).length, 0)
  })
}

function flipped(source: Uint8Array, bit: number): Uint8Array {
  const copy = source.slice()
  const at = Math.floor(bit / 8) % copy.length
  copy[at] = (copy[at] as number) ^ (1 << (bit % 8))
  return copy
}

function same(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return
  assert.equal(toHex(actual.subarray(0, 64)), toHex(expected.subarray(0, 64)))
  assert.fail(`${actual.length} bytes differ from the expected ${expected.length} after the first 64`)
}
