import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, toHex } from '../../../src/base/index.ts'
import { chunkAddressOf, peerIdOf, Reader, RopeWriter, varintBytes, Writer } from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'

const reader = (hex: string) => new Reader(vectorBytes(hex))
const decodeError = { code: 'PROTOCOL_DECODE' }
const U64_MAX = 2n ** 64n - 1n

test('unsigned integers survive a round, minimal and exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: U64_MAX }), fc.nat(63), (wide, shift) => {
      const value = wide >> BigInt(shift)
      const bytes = new Writer().uint(value).finish()
      assert.equal(bytes.length, varintBytes(value))
      assert.equal(new Reader(bytes).u64(), value)
      if (value > Number.MAX_SAFE_INTEGER) {
        assert.throws(() => new Reader(bytes).uint(), decodeError)
        assert.equal(new Reader(bytes).size(), value)
        assert.equal(new Reader(bytes).nearest(), Number(value))
      } else {
        assert.equal(new Reader(bytes).uint(), Number(value))
        assert.equal(new Reader(bytes).size(), Number(value))
        assert.equal(toHex(new Writer().uint(Number(value)).finish()), toHex(bytes))
        assert.equal(varintBytes(Number(value)), bytes.length)
      }
    }),
  )
})

test('the border cases of every width', () => {
  assert.equal(reader('ffff03').u16(), 0xffff)
  assert.equal(reader('ffffffff0f').u32(), 0xffff_ffff)
  assert.equal(reader('ffffffffffffffffff01').u64(), U64_MAX)
  for (const hex of ['ffff04', '80808000', '808080']) assert.throws(() => reader(hex).u16(), decodeError)
  for (const hex of ['ffffffff1f', '8080808010', '808080808000']) assert.throws(() => reader(hex).u32(), decodeError)
  for (const hex of ['ffffffffffffffffff02', 'ffffffffffffffffffff01', '80']) {
    assert.throws(() => reader(hex).u64(), decodeError)
  }
})

test('non-minimal numbers are read', () => {
  assert.equal(reader('8000').u64(), 0n)
  assert.equal(reader('81808080808080808000').u64(), 1n)
  assert.equal(reader('8200').variant(3), 2)
  assert.equal(reader('838000').u16(), 3)
})

test('bools, options and variants are strict', () => {
  assert.equal(reader('01').bool(), true)
  assert.throws(() => reader('02').bool(), decodeError)
  assert.equal(
    reader('00').option((r) => r.u8()),
    undefined,
  )
  assert.throws(() => reader('0205').option((r) => r.u8()), decodeError)
  assert.throws(() => reader('03').variant(3), decodeError)
})

test('strings are strict UTF-8 and keep a byte order mark', () => {
  const marked = '\ufeffé🔑'
  assert.equal(new Reader(new Writer().string(marked).finish()).string(), marked)
  for (const hex of ['0261ff', '02c080', '03eda080']) {
    assert.throws(() => reader(hex).string(), decodeError)
  }
})

test('a name is read as a string is, and again as the same text', () => {
  const texts = ['', 'autonomi/dht/1.0.0', 'é🔑', 'x'.repeat(64), 'y'.repeat(65), 'b', 'c', '']
  for (let round = 0; round < 3; round++) {
    for (const text of texts) assert.equal(new Reader(new Writer().string(text).finish()).name(), text)
  }
  fc.assert(fc.property(fc.string(), (text) => new Reader(new Writer().string(text).finish()).name() === text))
  for (const hex of ['0261ff', '02c080', '03eda080', '0561']) assert.throws(() => reader(hex).name(), decodeError)
})

test('a key has one text, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), fc.nat(8), (bytes, at) => {
      assert.equal(peerIdOf(bytes, at), toHex(bytes.subarray(at, at + 32)))
      // The same first bytes, another key.
      const other = bytes.slice()
      other[at + 31] = (other[at + 31] as number) ^ 1
      assert.equal(peerIdOf(other, at), toHex(other.subarray(at, at + 32)))
      assert.equal(chunkAddressOf(bytes, at), toHex(bytes.subarray(at, at + 32)))
    }),
  )
})

test('byte strings are views of the message', () => {
  const message = new Writer().byteString(vectorBytes('010203')).finish()
  const view = new Reader(message).byteString()
  assert.equal(view.buffer, message.buffer)
  assert.equal(toHex(view), '010203')
})

test('a count must be covered by what is left', () => {
  assert.throws(() => reader('04010203').byteString(), decodeError)
  assert.throws(() => reader('ffffffffffffffffff01').list(1, (r) => r.u8()), decodeError)
  assert.throws(() => reader('020000').list(2, (r) => r.u8()), decodeError)
  assert.throws(() => reader('').u8(), decodeError)
})

test('a list drops what is beyond `keep` but still reads it', () => {
  const r = reader('0401020304ff')
  assert.deepEqual(
    r.list(1, (item) => item.u8(), 2),
    [1, 2],
  )
  assert.equal(r.u8(), 0xff)
})

test('a writer grows without losing a byte', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (parts) => {
      const writer = new Writer(1)
      for (const part of parts) writer.byteString(part).bool(true).f64(part.length)
      const r = new Reader(writer.finish())
      for (const part of parts) {
        assert.equal(toHex(r.byteString()), toHex(part))
        assert.equal(r.bool(), true)
        assert.equal(r.f64(), part.length)
      }
      assert.equal(r.remaining, 0)
    }),
  )
})

test('a writer refuses what is no unsigned integer', () => {
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53, -1n, U64_MAX + 1n]) {
    assert.throws(() => new Writer().uint(value), { code: 'PROTOCOL_ENCODE' })
  }
})

test('a rope gives the bytes of a plain writer and copies nothing large', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 100, 65_535, 65_536, 100_000), { maxLength: 6 }), (sizes) => {
      const strings = sizes.map((size, tag) => new Uint8Array(size).fill(tag + 1))
      const [plain, rope] = [new Writer(), new RopeWriter(4)]
      for (const writer of [plain, rope]) {
        writer.uint(300)
        for (const bytes of strings) writer.byteString(bytes)
        writer.bool(true)
      }
      const parts = rope.finishParts()
      assert.equal(toHex(concat(parts)), toHex(plain.finish()))
      for (const bytes of strings) assert.equal(parts.includes(bytes), bytes.length >= 65_536)
    }),
    { numRuns: 30 },
  )
})
