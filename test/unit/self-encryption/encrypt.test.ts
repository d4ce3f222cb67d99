/** What encryption gives, streamed and in memory: chunks, maps, sums; where it works and when memory is given back. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, Registry, toHex } from '../../../src/base/index.ts'
import { type Compute, createInlineCompute } from '../../../src/compute/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  decryptBytes,
  type EncryptedChunk,
  encryptBytes,
  encryptStream,
  selfEncryptionMetrics,
  sourceFromBytes,
} from '../../../src/self-encryption/index.ts'
import { content, encryptInto, limits, MAX, Store, settled } from './fixtures.ts'

describe('streaming and in memory', () => {
  test('property: both give the same chunks and maps, in their own order, and the content comes back', async () => {
    const length = fc.integer({ min: 3, max: 30 * MAX })
    await fc.assert(
      fc.asyncProperty(length, fc.integer({ min: 1, max: 6 }), fc.boolean(), async (size, concurrency, zeros) => {
        const bytes = zeros ? new Uint8Array(size) : content(size)
        const store = new Store()
        const streamed = await encryptInto(store, bytes, { concurrency })
        const whole = await encryptBytes(bytes, { limits, allowUntestedSize: true })
        assert.deepEqual(streamed.dataMap, whole.dataMap)
        assert.deepEqual(streamed.rootMap, whole.rootMap)
        assert.ok(streamed.dataMap.entries.length <= 3)
        const files = whole.chunks.filter(({ level }) => level === 0)
        const maps = whole.chunks.filter(({ level }) => level > 0)
        assert.deepEqual(store.order, [...files.slice(2), ...files.slice(0, 2), ...maps])
        assert.deepEqual(streamed.addresses, [...new Set(store.order.map(({ address }) => address))].sort())
        assert.deepEqual(streamed.contentHash, backend().blake3(bytes))
        const chunks = whole.chunks.map((chunk) => chunk.content).reverse()
        assert.deepEqual(await decryptBytes(streamed.dataMap, chunks, limits), bytes)
      }),
      { numRuns: 40 },
    )
  })

  test('levels of the map rise by one and every map says the level of its chunks', async () => {
    const store = new Store()
    const { dataMap } = await encryptInto(store, content(80 * MAX))
    const levels = [...new Set(store.order.map(({ level }) => level))]
    assert.deepEqual(levels, [0, 1, 2, 3])
    assert.equal(dataMap.child, 3)
    assert.equal(dataMap.entries.length, 3)
  })

  test('without asking, a file whose map needs four pieces is refused before a byte is read', async () => {
    const source = { size: 16 * MAX, read: () => assert.fail('read') }
    const refused = encryptInto(new Store(), source, { allowUntestedSize: false })
    await assert.rejects(refused, { code: 'SELF_ENCRYPTION_UNTESTED_SIZE' })
    await assert.rejects(encryptBytes(content(16 * MAX), { limits }), { code: 'SELF_ENCRYPTION_UNTESTED_SIZE' })
    await encryptBytes(content(13 * MAX), { limits })
  })

  test('under three bytes', async () => {
    for (const size of [0, 1, 2]) {
      await assert.rejects(encryptBytes(content(size)), { code: 'SELF_ENCRYPTION_TOO_SMALL' })
      await assert.rejects(encryptInto(new Store(), content(size)), { code: 'SELF_ENCRYPTION_TOO_SMALL' })
    }
  })

  test('SHA-256 in the same pass, and bytes counted', async () => {
    const bytes = content(7 * MAX + 5)
    const registry = new Registry()
    const metrics = selfEncryptionMetrics(registry)
    const result = await encryptInto(new Store(), bytes, { sha256: true, metrics })
    assert.equal(toHex(result.sha256 as Bytes), createHash('sha256').update(bytes).digest('hex'))
    assert.equal((await encryptInto(new Store(), bytes)).sha256, undefined)
    const maps = 10 + 80 * 8
    assert.equal(metrics.sealedBytes.value(), bytes.length + maps)
  })
})

test('small chunks never leave the thread, large ones always do', async () => {
  const inline = createInlineCompute()
  let runs = 0
  const compute: Compute = {
    width: 1,
    stop: () => inline.stop(),
    run(task, input, options) {
      runs++
      assert.equal(options.lane, 'bulk')
      assert.equal(options.transfer?.length, 1, 'the plain bytes are moved')
      return inline.run(task, input, options)
    },
  }
  const chunks: EncryptedChunk[] = []
  const onChunk = async (chunk: EncryptedChunk) => void chunks.push(chunk)
  const run = (inlineBelowBytes: number) =>
    encryptStream(sourceFromBytes(content(3 * MAX - 3)), {
      compute,
      signal: new AbortController().signal,
      onChunk,
      limits: { maxChunkBytes: MAX, inlineBelowBytes },
    })
  await run(MAX)
  assert.equal(runs, 0)
  await run(MAX - 1)
  assert.equal(runs, 3)
  assert.deepEqual(chunks.slice(0, 3), chunks.slice(3))
})

test('memory is given back when a chunk was taken, if the taker says so, and not before', async () => {
  const bytes = content(4 << 16)
  for (const reclaim of [true, false]) {
    const taken: EncryptedChunk[] = []
    const onChunk = async (chunk: EncryptedChunk) => {
      await settled()
      assert.equal(chunk.content.buffer.detached, false)
      taken.push(chunk)
    }
    await encryptInto(new Store(), bytes, { onChunk, reclaim, limits: { maxChunkBytes: 1 << 16, inlineBelowBytes: 0 } })
    const files = taken.filter(({ level }) => level === 0)
    assert.equal(files.length, 4)
    for (const { content } of files) assert.equal(content.buffer.detached, reclaim)
  }
})
