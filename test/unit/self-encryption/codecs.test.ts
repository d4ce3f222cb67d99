import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, utf8 } from '../../../src/base/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { toU64 } from '../../../src/self-encryption/data-map.ts'
import {
  bincodeSize,
  checkIndexes,
  type DataMap,
  dataMapSize,
  decodeBincode,
  decodeDataMap,
  encodeBincode,
  encodeDataMap,
  formatDataMapJson,
  parseDataMapFile,
  parseDataMapJson,
  SelfEncryptionError,
} from '../../../src/self-encryption/index.ts'

const u64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n })).map(toU64)
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes))
const entry = fc.record(
  { index: u64, address: hash.map(chunkAddressOf), source: hash, size: u64 },
  { noNullPrototype: true },
)
const dataMap: fc.Arbitrary<DataMap> = fc.record(
  {
    entries: fc.array(entry, { maxLength: 20 }),
    child: fc.option(u64, { nil: null }),
  },
  { noNullPrototype: true },
)

const sample: DataMap = {
  entries: [0, 1, 2].map((index) => ({
    index,
    address: chunkAddressOf(new Uint8Array(32).fill(index)),
    source: new Uint8Array(32).fill(200 + index),
    size: 5,
  })),
  child: null,
}

test('property: every map comes back from each form, to the last bit of a u64', () => {
  fc.assert(
    fc.property(dataMap, (map) => {
      assert.equal(encodeBincode(map).length, bincodeSize(map.entries.length, map.child !== null))
      assert.deepEqual(decodeBincode(encodeBincode(map)), map)
      assert.deepEqual(decodeDataMap(encodeDataMap(map)), map)
      assert.deepEqual(parseDataMapJson(formatDataMapJson(map)), map)
      assert.deepEqual(parseDataMapFile(encodeDataMap(map)), map)
      assert.deepEqual(parseDataMapFile(utf8(formatDataMapJson(map))), map)
    }),
  )
})

test('property: a map that was cut short never decodes, trailing bytes do not matter', () => {
  fc.assert(
    fc.property(dataMap, fc.nat(), fc.uint8Array({ maxLength: 5 }), (map, at, tail) => {
      for (const [encoded, decode] of [
        [encodeBincode(map), decodeBincode],
        [encodeDataMap(map), decodeDataMap],
      ] as [Bytes, (bytes: Uint8Array) => DataMap][]) {
        assert.throws(() => decode(encoded.subarray(0, at % encoded.length)), SelfEncryptionError)
        assert.deepEqual(decode(Buffer.concat([encoded, tail])), map)
      }
    }),
  )
})

test('property: arbitrary and damaged bytes give a map or our error, nothing else', () => {
  const damaged = fc.tuple(dataMap, fc.nat(), fc.nat(255)).map(([map, at, byte]) => {
    const bytes = encodeDataMap(map)
    bytes[at % bytes.length] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged), (bytes) => {
      for (const decode of [decodeBincode, decodeDataMap, parseDataMapFile]) {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof SelfEncryptionError, String(error))
        }
      }
    }),
  )
})

test('counts are checked against the bytes before anything is allocated', () => {
  const bincode = Uint8Array.from([1, 255, 255, 255, 255, 255, 255, 255, 127, 0])
  assert.throws(() => decodeBincode(bincode), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  const msgpack = Uint8Array.from([0x93, 1, 0xdd, 255, 255, 255, 255, 0xc0])
  assert.throws(() => decodeDataMap(msgpack), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  // 200 claimed entries of one byte each fit the bytes that are left, but no entry is that short.
  const short = Uint8Array.from([0x93, 1, 0xdc, 0, 200, ...new Array(400).fill(0)])
  assert.throws(() => decodeDataMap(short), /200 elements/)
})

test('hashes are arrays of integers, neither bin nor longer nor shorter', () => {
  const good = Buffer.from(encodeDataMap(sample))
  const at = good.indexOf(Buffer.from([0xdc, 0, 32]))
  const withHash = (head: number[], bytes: number) =>
    Buffer.concat([good.subarray(0, at), Buffer.from(head), Buffer.alloc(bytes), good.subarray(at + 3 + 32)])
  assert.deepEqual(decodeDataMap(withHash([0xdc, 0, 32], 32)), sample)
  for (const [head, bytes] of [
    [[0xc4, 32], 32],
    [[0xdc, 0, 31], 31],
    [[0xdc, 0, 33], 33],
  ] as [number[], number][]) {
    assert.throws(() => decodeDataMap(withHash(head, bytes)), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  }
})

test('JSON: what is refused', () => {
  const one = (change: (text: string) => string) => () => parseDataMapFile(utf8(change(formatDataMapJson(sample))))
  const refused: ((text: string) => string)[] = [
    () => '{',
    () => '{"chunk_identifiers":{},"child":null}',
    () => '{"chunk_identifiers":[7],"child":null}',
    (text) => text.replace('"src_size":5', '"src_size":5.5'),
    (text) => text.replace('"src_size":5', '"src_size":-5'),
    (text) => text.replace('"src_size":5', '"src_size":"5"'),
    (text) => text.replace('"src_size":5', '"src_size":1e3'),
    (text) => text.replace('"src_size":5', '"src_size":18446744073709551616'),
    (text) => text.replace('"src_size":5', '"size":5'),
    (text) => text.replace('0101', '01'),
    (text) => text.replace('0101', '01zz'),
    (text) => text.replace('"child":null', '"child":"1"'),
  ]
  for (const change of refused) assert.throws(one(change), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  assert.throws(() => parseDataMapFile(Uint8Array.from([0x7b, 0xff])), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  assert.throws(() => parseDataMapFile(new Uint8Array(0)), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
  assert.deepEqual(one((text) => text)(), sample)
})

test('the index check: order does not matter, gaps, repeats and overflow do', () => {
  const [a, b, c] = sample.entries as [DataMap['entries'][0], DataMap['entries'][0], DataMap['entries'][0]]
  assert.deepEqual(checkIndexes({ entries: [c, a, b], child: null }), { entries: [a, b, c], size: 15n })
  assert.deepEqual(checkIndexes({ entries: [], child: null }), { entries: [], size: 0n })
  for (const index of [0, 3, 2n ** 60n]) {
    const entries = [a, b, { ...c, index }]
    assert.throws(() => checkIndexes({ entries, child: null }), { code: 'SELF_ENCRYPTION_MAP_INDEX' })
  }
  const huge = { entries: [a, b, { ...c, size: 2n ** 64n - 1n }], child: null }
  assert.throws(() => checkIndexes(huge), { code: 'SELF_ENCRYPTION_MAP_OVERFLOW' })
  assert.equal(dataMapSize(sample), 15)
  const beyond = { entries: [a, b, { ...c, size: 2n ** 53n }], child: null }
  assert.throws(() => dataMapSize(beyond), { code: 'SELF_ENCRYPTION_TOO_LARGE' })
})
