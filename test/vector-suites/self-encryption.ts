/** self-encryption.json: every case in memory and streaming on worker threads, on the backend in force. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type Bytes, codeOf, concat, never, systemClock, toHex, utf8 } from '../../src/base/index.ts'
import { type Compute, createPiscinaCompute } from '../../src/compute/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../src/protocol/index.ts'
import { sealAll } from '../../src/self-encryption/encrypt-bytes.ts'
import {
  checkIndexes,
  type DataMap,
  dataMapAddress,
  dataMapSize,
  decodeBincode,
  decodeDataMap,
  decryptBytes,
  decryptChunk,
  decryptStream,
  type EncryptedChunk,
  encodeBincode,
  encodeDataMap,
  encryptBytes,
  encryptStream,
  formatDataMapJson,
  MAX_PLAIN_CHUNK_BYTES,
  MIN_PLAIN_BYTES,
  parseDataMapFile,
  parseDataMapJson,
  readRange,
  resolveRootMap,
  selfEncryptionDefaults,
  sourceFromBytes,
} from '../../src/self-encryption/index.ts'
import { shrink } from '../../src/self-encryption/shrink.ts'
import { vectorBytes } from '../support/vector-input.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is untyped JSON, described in test/vectors/README.md
type Json = any

/** Plain JS takes minutes for the rest: set MYRMEX_LARGE_VECTORS=1 to wait for it. */
const JS_MAX_BYTES = 1 << 20

export default function suite(document: Json): void {
  const compute = createPiscinaCompute({ clock: systemClock })
  after(() => compute.stop())
  test('constants', () => {
    assert.equal(MAX_PLAIN_CHUNK_BYTES, document.constants.MAX_CHUNK_SIZE)
    assert.equal(MIN_PLAIN_BYTES, document.constants.MIN_ENCRYPTABLE_BYTES)
    assert.equal(selfEncryptionDefaults.batch, document.constants.DEFAULT_STREAM_DECRYPT_BATCH_SIZE)
  })
  describe('cases', () => {
    for (const entry of document.cases) caseTest(entry, compute)
  })
  describe('shrink', () => {
    for (const entry of document.shrink)
      test(entry.name, skipLarge(shrinkBytes(entry)), () => shrinkTest(entry, compute))
  })
  describe('tamper', () => {
    for (const entry of document.tamper) tamperTest(entry)
  })
  describe('map_decode', () => {
    for (const entry of document.map_decode) test(`${entry.codec}: ${entry.name}`, () => mapDecodeTest(entry))
  })
}

function skipLarge(length: number): { skip: string | false } {
  const large = backend().name === 'js' && length > JS_MAX_BYTES && !process.env['MYRMEX_LARGE_VECTORS']
  return { skip: large && `${length} bytes are too slow in plain JS (MYRMEX_LARGE_VECTORS=1 runs it)` }
}

function caseTest(entry: Json, compute: Compute): void {
  test(entry.name, skipLarge(entry.length), async (context) => {
    const content = vectorBytes(entry.input)
    assert.equal(content.length, entry.length)
    assert.equal(hash(content), entry.content_blake3)
    if (entry.error) return refused(content, compute)
    await context.test('in memory', () => inMemory(entry, content))
    await context.test('streaming', () => streaming(entry, content, compute))
  })
}

async function refused(content: Bytes, compute: Compute): Promise<void> {
  const options = { compute, signal: never, onChunk: async () => assert.fail('a chunk came out') }
  for (const run of [encryptBytes(content), encryptStream(sourceFromBytes(content), options)]) {
    assert.equal(codeOf(await run.catch((error) => error)), 'SELF_ENCRYPTION_TOO_SMALL')
  }
}

async function inMemory(entry: Json, content: Bytes): Promise<void> {
  const { dataMap, rootMap, chunks } = await encryptBytes(content)
  sameMaps(entry, rootMap, dataMap)
  assert.equal(chunks.length, entry.chunks.length)
  for (const [position, chunk] of chunks.entries()) sameChunk(chunk, entry.chunks[position])
  assert.equal(new Set(chunks.map(({ address }) => address)).size, entry.distinct_chunk_count)
  const back = await decryptBytes(
    dataMap,
    chunks.map((chunk) => chunk.content),
  )
  assert.equal(back.length, entry.length)
  assert.equal(hash(back), entry.content_blake3)
}

async function streaming(entry: Json, content: Bytes, compute: Compute): Promise<void> {
  const order: EncryptedChunk[] = []
  const onChunk = async (chunk: EncryptedChunk) => void order.push(chunk)
  const result = await encryptStream(sourceFromBytes(content), { compute, signal: never, onChunk })
  sameMaps(entry, result.rootMap, result.dataMap)
  assert.deepEqual(
    order.map(({ address }) => address),
    entry.stream_emission_order,
  )
  assert.equal(toHex(result.contentHash), entry.content_blake3)
  assert.equal(result.size, entry.length)
  assert.deepEqual(result.addresses, [...new Set<string>(entry.stream_emission_order)].sort())
  for (const chunk of order) {
    const { index, level } = chunk
    const same = (row: Json) => row.index === index && (row.level ?? 0) === level
    sameChunk(chunk, entry.chunks.find(same))
  }
  const store = new Map(order.map((chunk) => [chunk.address, chunk.content]))
  await readBack(entry, result.dataMap, store, compute)
}

async function readBack(
  entry: Json,
  dataMap: DataMap,
  store: ReadonlyMap<ChunkAddress, Bytes>,
  compute: Compute,
): Promise<void> {
  let fetched: ChunkAddress[] = []
  const fetchChunk = async (address: ChunkAddress) => {
    fetched.push(address)
    return Uint8Array.from(store.get(address) ?? assert.fail(`${address} is no chunk of this file`))
  }
  const options = { compute, signal: never, fetchChunk }
  const hasher = backend().createHasher()
  let length = 0
  for await (const part of decryptStream(dataMap, options)) {
    hasher.update(part)
    length += part.length
  }
  assert.equal(length, entry.length)
  assert.equal(toHex(hasher.digest()), entry.content_blake3)
  const rootMap = await resolveRootMap(dataMap, options)
  assert.equal(dataMapSize(rootMap), entry.length)
  for (const range of entry.ranges ?? []) {
    fetched = []
    const bytes = await readRange(rootMap, range.start, range.len, options)
    assert.equal(bytes.length, range.result_length)
    assert.equal(hash(bytes), range.result_blake3)
    const expected = range.chunks_fetched.map((index: number) => rootMap.entries[index]?.address)
    assert.deepEqual(fetched.sort(), expected.sort(), `chunks of ${range.start} + ${range.len}`)
  }
}

function sameMaps(entry: Json, rootMap: DataMap, dataMap: DataMap): void {
  sameMap(rootMap, entry.root_map)
  sameMap(dataMap, entry.final_map === 'same as root_map' ? entry.root_map : entry.final_map)
  assert.equal(dataMapAddress(dataMap), entry.public_address)
}

function sameMap(map: DataMap, expected: Json): void {
  assert.equal(map.child, expected.child)
  assert.equal(map.entries.length, expected.entry_count)
  const entries = map.entries.map(({ index, address, source, size }) => {
    return { index, src_hash: toHex(source), dst_hash: address, src_size: size }
  })
  if (expected.entries) assert.deepEqual(entries, expected.entries)
  sameBlob(encodeBincode(map), expected.bincode)
  sameBlob(encodeDataMap(map), expected.msgpack)
  assert.equal(dataMapAddress(map), expected.msgpack_address)
  const text = formatDataMapJson(map)
  if (typeof expected.json_text === 'string') assert.equal(text, expected.json_text)
  else sameBlob(utf8(text), expected.json_text)
  assert.deepEqual(decodeBincode(encodeBincode(map)), map)
  assert.deepEqual(parseDataMapFile(encodeDataMap(map)), map)
  assert.deepEqual(parseDataMapFile(utf8(text)), map)
}

function sameChunk(chunk: { address: string; content: Bytes; index: number; level: number }, expected: Json): void {
  const { address, content, index, level } = chunk
  assert.equal(address, expected.address)
  assert.equal(hash(content), expected.address)
  assert.equal(content.length, expected.encrypted_size)
  if (expected.hex !== undefined) assert.equal(toHex(content), expected.hex)
  if (expected.first16 !== undefined) assert.equal(toHex(content.subarray(0, 16)), expected.first16)
  if (expected.last16 !== undefined) assert.equal(toHex(content.subarray(-16)), expected.last16)
  if (expected.kind === undefined) return
  assert.equal(index, expected.index)
  assert.equal(level, expected.kind === 'file' ? 0 : expected.level)
}

function sameBlob(bytes: Bytes, blob: Json): void {
  assert.equal(bytes.length, blob.length)
  assert.equal(hash(bytes), blob.blake3)
  if (blob.hex !== undefined) assert.equal(toHex(bytes), blob.hex)
}

function hash(bytes: Uint8Array): string {
  return toHex(backend().blake3(bytes))
}

function shrinkBytes({ input_bincode }: Json): number {
  return input_bincode.length
}

function syntheticMap({ count, label, src_size, child }: Json): DataMap {
  const entries = Array.from({ length: count }, (_, index) => ({
    index,
    address: chunkAddressOf(backend().blake3(utf8(`${label}/dst/${index}`))),
    source: backend().blake3(utf8(`${label}/src/${index}`)),
    size: src_size,
  }))
  return { entries, child }
}

async function shrinkTest(entry: Json, compute: Compute): Promise<void> {
  const map = syntheticMap(entry.entries_rule)
  sameBlob(encodeBincode(map), entry.input_bincode)
  sameBlob(encodeDataMap(map), entry.input_msgpack)
  const chunks: EncryptedChunk[] = []
  const seal = async (bytes: Bytes, level: number) => sealAll(bytes, level, MAX_PLAIN_CHUNK_BYTES, chunks)
  const final = await shrink(map, seal)
  sameMap(final, entry.final_map)
  assert.deepEqual(
    chunks.map(({ address, content }) => ({ address, encrypted_size: content.length })),
    entry.stored_calls,
  )
  assert.equal(chunks.length, entry.returned_chunks.length)
  for (const [position, chunk] of chunks.entries()) sameChunk(chunk, entry.returned_chunks[position])
  const store = new Map(chunks.map(({ address, content }) => [address, content]))
  const fetchChunk = async (address: ChunkAddress) => {
    return Uint8Array.from(store.get(address) ?? (await Promise.reject(new Error('missing'))))
  }
  const resolved = resolveRootMap(final, { compute, signal: never, fetchChunk })
  if (!entry.unshrink.ok) return assert.rejects(resolved, { code: 'SELF_ENCRYPTION_MISSING_CHUNK' })
  const root = await resolved
  assert.equal(root.entries.length, entry.unshrink.result_entry_count)
  assert.equal(root.child, entry.unshrink.result_child)
  sameBlob(encodeBincode(root), entry.unshrink.result_bincode)
  if (entry.unshrink.equals_input) assert.deepEqual(root, map)
}

/** Outcome by case: the error of the plain chunk decryptor and of ours, which always checks the map's promises too. */
const TAMPER_CODES: Readonly<Record<string, string>> = {
  'index out of range': 'SELF_ENCRYPTION_INDEX',
  'only two source hashes': 'SELF_ENCRYPTION_TOO_FEW_CHUNKS',
  'map declares size -1': 'SELF_ENCRYPTION_SIZE',
  'map declares size +1': 'SELF_ENCRYPTION_SIZE',
}

function tamperTest(entry: Json): void {
  const map = decodeDataMap(vectorBytes(entry.map_msgpack_hex))
  const chunks: Bytes[] = entry.chunks_hex.map(vectorBytes)
  for (const check of entry.checks) {
    test(`${entry.name}, ${check.op} ${check.chunk_index ?? ''}: ${check.case}`, async () => {
      const expected = check.checked_result ?? check.result
      if (check.op === 'decrypt') {
        const run = decryptBytes(map, damagedSet(chunks, check.case))
        if (expected.ok) return sameBlob(await run, expected.ok)
        const { address } = map.entries[1] as DataMap['entries'][number]
        return assert.rejects(run, (error: Error) => error.message.includes(address))
      }
      const run = () => decryptChunk(changedMap(map, check), check.chunk_index, damagedChunk(chunks, check))
      if (expected.ok) return sameBlob(run(), expected.ok)
      assert.throws(run, { code: TAMPER_CODES[check.case] ?? 'SELF_ENCRYPTION_AUTHENTICATION' })
    })
  }
}

function damagedSet(chunks: readonly Bytes[], name: string): Uint8Array[] {
  const [first, second, ...rest] = chunks as [Bytes, Bytes, ...Bytes[]]
  if (name === 'chunk 1 missing') return [first, ...rest]
  if (name === 'chunk 1 first bit flipped') return [first, flipped(second, 0), ...rest]
  if (name === 'chunks in reverse order') return chunks.toReversed()
  return assert.fail(`unknown case: ${name}`)
}

function damagedChunk(chunks: readonly Bytes[], check: Json): Uint8Array {
  const chunk = chunks[check.chunk_index] ?? (chunks[0] as Bytes)
  switch (check.case) {
    case 'first bit flipped':
      return flipped(chunk, 0)
    case 'last byte of tag flipped':
      return flipped(chunk, chunk.length - 1)
    case 'truncated by one':
      return chunk.subarray(0, -1)
    case 'one zero byte appended':
      return concat([chunk, new Uint8Array(1)])
    case 'empty':
      return new Uint8Array(0)
    case '15 bytes':
      return chunk.subarray(0, 15)
    case 'chunk 0 bytes given as chunk 1':
      return chunks[0] as Bytes
    default:
      return chunk
  }
}

function changedMap(map: DataMap, check: Json): DataMap {
  const [first, ...rest] = map.entries as [DataMap['entries'][number], ...DataMap['entries']]
  const resized = (by: number) => ({ ...map, entries: [{ ...first, size: Number(first.size) + by }, ...rest] })
  switch (check.case) {
    case 'only two source hashes':
      return { ...map, entries: map.entries.slice(0, 2) }
    case 'map declares size -1':
      return resized(-1)
    case 'map declares size +1':
      return resized(1)
    default:
      return { ...map, child: check.child_level || map.child }
  }
}

function flipped(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice()
  copy[at] = (copy[at] as number) ^ (at === 0 ? 1 : 0xff)
  return copy
}

function mapDecodeTest({ codec, hex, text, result, length }: Json): void {
  const bytes = codec === 'json' ? utf8(text) : vectorBytes(hex)
  assert.equal(bytes.length, length)
  const decoders: Record<string, () => DataMap> = {
    bincode: () => decodeBincode(bytes),
    msgpack: () => decodeDataMap(bytes),
    json: () => parseDataMapJson(text),
  }
  const decode = decoders[codec] ?? assert.fail(`unknown codec: ${codec}`)
  if (!result.ok) {
    const version = /unsupported DataMap version/.test(result.error)
    assert.throws(decode, { code: version ? 'SELF_ENCRYPTION_MAP_VERSION' : 'SELF_ENCRYPTION_MAP_DECODE' })
    return
  }
  const map = decode()
  assert.equal(map.child, result.child)
  assert.equal(map.entries.length, result.entry_count)
  assert.deepEqual(
    map.entries.map(({ index }) => index),
    result.indexes,
  )
  assert.equal(hash(encodeDataMap(map)), result.reencoded_blake3)
  if (result.index_check === 'ok') assert.equal(Number(checkIndexes(map).size), result.total_size)
  else
    assert.throws(() => checkIndexes(map), {
      code: /overflow/.test(result.index_check.error) ? 'SELF_ENCRYPTION_MAP_OVERFLOW' : 'SELF_ENCRYPTION_MAP_INDEX',
    })
}
