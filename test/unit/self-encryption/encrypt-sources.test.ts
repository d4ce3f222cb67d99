/** What encryption reads: sources that give little, too little or too much, each byte once and forward. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type ByteSource, sourceFromStream } from '../../../src/self-encryption/index.ts'
import { content, encryptInto, Gates, MAX, Store, settled } from './fixtures.ts'

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
