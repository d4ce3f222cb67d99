import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, seededRandom } from '../../../src/base/index.ts'
import { sealAll } from '../../../src/self-encryption/encrypt-bytes.ts'
import {
  type DataMap,
  decryptStream,
  type EncryptedChunk,
  encodeBincode,
  MAX_UNSHRINK_ROUNDS,
  readRange,
  resolveRootMap,
} from '../../../src/self-encryption/index.ts'
import { addressesOf, collect, content, encryptInto, limits, MAX, Store } from './fixtures.ts'

const seal = (store: Store, bytes: Bytes, level: number, max = MAX): DataMap['entries'] => {
  const chunks: EncryptedChunk[] = []
  const entries = sealAll(bytes, level, max, chunks)
  for (const chunk of chunks) store.chunks.set(chunk.address, chunk.content)
  return entries
}

/** `map` inside maps of the given levels, the last one outermost. */
function wrapped(store: Store, map: DataMap, levels: readonly number[]): DataMap {
  return levels.reduce<DataMap>((inner, level) => {
    return { entries: seal(store, encodeBincode(inner), level), child: level }
  }, map)
}

test('a root map needs no fetch and comes back in the order of its indexes', async () => {
  const store = new Store()
  const { rootMap } = await encryptInto(store, content(5 * MAX))
  const shuffled = { entries: rootMap.entries.toReversed(), child: null }
  assert.deepEqual(await resolveRootMap(shuffled, { ...store.reading(), limits }), rootMap)
  assert.deepEqual(store.fetched, [])
})

test('levels need not fall by one, but they must fall and end at 1', async () => {
  const store = new Store()
  const { rootMap } = await encryptInto(store, content(3 * MAX))
  const options = { ...store.reading(), limits }
  assert.deepEqual(await resolveRootMap(wrapped(store, rootMap, [2, 7, 9]), options), rootMap)
  for (const levels of [[0], [1, 1], [3, 2], [1, 2, 2]]) {
    const bad = resolveRootMap(wrapped(store, rootMap, levels), options)
    await assert.rejects(bad, { code: 'SELF_ENCRYPTION_MAP_LEVEL' }, `${levels}`)
  }
  const beyond = { ...wrapped(store, rootMap, [1]), child: 2n ** 64n - 1n }
  await assert.rejects(resolveRootMap(beyond, options), { code: 'SELF_ENCRYPTION_MAP_LEVEL' })
})

test(`${MAX_UNSHRINK_ROUNDS} levels are followed, one more is not`, async () => {
  const store = new Store()
  const { rootMap } = await encryptInto(store, content(30))
  const levels = Array.from({ length: MAX_UNSHRINK_ROUNDS }, (_, index) => index + 1)
  const options = { ...store.reading(), limits: { ...limits, inlineBelowBytes: MAX } }
  const deepest = wrapped(store, rootMap, levels)
  assert.deepEqual(await resolveRootMap(deepest, options), rootMap)
  const deeper = resolveRootMap(wrapped(store, deepest, [MAX_UNSHRINK_ROUNDS + 1]), options)
  await assert.rejects(deeper, { code: 'SELF_ENCRYPTION_MAP_DEPTH' })
})

test('a level beyond the limit is refused before it is fetched', async () => {
  const store = new Store()
  const { dataMap } = await encryptInto(store, content(12 * MAX))
  const options = { ...store.reading(), limits: { ...limits, maxMapBytes: 10 + 80 * 12 } }
  await resolveRootMap(dataMap, options)
  store.fetched = []
  const tight = { ...options, limits: { ...limits, maxMapBytes: 10 + 80 * 12 - 1 } }
  await assert.rejects(resolveRootMap(dataMap, tight), { code: 'SELF_ENCRYPTION_MAP_LIMIT' })
  assert.deepEqual(store.fetched, [])
})

test('what is inside a child map must be a map', async () => {
  const store = new Store()
  const options = { ...store.reading(), limits }
  const noMap = { entries: seal(store, seededRandom(1).bytes(500).with(0, 1), 1), child: 1 }
  await assert.rejects(resolveRootMap(noMap, options), { code: 'SELF_ENCRYPTION_MAP_DECODE' })
})

/** As the network's writer does: the pieces of the map are themselves shrunk at the level of the first shrink. */
function defectiveMap(store: Store, rootMap: DataMap): DataMap {
  const pieces = seal(store, encodeBincode(rootMap), 1)
  assert.ok(pieces.length > 3)
  return { entries: seal(store, encodeBincode({ entries: pieces, child: null }), 1), child: 1 }
}

test('a file written with the known defect is rescued, in every way of reading, and told', async () => {
  const store = new Store()
  const bytes = content(17 * MAX)
  const { rootMap } = await encryptInto(store, bytes)
  const dataMap = defectiveMap(store, rootMap)
  const told: object[] = []
  const log = { warn: (_message: string, fields?: object) => void told.push(fields as object) }
  const options = { ...store.reading(), limits, log }
  assert.deepEqual(await resolveRootMap(dataMap, options), rootMap)
  assert.deepEqual(told, [{ level: 1, chunks: 17 }])
  assert.deepEqual(await collect(decryptStream(dataMap, options)), Buffer.from(bytes))
  assert.deepEqual(await readRange(dataMap, 2 * MAX, 9, options), bytes.slice(2 * MAX, 2 * MAX + 9))
})

test('the rescue is tried only where it can be meant: one chunk more for a file of such a length, none for others', async () => {
  for (const [size, probed] of [
    [10 + 80 * 40, 1],
    [18 + 80 * 40, 1],
    [11 + 80 * 40, 0],
  ] as [number, number][]) {
    const store = new Store()
    const { dataMap, rootMap } = await encryptInto(store, content(size))
    assert.ok(rootMap.entries.length > 3)
    assert.deepEqual(await resolveRootMap(dataMap, { ...store.reading(), limits }), rootMap)
    const ofFile = store.fetched.filter((address) => addressesOf(rootMap).includes(address))
    assert.equal(ofFile.length, probed)
  }
})
