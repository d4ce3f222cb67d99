import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Aborted, type Bytes, Registry, toHex } from '../../../src/base/index.ts'
import { type Compute, createInlineCompute } from '../../../src/compute/index.ts'
import { backend, type SealedChunk } from '../../../src/crypto/index.ts'
import {
  type ByteSource,
  decryptBytes,
  type EncryptedChunk,
  encryptBytes,
  encryptStream,
  selfEncryptionMetrics,
  sourceFromBytes,
  sourceFromStream,
} from '../../../src/self-encryption/index.ts'
import { content, encryptInto, limits, MAX, Store, settled } from './fixtures.ts'

/** Promises that are resolved one by one from outside. */
class Gates {
  readonly #waiting: (() => void)[] = []
  #open = false
  wait(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }
  openAll(): void {
    this.#open = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

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

describe('sources', () => {
  test('property: a source may give as little as it likes at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 8 * MAX }),
        fc.array(fc.integer({ min: 1, max: 3 * MAX }), { minLength: 1, maxLength: 20 }),
        async (size, portions) => {
          const bytes = content(size)
          const expected = await encryptInto(new Store(), bytes)
          let turn = 0
          const portion = () => portions[turn++ % portions.length] as number
          const reluctant: ByteSource = {
            size,
            read: async (offset, length) => bytes.slice(offset, offset + Math.min(length, portion())),
          }
          async function* parts() {
            for (let at = 0; at < size; ) yield bytes.subarray(at, (at += portion()))
          }
          for (const source of [reluctant, sourceFromStream(size, parts())]) {
            assert.deepEqual((await encryptInto(new Store(), source)).dataMap, expected.dataMap)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('reads go strictly forward, each byte once, one at a time', async () => {
    const bytes = content(9 * MAX)
    let [at, busy] = [0, false]
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        assert.equal(offset, at)
        assert.equal(busy, false)
        busy = true
        await settled()
        busy = false
        const part = bytes.slice(offset, offset + length)
        at += part.length
        return part
      },
    }
    await encryptInto(new Store(), source)
    assert.equal(at, bytes.length)
  })

  test('the next piece is read while chunks are sealed and taken', async () => {
    const bytes = content(9 * MAX)
    const gates = new Gates()
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        if (offset >= 5 * MAX) await gates.wait()
        return bytes.slice(offset, offset + length)
      },
    }
    const store = new Store()
    const run = encryptInto(store, source)
    await settled()
    const taken = store.order.map(({ index }) => index)
    gates.openAll()
    await run
    assert.deepEqual(taken, [2, 3, 4])
  })

  for (const [name, actual] of [
    ['nothing', 0],
    ['one byte less', 5 * MAX - 1],
    ['a chunk less', 4 * MAX],
  ] as [string, number][]) {
    test(`short: ${name}`, async () => {
      const bytes = content(actual)
      const read = async (offset: number, length: number) => bytes.slice(offset, offset + length)
      const short = encryptInto(new Store(), { size: 5 * MAX, read })
      await assert.rejects(short, { code: 'SELF_ENCRYPTION_SOURCE_SHORT' })
    })
  }

  test('long: one byte more', async () => {
    const bytes = content(5 * MAX + 1)
    const read = async (offset: number, length: number) => bytes.slice(offset, offset + length)
    await assert.rejects(encryptInto(new Store(), { size: 5 * MAX, read }), { code: 'SELF_ENCRYPTION_SOURCE_LONG' })
    async function* parts() {
      yield bytes
    }
    const long = encryptInto(new Store(), sourceFromStream(5 * MAX, parts()))
    await assert.rejects(long, { code: 'SELF_ENCRYPTION_SOURCE_LONG' })
  })

  test('the bytes of the caller are only borrowed', async () => {
    const bytes = content(4 * MAX)
    const before = bytes.slice()
    await encryptInto(new Store(), bytes)
    assert.deepEqual(bytes, before)
  })
})

describe('bounds', () => {
  test('no more is read than 2 held back, the places in work, one in hand and one ahead', async () => {
    const concurrency = 3
    const bytes = content(40 * MAX)
    let reads = 0
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        reads++
        return bytes.slice(offset, offset + length)
      },
    }
    const gates = new Gates()
    let [taken, open, mostOpen] = [0, 0, 0]
    const onChunk = async () => {
      mostOpen = Math.max(mostOpen, ++open)
      await gates.wait()
      open--
      taken++
    }
    const run = encryptInto(new Store(), source, { onChunk, concurrency })
    await settled()
    assert.equal(taken, 0)
    assert.equal(reads, 2 + concurrency + 1 + 1)
    gates.openAll()
    await run
    assert.equal(mostOpen, concurrency)
  })

  test('as many chunks are sealed at once as there are places', async () => {
    const inline = createInlineCompute()
    let [running, most] = [0, 0]
    const compute: Compute = {
      width: 2,
      stop: () => inline.stop(),
      async run(task, input, options) {
        most = Math.max(most, ++running)
        await settled()
        running--
        return inline.run(task, input, options)
      },
    }
    await encryptInto(new Store(), content(20 * MAX), { compute })
    assert.equal(most, 4, 'two more than the threads')
  })

  test('chunks that are sealed in any order are handed over in theirs', async () => {
    const inline = createInlineCompute()
    const late: (() => void)[] = []
    const compute: Compute = {
      width: 4,
      stop: () => inline.stop(),
      async run(task, input, options) {
        await new Promise<void>((resolve) => late.push(resolve))
        return inline.run(task, input, options)
      },
    }
    const store = new Store()
    let done = false
    const run = encryptInto(store, content(12 * MAX), { compute }).finally(() => {
      done = true
    })
    while (!done) {
      await settled()
      for (const answer of late.splice(0).reverse()) {
        answer()
        await settled()
      }
    }
    await run
    const files = store.order.filter(({ level }) => level === 0).map(({ index }) => index)
    assert.deepEqual(files, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1])
  })

  test('a chunk that comes twice is handed over once', async () => {
    const inline = createInlineCompute()
    let last: Bytes = new Uint8Array(0)
    const compute: Compute = {
      width: 1,
      stop: () => inline.stop(),
      async run<Input, Output>(...args: Parameters<typeof inline.run<Input, Output>>) {
        const sealed = (await inline.run(...args)) as SealedChunk
        const { index } = (args[1] as { keys: { index: number } }).keys
        if (index === 2) last = sealed.address
        return (index === 1 ? { ...sealed, address: last } : sealed) as Output
      },
    }
    const store = new Store()
    const { addresses, rootMap } = await encryptInto(store, new Uint8Array(3 * MAX), { compute })
    assert.equal(store.order.length, 2)
    assert.equal(addresses.length, 2)
    assert.equal(rootMap.entries[1]?.address, rootMap.entries[2]?.address)
  })
})

describe('cancellation and failure', () => {
  test('an aborted signal: nothing is read', async () => {
    const source = { size: 100, read: () => assert.fail('read') }
    const signal = AbortSignal.abort(new Aborted('before'))
    await assert.rejects(encryptInto(new Store(), source, { signal }), /before/)
  })

  test('an abort while a chunk is taken: the reason, no more reads, no more chunks', async () => {
    const controller = new AbortController()
    const bytes = content(30 * MAX)
    let [reads, chunks] = [0, 0]
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        reads++
        return bytes.slice(offset, offset + length)
      },
    }
    const gates = new Gates()
    const onChunk = async () => {
      if (++chunks === 4) controller.abort(new Aborted('enough'))
      await gates.wait()
    }
    const run = encryptInto(new Store(), source, { onChunk, signal: controller.signal, concurrency: 4 })
    const ended = assert.rejects(run, /enough/)
    await settled()
    const seen = { reads, chunks }
    gates.openAll()
    await ended
    await settled()
    assert.deepEqual({ reads, chunks }, seen)
  })

  test('an abort while the source reads reaches the source', async () => {
    const controller = new AbortController()
    const source: ByteSource = {
      size: 5 * MAX,
      read: (_offset, _length, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const run = encryptInto(new Store(), source, { signal: controller.signal })
    const ended = assert.rejects(run, /while reading/)
    await settled()
    controller.abort(new Aborted('while reading'))
    await ended
  })

  for (const nth of [1, 5, 12]) {
    test(`what the taker of chunk ${nth} throws ends the run, and its other calls are awaited`, async () => {
      let [calls, open] = [0, 0]
      const onChunk = async () => {
        calls++
        open++
        await settled()
        open--
        if (calls >= nth) throw new Error('disk full')
      }
      await assert.rejects(encryptInto(new Store(), content(10 * MAX), { onChunk, concurrency: 3 }), /disk full/)
      assert.equal(open, 0)
    })
  }

  test('what the source throws ends the run', async () => {
    const read = async () => Promise.reject(new Error('read error'))
    await assert.rejects(encryptInto(new Store(), { size: 5 * MAX, read }), /read error/)
  })

  test('a stopped pool ends the run with its error', async () => {
    const compute = createInlineCompute()
    const onChunk = async () => compute.stop()
    await assert.rejects(encryptInto(new Store(), content(20 * MAX), { compute, onChunk }), { code: 'COMPUTE_STOPPED' })
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
