/** Writes of a chunk store that fail, wait or are refused, and what is left of them. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { never, seededRandom } from '../../../src/base/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { createFileChunkStore, nodeFileSystem } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { altered, chunk, newStore, plant } from './fixtures.ts'

test('failures of a write: temp removed, chunk absent, room given back', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(6)
  let failing: 'write' | 'sync' | 'rename' | undefined
  const fail = (step: string) => {
    // An error that says nothing of the disk as a whole.
    if (failing === step) throw Object.assign(new Error(`${step} failed`), { code: 'EINVAL' })
  }
  const faulty = altered({
    create: async (path) => {
      const file = await nodeFileSystem.create(path)
      const step = (name: 'write' | 'sync') => async (bytes: Uint8Array) => {
        fail(name)
        await file[name](bytes)
      }
      return { write: step('write'), sync: () => step('sync')(content), close: () => file.close() }
    },
    rename: async (from, to) => {
      fail('rename')
      await nodeFileSystem.rename(from, to)
    },
  })
  const store = newStore(folder.path, {}, faulty)
  await store.start(never)
  for (failing of ['write', 'sync', 'rename'] as const) {
    await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
    assert.equal(store.has(address), false)
    assert.deepEqual(await readdir(join(folder.path, 'chunks', address.slice(-2))), [])
  }
  failing = undefined
  assert.equal(await store.put(address, content), 'stored')
  await store.stop()
})

test('a name that could not be flushed is no success, and no duplicate until it is flushed', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(7)
  let flushes = 0
  let broken = false
  const faulty = altered({
    syncDirectory: async (path) => {
      if (!path.endsWith(address.slice(-2))) return nodeFileSystem.syncDirectory(path)
      flushes++
      if (broken) throw new Error('EIO')
    },
  })
  const store = newStore(folder.path, {}, faulty)
  await store.start(never)
  broken = true
  await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
  assert.equal(store.has(address), false)
  await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
  assert.deepEqual(await store.get(address), content)
  assert.equal(store.has(address), false, 'good bytes do not make a name durable')
  broken = false
  flushes = 0
  assert.equal(await store.put(address, content), 'duplicate')
  assert.deepEqual([flushes, store.has(address)], [1, true])
  await store.stop()
})

test('unknown free space refuses writes, not reads', async () => {
  await using folder = await tempFolder()
  const [held, fresh] = [chunk(8), chunk(9)]
  await plant(folder.path, held.address, held.content)
  const store = newStore(folder.path, {}, altered({ freeBytes: () => Promise.reject(new Error('EIO')) }))
  await store.start(never)
  await assert.rejects(store.put(fresh.address, fresh.content), { code: 'STORAGE_IO' })
  assert.deepEqual([await store.capacity(), await store.admits(1)], ['unknown', false])
  assert.deepEqual(await store.get(held.address), held.content)
  await store.stop()
})

test('the waiting line of a shard is bounded', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(10)
  const gate = Promise.withResolvers<void>()
  const slow = altered({
    rename: async (from, to) => {
      if (to.endsWith(address)) await gate.promise
      await nodeFileSystem.rename(from, to)
    },
  })
  const store = newStore(folder.path, { maxWaitingPerShard: 2 }, slow)
  await store.start(never)
  const puts = Array.from({ length: 4 }, () => store.put(address, content))
  await assert.rejects(Promise.any([puts[3] as Promise<unknown>]), (error: AggregateError) => {
    assert.equal((error.errors[0] as { code: string }).code, 'STORAGE_BUSY')
    return true
  })
  const stopped = store.stop()
  await assert.rejects(async () => store.put(address, content), { code: 'STORAGE_CLOSED' })
  gate.resolve()
  await stopped
  assert.deepEqual(await Promise.all(puts.slice(0, 3)), ['stored', 'duplicate', 'duplicate'])
})

test('nothing here needs a real clock', async () => {
  await using folder = await tempFolder()
  const store = createFileChunkStore(folder.path, { clock: new SimClock(), random: seededRandom(1) })
  await store.start(never)
  const { address, content } = chunk(11)
  assert.equal(await store.put(address, content), 'stored')
  await store.stop()
})
