/** How far encryption runs ahead, in which order it hands chunks over, and how it ends when cancelled or failed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Aborted, type Bytes } from '../../../src/base/index.ts'
import { type Compute, createInlineCompute } from '../../../src/compute/index.ts'
import type { SealedChunk } from '../../../src/crypto/index.ts'
import type { ByteSource } from '../../../src/self-encryption/index.ts'
import { CountedSource, content, encryptInto, Gates, MAX, Store, settled } from './fixtures.ts'

describe('bounds', () => {
  test('no more is read than 2 held back, the places in work, one in hand and one ahead', async () => {
    const concurrency = 3
    const source = new CountedSource(content(40 * MAX))
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
    assert.equal(source.reads, 2 + concurrency + 1 + 1)
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
    const source = new CountedSource(content(30 * MAX))
    let chunks = 0
    const gates = new Gates()
    const onChunk = async () => {
      if (++chunks === 4) controller.abort(new Aborted('enough'))
      await gates.wait()
    }
    const run = encryptInto(new Store(), source, { onChunk, signal: controller.signal, concurrency: 4 })
    const ended = assert.rejects(run, /enough/)
    await settled()
    const seen = { reads: source.reads, chunks }
    gates.openAll()
    await ended
    await settled()
    assert.deepEqual({ reads: source.reads, chunks }, seen)
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
