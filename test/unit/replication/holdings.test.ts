/** What the machines are told of the disk. */
import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Logger, never, seededRandom, silentLogger } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { Holdings } from '../../../src/replication/view/holdings.ts'
import { SimClock } from '../../../src/sim/index.ts'
import {
  createFileChunkStore,
  createMemoryChunkStore,
  createMemoryPaidList,
  StorageError,
} from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { SELF } from './support/engine.ts'
import { address, many } from './support/seeds.ts'

test('a disk that is gone takes nothing: nobody is to send chunks for it', async () => {
  await using temp = await tempFolder()
  const deps = { clock: new SimClock(), random: seededRandom(1) }
  const store = createFileChunkStore(temp.path, deps, { reserveBytes: 0 })
  await store.start(never)
  try {
    const log = silentLogger
    const parts = {
      self: SELF,
      store,
      paidList: createMemoryPaidList(),
      log,
      peers: () => [],
      suspected: () => false,
      breathe: async () => {},
    }
    const holdings = new Holdings(parts)
    await holdings.look()
    assert.equal(holdings.full, false)
    const content = new Uint8Array(100)
    const address = chunkAddressOf(backend().blake3(content))
    await store.put(address, content)
    await rename(join(temp.path, 'chunks'), join(temp.path, 'away'))
    await assert.rejects(store.get(address), { code: 'STORAGE_GONE' })
    await holdings.look()
    assert.equal(holdings.full, true, 'gone')
  } finally {
    await store.stop()
  }
})

test('what the paid list does not take is not listed, and is written when it takes entries again', async () => {
  const paidList = createMemoryPaidList()
  await paidList.start(never)
  const insert = paidList.insert.bind(paidList)
  let [sick, refused] = [true, 0]
  Object.assign(paidList, {
    insert: async (key: ChunkAddress) => {
      if (!sick) return insert(key)
      refused++
      throw new StorageError('STORAGE_IO', 'the disk is away')
    },
  })
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (text: string) => warnings.push(text) } as unknown as Logger
  const store = createMemoryChunkStore()
  const quiet = { peers: () => [], suspected: () => false, breathe: async () => {} }
  const holdings = new Holdings({ self: SELF, store, paidList, log, ...quiet })
  await holdings.load(never)
  const dice = seededRandom(2)
  const keys = many(600, () => address(dice))
  await Promise.all(keys.map((key, n) => holdings.learnPaid(key, n % 2 === 0)))
  assert.deepEqual([keys.filter((key) => holdings.paid(key)).length, holdings.unwritten], [0, 600])
  assert.equal(warnings.length, 1, 'once for all')
  refused = 0
  await holdings.relearnPaid(never)
  assert.deepEqual([refused, holdings.unwritten], [1, 600], 'a disk that refuses is asked once')
  // Told by another way meanwhile: news for others, whatever it was before.
  await holdings.learnPaid(keys[0] as ChunkAddress)
  const before = holdings.index.place('paid')
  sick = false
  await holdings.relearnPaid(never)
  assert.deepEqual([paidList.size, holdings.unwritten], [600, 0])
  assert.ok(keys.every((key) => holdings.paid(key)))
  const news = holdings.index.cameSince(before, 'paid')
  assert.equal(news?.bytes.length, 32 * 301, 'what was not only hinted is news')
})
