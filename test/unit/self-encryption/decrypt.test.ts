import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Aborted, type Bytes, Registry } from '../../../src/base/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import {
  type DataMap,
  decryptBytes,
  decryptChunk,
  decryptStream,
  type EncryptResult,
  readRange,
  resolveRootMap,
  selfEncryptionMetrics,
  streamRange,
} from '../../../src/self-encryption/index.ts'
import { addressesOf, collect, content, encryptInto, limits, MAX, Store, settled } from './fixtures.ts'

async function stored(size: number): Promise<{ store: Store; bytes: Bytes; result: EncryptResult }> {
  const [store, bytes] = [new Store(), content(size)]
  return { store, bytes, result: await encryptInto(store, bytes) }
}

function damage(store: Store, address: ChunkAddress, change: (bytes: Bytes) => Bytes): void {
  store.chunks.set(address, change(store.chunks.get(address) as Bytes))
}

const flipFirst = (bytes: Bytes) => bytes.with(0, (bytes[0] as number) ^ 1)

test('property: streams and ranges equal the content; only overlapping chunks are fetched, each once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 25 * MAX }),
      fc.nat(26 * MAX),
      fc.nat(5 * MAX),
      fc.integer({ min: 1, max: 12 }),
      async (size, start, length, batch) => {
        const { store, bytes, result } = await stored(size)
        const options = { ...store.reading(), limits, batch }
        assert.deepEqual(await collect(decryptStream(result.dataMap, options)), Buffer.from(bytes))
        const rootMap = await resolveRootMap(result.dataMap, options)
        assert.deepEqual(rootMap, result.rootMap)
        store.fetched = []
        assert.deepEqual(await readRange(rootMap, start, length, options), bytes.slice(start, start + length))
        let at = 0
        const overlapping = rootMap.entries.filter(({ size: chunk }) => {
          const from = at
          at += Number(chunk)
          return length > 0 && from < start + length && at > start
        })
        assert.deepEqual(store.fetched, addressesOf({ entries: overlapping, child: null }))
      },
    ),
    { numRuns: 40 },
  )
})

test('an empty range asks for nothing, not even the map; numbers that are no range are a bug', async () => {
  const { store, result } = await stored(20 * MAX)
  const options = { ...store.reading(), limits }
  assert.equal((await readRange(result.dataMap, 5, 0, options)).length, 0)
  assert.deepEqual(store.fetched, [])
  for (const [start, length] of [
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, Number.NaN],
  ] as [number, number][]) {
    assert.throws(() => streamRange(result.dataMap, start, length, options), { name: 'AssertionFailed' })
  }
})

describe('damage', () => {
  test('a missing chunk is named, of the file and of the map', async () => {
    const { store, result } = await stored(10 * MAX)
    for (const map of [result.rootMap, result.dataMap]) {
      const address = addressesOf(map)[1] as ChunkAddress
      const kept = store.chunks.get(address) as Bytes
      store.chunks.delete(address)
      await assert.rejects(collect(decryptStream(result.dataMap, { ...store.reading(), limits })), (error) => {
        const { code, message, data, cause } = error as Error & { code: string; data: object; cause: Error }
        assert.equal(code, 'SELF_ENCRYPTION_MISSING_CHUNK')
        assert.deepEqual(data, { address, index: 1 })
        assert.ok(message.includes(address))
        assert.match(cause.message, /not in the store/)
        return true
      })
      store.chunks.set(address, kept)
    }
  })

  test('a fetch that gives nothing is a missing chunk, never short content', async () => {
    const { store, result } = await stored(5 * MAX)
    const absent = addressesOf(result.rootMap)[3]
    const fetchChunk = async (address: ChunkAddress) =>
      address === absent ? (undefined as unknown as Bytes) : store.fetchChunk(address)
    const run = collect(decryptStream(result.dataMap, { ...store.reading(), fetchChunk, limits }))
    await assert.rejects(run, { code: 'SELF_ENCRYPTION_MISSING_CHUNK' })
  })

  for (const [name, change] of [
    ['bit', flipFirst],
    ['byte cut off', (bytes) => bytes.slice(0, -1)],
    ['byte added', (bytes) => Uint8Array.from([...bytes, 0])],
    ['nothing left', () => new Uint8Array(0)],
  ] as [string, (bytes: Bytes) => Bytes][]) {
    test(`an altered chunk is named: ${name}`, async () => {
      const { store, result } = await stored(10 * MAX)
      const registry = new Registry()
      const metrics = selfEncryptionMetrics(registry)
      const address = addressesOf(result.rootMap)[4] as ChunkAddress
      damage(store, address, change)
      const run = collect(decryptStream(result.dataMap, { ...store.reading(), limits, metrics }))
      await assert.rejects(run, { code: 'SELF_ENCRYPTION_ALTERED_CHUNK', data: { address, index: 4 } })
      assert.equal(metrics.badChunks.value({ kind: 'altered' }), 1)
    })
  }

  test('in memory an altered chunk is a missing one', async () => {
    const { store, result } = await stored(3 * MAX)
    const [first, ...rest] = [...store.chunks.values()] as [Bytes, ...Bytes[]]
    const run = decryptBytes(result.dataMap, [flipFirst(first), ...rest], limits)
    await assert.rejects(run, { code: 'SELF_ENCRYPTION_MISSING_CHUNK' })
  })

  test('a map that promises other sizes or hashes', async () => {
    const { store, result } = await stored(3 * MAX)
    const { entries } = result.dataMap
    const changed = (change: object): DataMap => {
      return { entries: entries.map((entry, i) => (i === 1 ? { ...entry, ...change } : entry)), child: null }
    }
    for (const [change, code] of [
      [{ size: MAX - 1 }, 'SELF_ENCRYPTION_SIZE'],
      [{ size: MAX + 1 }, 'SELF_ENCRYPTION_SIZE'],
      [{ source: new Uint8Array(32) }, 'SELF_ENCRYPTION_AUTHENTICATION'],
    ] as [object, string][]) {
      const run = collect(decryptStream(changed(change), { ...store.reading(), limits, batch: 1 }))
      await assert.rejects(run, { code })
    }
    const large = changed({ size: MAX + 2 })
    store.fetched = []
    const refused = collect(decryptStream(large, { ...store.reading(), limits }))
    await assert.rejects(refused, { code: 'SELF_ENCRYPTION_MAP_LIMIT' })
    assert.deepEqual(store.fetched, [])
  })

  test('a bad map throws before anything is fetched', async () => {
    const { store, result } = await stored(3 * MAX)
    const { entries } = result.dataMap
    const options = { ...store.reading(), limits }
    store.fetched = []
    const gap = { entries: entries.map((entry) => ({ ...entry, index: Number(entry.index) * 2 })), child: null }
    assert.throws(() => decryptStream(gap, options), { code: 'SELF_ENCRYPTION_MAP_INDEX' })
    const over = { entries: entries.map((entry) => ({ ...entry, size: 2n ** 63n })), child: null }
    assert.throws(() => decryptStream(over, options), { code: 'SELF_ENCRYPTION_MAP_OVERFLOW' })
    for (const count of [0, 1, 2]) {
      const few = { entries: entries.slice(0, count), child: null }
      await assert.rejects(collect(decryptStream(few, options)), { code: 'SELF_ENCRYPTION_TOO_FEW_CHUNKS' })
    }
    assert.deepEqual(store.fetched, [])
  })

  test('single chunks: bounds, keys, level', async () => {
    const { store, bytes, result } = await stored(3 * MAX)
    const map = result.dataMap
    const chunk = store.chunks.get(addressesOf(map)[0] as ChunkAddress) as Bytes
    assert.deepEqual(decryptChunk(map, 0, chunk), bytes.slice(0, MAX))
    assert.throws(() => decryptChunk(map, 3, chunk), { code: 'SELF_ENCRYPTION_INDEX' })
    assert.throws(() => decryptChunk(map, 1, chunk), { code: 'SELF_ENCRYPTION_AUTHENTICATION' })
    assert.throws(() => decryptChunk({ ...map, child: 1 }, 0, chunk), { code: 'SELF_ENCRYPTION_AUTHENTICATION' })
    const two = { entries: map.entries.slice(0, 2), child: null }
    assert.throws(() => decryptChunk(two, 0, chunk), { code: 'SELF_ENCRYPTION_TOO_FEW_CHUNKS' })
  })
})

describe('bounds and cancellation', () => {
  test('at most `batch` chunks are ahead of the reader, and the next is asked for when one is taken', async () => {
    const { store, result } = await stored(30 * MAX)
    store.fetched = []
    const parts = decryptStream(result.rootMap, { ...store.reading(), limits, batch: 4 })
    assert.deepEqual(store.fetched, [], 'nothing before the first read')
    for (let taken = 1; taken <= 5; taken++) {
      await parts.next()
      await settled()
      assert.equal(store.fetched.length, 3 + taken)
    }
    await parts.return()
    await settled()
    assert.equal(store.fetched.length, 8)
  })

  test('at most `aheadBytes` plain bytes are ahead of the reader, but always one chunk', async () => {
    const { store, result } = await stored(30 * MAX)
    for (const [aheadBytes, ahead] of [
      [3 * MAX, 3],
      [4 * MAX - 1, 3],
      [1, 1],
    ] as const) {
      store.fetched = []
      const parts = decryptStream(result.rootMap, { ...store.reading(), limits, aheadBytes })
      for (let taken = 1; taken <= 3; taken++) {
        await parts.next()
        await settled()
        assert.equal(store.fetched.length, ahead - 1 + taken)
      }
      await parts.return()
    }
  })

  test('chunks that arrive in any order come out in order', async () => {
    const { store, bytes, result } = await stored(12 * MAX)
    const late: (() => void)[] = []
    const fetchChunk = (address: ChunkAddress) =>
      new Promise<Bytes>((resolve) => late.push(() => resolve(store.fetchChunk(address))))
    const run = collect(decryptStream(result.rootMap, { ...store.reading(), fetchChunk, limits, batch: 4 }))
    for (let answered = 0; answered < 12; ) {
      await settled()
      assert.ok(late.length > 0)
      for (const answer of late.splice(0).reverse()) {
        answer()
        answered++
      }
    }
    assert.deepEqual(await run, Buffer.from(bytes))
  })

  test('a reader that stops early aborts what is under way and waits for it', async () => {
    const { store, result } = await stored(30 * MAX)
    let open = 0
    const fetchChunk = (address: ChunkAddress, signal: AbortSignal) => {
      if (open++ === 0) return store.fetchChunk(address)
      return new Promise<Bytes>((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          open--
          reject(signal.reason)
        }),
      )
    }
    for await (const part of decryptStream(result.rootMap, { ...store.reading(), fetchChunk, limits, batch: 3 })) {
      assert.equal(part.length, MAX)
      break
    }
    assert.equal(open, 1)
  })

  test('an abort gives its reason, not a missing chunk', async () => {
    const { store, result } = await stored(30 * MAX)
    const fetchChunk = (_address: ChunkAddress, signal: AbortSignal) =>
      new Promise<Bytes>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut off'))))
    for (const map of [result.rootMap, result.dataMap]) {
      const controller = new AbortController()
      const reason = new Aborted('no longer wanted')
      const options = { ...store.reading(), fetchChunk, limits, signal: controller.signal }
      const run = collect(decryptStream(map, options)).catch((error) => error)
      await settled()
      controller.abort(reason)
      assert.equal(await run, reason)
      assert.equal(await collect(decryptStream(map, options)).catch((error) => error), reason)
    }
  })
})

test('memory is given back as soon as a reader asks for the next part, if it says so', async () => {
  const large = { maxChunkBytes: 1 << 16, inlineBelowBytes: 0 }
  const bytes = content(4 << 16)
  for (const reclaim of [true, false]) {
    const store = new Store()
    const { dataMap } = await encryptInto(store, bytes, { limits: large })
    const options = { ...store.reading(), limits: large, reclaim }
    let before: Bytes | undefined
    let at = 0
    for await (const part of decryptStream(dataMap, options)) {
      assert.deepEqual(part, bytes.slice(at, (at += part.length)))
      if (before) assert.equal(before.buffer.detached, reclaim)
      before = part as Bytes
    }
    assert.equal(at, bytes.length)
    assert.deepEqual(await readRange(dataMap, 5, 3 << 16, options), bytes.slice(5, 5 + (3 << 16)))
  }
})
