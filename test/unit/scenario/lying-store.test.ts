/** Stores of liars lie, each in its own way, and are honest in all the rest. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { FillableStore, lyingStore } from '../../../src/scenario/run/lying-store.ts'
import type { Lie } from '../../../src/scenario/scenario.ts'
import { createMemoryChunkStore } from '../../../src/storage/index.ts'

const content = seededRandom(3).bytes(500)
const address = chunkAddressOf(backend().blake3(content))
const stranger = chunkAddressOf(seededRandom(4).bytes(32))

async function storeOf(lie: Lie) {
  const below = createMemoryChunkStore()
  const store = lyingStore(below, lie)
  await store.start(never)
  return { below, store }
}

test('claims: has whatever is asked for, and nothing', async () => {
  const { below, store } = await storeOf('claims')
  assert.equal(await store.put(address, content), 'stored')
  assert.deepEqual([store.has(address), store.has(stranger), below.size], [true, true, 0])
  assert.equal(await store.get(address), undefined)
})

test('forgets: takes it, has it no more, claims it for ever', async () => {
  const { below, store } = await storeOf('forgets')
  assert.equal(await store.put(address, content), 'stored')
  assert.deepEqual([store.has(address), below.has(address), store.has(stranger)], [true, false, false])
  assert.equal(await store.get(address), undefined)
  assert.equal(await store.put(address, content), 'duplicate')
  // A wrong chunk is refused as by anybody.
  await assert.rejects(store.put(stranger, content), { code: 'STORAGE_ADDRESS_MISMATCH' })
})

test('corrupts: holds the right bytes and serves others', async () => {
  const { below, store } = await storeOf('corrupts')
  await store.put(address, content)
  assert.notDeepEqual(await store.get(address), content)
  assert.deepEqual(await below.get(address), content)
})

test('mute: answers nobody until it stops', async () => {
  const { store } = await storeOf('mute')
  await store.put(address, content)
  let answered = false
  const asked = store.get(address).then((bytes) => {
    answered = true
    return bytes
  })
  await new Promise(setImmediate)
  assert.equal(answered, false)
  await store.stop()
  assert.equal(await asked, undefined)
})

test('a full memory takes nothing new and says so, until there is room', async () => {
  let full = false
  const store = new FillableStore(createMemoryChunkStore(), () => full)
  await store.start(never)
  await store.put(address, content)
  full = true
  assert.deepEqual([await store.capacity(), await store.admits(1), store.disk], ['full', false, 'full'])
  assert.equal(await store.put(address, content), 'duplicate')
  await assert.rejects(store.put(stranger, content), { code: 'STORAGE_FULL' })
  full = false
  assert.deepEqual([await store.capacity(), await store.admits(1), store.disk], ['writable', true, 'writable'])
})
