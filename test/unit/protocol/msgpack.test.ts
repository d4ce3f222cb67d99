import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../../src/base/index.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/index.ts'
import { vectorBytes } from '../../support/vector-input.ts'

const reader = (hex: string) => new MsgpackReader(vectorBytes(hex))
const decodeError = { code: 'PROTOCOL_DECODE' }

test('integers take the shortest form', () => {
  const cases: [number | bigint, string][] = [
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [7n, '07'],
  ]
  for (const [value, hex] of cases) {
    assert.equal(toHex(new MsgpackWriter().uint(value).finish()), hex)
    assert.equal(reader(hex).u64(), BigInt(value))
  }
  for (const value of [-1, 1.5, 2 ** 53, 2n ** 64n, -1n]) {
    assert.throws(() => new MsgpackWriter().uint(value), { code: 'PROTOCOL_ENCODE' })
  }
})

test('longer and signed forms of an integer are read, negative and too large ones are not', () => {
  for (const hex of ['cc05', 'cd0005', 'ce00000005', 'cf0000000000000005', 'd005', 'd10005', 'd30000000000000005']) {
    assert.equal(reader(hex).uint(), 5)
  }
  for (const hex of ['ff', 'd0ff', 'd3ffffffffffffffff', 'ca00000000', 'c0', 'cd00', '']) {
    assert.throws(() => reader(hex).uint(), decodeError)
  }
  assert.throws(() => reader('cf0000000100000000').u32(), decodeError)
  assert.throws(() => reader('cf0020000000000000').uint(), decodeError)
})

test('byte vectors are arrays of integers, fixed ones have their length', () => {
  const bytes = vectorBytes('007f80ff')
  assert.equal(toHex(new MsgpackWriter(1).uints(bytes).finish()), '94007fcc80ccff')
  assert.deepEqual(reader('94007fcc80ccff').uints(4), bytes)
  assert.throws(() => reader('94007fcc80ccff').uints(5), decodeError)
  assert.throws(() => reader('9400cd0100').uints(), decodeError)
  assert.throws(() => reader('c402ffff').uints(), decodeError)
})

test('a bin has its length', () => {
  for (const length of [0, 255, 256, 65_536]) {
    const bytes = new Uint8Array(length).fill(7)
    assert.deepEqual(new MsgpackReader(new MsgpackWriter(1).bin(bytes).finish()).bin(length), bytes)
  }
  assert.throws(() => reader(`c41f${'00'.repeat(31)}`).bin(32), decodeError)
  assert.throws(() => reader('c6ffffffff00').bin(), decodeError)
})

test('strings, options, bools and lists survive a round', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 80 }), { nil: undefined })), (texts) => {
      const bytes = new MsgpackWriter(1)
        .list(texts, (w, text) => w.option(text, (v, value) => v.string(value)))
        .bool(true)
        .finish()
      const r = new MsgpackReader(bytes)
      assert.deepEqual(
        r.list((item) => item.option((i) => i.string())),
        texts,
      )
      assert.equal(r.bool(), true)
      assert.equal(r.remaining, 0)
      const skipping = new MsgpackReader(bytes)
      skipping.skip()
      assert.equal(skipping.bool(), true)
    }),
  )
  assert.throws(() => reader('9301').list((r) => r.uint()), decodeError)
  assert.throws(() => reader('920102').list((r) => r.uint(), { max: 1 }), decodeError)
  assert.throws(() => reader('91ff').string(), decodeError)
})

const SCHEMA = { a: (r: MsgpackReader) => r.uint(), b: (r: MsgpackReader) => r.uint() }

test('a struct is an array in order or a map by name', () => {
  assert.deepEqual(reader('920102').struct(SCHEMA), { a: 1, b: 2 })
  assert.deepEqual(reader('82a16202a16101').struct(SCHEMA), { a: 1, b: 2 })
  assert.deepEqual(reader('de0003a16202a17892c0a179a16101').struct(SCHEMA), { a: 1, b: 2 })
  assert.deepEqual(reader('9101').struct(SCHEMA, ['b']), { a: 1 })
  assert.deepEqual(reader('9201').remaining, 2)
  for (const hex of ['9101', '93010203', '81a16101', '82a16101a16102', 'a161', '']) {
    assert.throws(() => reader(hex).struct(SCHEMA), decodeError, hex)
  }
  assert.throws(() => reader('93010203').struct(SCHEMA, ['b']), decodeError)
})

test('names of Object.prototype are no fields', () => {
  const name = toHex(new MsgpackWriter().string('__proto__').finish())
  assert.deepEqual(reader(`83${name}80a16101a16202`).struct(SCHEMA), { a: 1, b: 2 })
  assert.throws(() => reader(`83${name}05`).struct(SCHEMA), decodeError)
})

test('any kind of value is stepped over; endless nesting is not', () => {
  for (const hex of [
    'c0',
    'c3',
    'ca00000000',
    'cb0000000000000000',
    'c70105ff',
    'd40005',
    `d8${'00'.repeat(17)}`,
    'df00000000',
    'e0',
    'dd0000000101',
  ]) {
    const r = reader(`${hex}05`)
    r.skip()
    assert.equal(r.uint(), 5, hex)
  }
  assert.throws(() => reader('c1').skip(), decodeError)
  assert.throws(() => reader('91'.repeat(100_000)).skip(), decodeError)
  assert.throws(() => reader('ddffffffff').skip(), decodeError)
})
