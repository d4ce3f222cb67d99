/** What the machines are told of the disk. */
import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { never, seededRandom, silentLogger } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { Holdings } from '../../../src/replication/view/holdings.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { createFileChunkStore, createMemoryPaidList } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { SELF } from './support/engine.ts'

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
