/** A store that tells: what came, what went, and what was lost without anybody asking for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { SimClock, SimDisk } from '../../../src/sim/index.ts'
import { createFileChunkStore, createMemoryChunkStore, ObservedChunkStore } from '../../../src/storage/index.ts'

const hash = (content: Uint8Array) => backend().blake3(content)
const CHUNKS = Array.from({ length: 4 }, (_, n) => {
  const content = seededRandom(n + 1).bytes(600)
  return { address: chunkAddressOf(hash(content)), content }
})
const [A, B, C, D] = CHUNKS as [(typeof CHUNKS)[0], (typeof CHUNKS)[0], (typeof CHUNKS)[0], (typeof CHUNKS)[0]]

async function scene() {
  const disk = new SimDisk()
  const store = new ObservedChunkStore(
    createFileChunkStore('/mnt/node', { clock: new SimClock(), random: seededRandom(1), fileSystem: disk, hash }),
  )
  const told: string[] = []
  const nameOf = (address: string) => 'ABCD'[CHUNKS.findIndex((chunk) => chunk.address === address)]
  store.listener = {
    chunkStored: (address) => told.push(`${nameOf(address)} stored`),
    chunkRemoved: (address, corrupt) => told.push(`${nameOf(address)} ${corrupt ? 'lost' : 'removed'}`),
  }
  await store.start(never)
  for (const { address, content } of CHUNKS) await store.put(address, content)
  const file = (address: string) => `/mnt/node/chunks/${address.slice(-2)}/${address}`
  return { disk, store, told, file }
}

test('stored and deleted are told once', async () => {
  const { store, told } = await scene()
  await store.put(A.address, A.content)
  await store.delete(B.address)
  await store.delete(B.address)
  assert.deepEqual(told, ['A stored', 'B stored', 'C stored', 'D stored', 'B removed'])
  await store.stop()
})

test('wrong bytes and files that are gone are told as lost, by reads and by checks', async () => {
  const { disk, store, told, file } = await scene()
  told.length = 0
  disk.rot(file(A.address), seededRandom(1))
  disk.rot(file(B.address), seededRandom(2))
  await assert.rejects(store.get(A.address), { code: 'STORAGE_CORRUPT' })
  assert.equal((await store.check(B.address)).kind, 'corrupt')
  await disk.unlink(file(C.address))
  await disk.unlink(file(D.address))
  assert.equal(await store.get(C.address), undefined)
  assert.equal((await store.check(D.address)).kind, 'absent')
  // Known to be lost by now.
  for (const { address } of CHUNKS) assert.equal(await store.get(address), undefined)
  assert.deepEqual(told, ['A lost', 'B lost', 'C lost', 'D lost'])
  await store.put(A.address, A.content)
  assert.equal(told.at(-1), 'A stored')
  await store.stop()
})

test('what is deleted while it is read is not lost, and nothing is while the whole disk is away', async () => {
  const { disk, store, told } = await scene()
  told.length = 0
  const [found] = await Promise.all([store.get(A.address), store.delete(A.address)])
  assert.ok(found === undefined || found.length === A.content.length)
  assert.deepEqual(told, ['A removed'])
  const states: string[] = []
  const stopListening = store.onDisk((state) => states.push(state))
  disk.unplug('/mnt/node')
  await assert.rejects(store.get(B.address), { code: 'STORAGE_GONE' })
  await assert.rejects(store.check(C.address), { code: 'STORAGE_GONE' })
  assert.deepEqual([told, states], [['A removed'], ['gone']])
  stopListening()
  await store.stop()
})

test('a file that is gone is told as lost whatever else is deleted meanwhile', async () => {
  for (const look of ['get', 'check'] as const) {
    const { disk, store, told, file } = await scene()
    told.length = 0
    await disk.unlink(file(A.address))
    await Promise.all([store[look](A.address), store.delete(B.address)])
    assert.deepEqual(told.sort(), ['A lost', 'B removed'], look)
    disk.fail({ failing: 'reads' })
    await Promise.allSettled([store[look](C.address), store.delete(D.address)])
    assert.ok(told.includes('C lost'), look)
    await store.stop()
  }
})

test('what is read while its own deletion is under way is not lost', async () => {
  for (const look of ['get', 'check'] as const) {
    const { store, told } = await scene()
    told.length = 0
    await Promise.all([store.delete(A.address), store[look](A.address)])
    assert.deepEqual(told, ['A removed'], look)
    // Stored again, it is a chunk like any other.
    await store.put(A.address, A.content)
    assert.equal((await store.check(A.address)).kind, 'right')
    assert.deepEqual(told, ['A removed', 'A stored'], look)
    await store.stop()
  }
})

test('a deletion that ended before is no reason for silence, however many reads have been under way since', async () => {
  const gate = Promise.withResolvers<Uint8Array | undefined>()
  const gets = [gate.promise, Promise.resolve(undefined)]
  const held = new Set([A.address])
  const inner = createMemoryChunkStore()
  inner.has = (address) => held.has(address)
  inner.get = () => gets.shift() as Promise<Uint8Array | undefined>
  inner.delete = async () => true
  const store = new ObservedChunkStore(inner)
  const told: boolean[] = []
  store.listener = { chunkStored: () => undefined, chunkRemoved: (_address, corrupt) => told.push(corrupt) }
  const slow = store.get(A.address)
  await store.delete(A.address)
  await store.get(A.address)
  assert.deepEqual(told, [false, true], 'the second read began after the deletion')
  gate.resolve(undefined)
  await slow
  assert.deepEqual(told, [false, true], 'the first one did not')
})

test('a chunk that could not be read for a moment is told as stored when its bytes prove right', async () => {
  for (const again of ['get', 'put'] as const) {
    const { disk, store, told } = await scene()
    told.length = 0
    disk.fail({ failing: 'reads' })
    await assert.rejects(store.get(A.address), { code: 'STORAGE_IO' })
    disk.fail({})
    if (again === 'get') assert.deepEqual(await store.get(A.address), A.content)
    else assert.equal(await store.put(A.address, A.content), 'duplicate')
    assert.equal(store.has(A.address), true)
    assert.deepEqual(told, ['A lost', 'A stored'], again)
    await store.stop()
  }
})
