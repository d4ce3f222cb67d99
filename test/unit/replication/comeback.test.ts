/** What a disk that is well again holds and owes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, MiB, minute, never, second, seededRandom, silentLogger, TaskGroup } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import type { Parts } from '../../../src/replication/parts.ts'
import { Comeback } from '../../../src/replication/sync/comeback.ts'
import { Holdings } from '../../../src/replication/view/holdings.ts'
import { EventPump, SimClock, SimDisk } from '../../../src/sim/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  createMemoryPaidList,
  type DiskState,
} from '../../../src/storage/index.ts'
import { SELF } from './support/engine.ts'
import { at } from './support/seeds.ts'

const options = { capacityRetryMs: 5 * minute, catchUpMs: hour, closeGroupSize: 7, storageWidth: 9 }

/** A store whose only chunk could not be flushed at its start. */
async function opened(code: 'EIO' | 'ENOSPC') {
  const content = seededRandom(1).bytes(100)
  const address = chunkAddressOf(backend().blake3(content))
  const shard = `/node/chunks/${address.slice(-2)}`
  const disk = new (class extends SimDisk {
    sick = false
    override async syncDirectory(path: string): Promise<void> {
      if (this.sick && path === shard) throw Object.assign(new Error(path), { code })
      return super.syncDirectory(path)
    }
  })()
  disk.plant(`${shard}/${address}`, content)
  disk.sick = true
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  const store = createFileChunkStore('/node', { clock, random: seededRandom(1), fileSystem: disk })
  const paidList = createMemoryPaidList()
  await store.start(never)
  await paidList.start(never)
  const log = silentLogger
  const quiet = { peers: () => [], suspected: () => false, breathe: async () => {} }
  const holdings = new Holdings({ self: SELF, store, paidList, log, ...quiet })
  await holdings.load(never)
  const tasks = new TaskGroup((error) => assert.fail(String(error)))
  const parts = { self: SELF, clock, log, options, store, holdings, tasks } as unknown as Parts
  const told = { lost: 0, changed: 0, room: 0 }
  const comeback = new Comeback({
    ...{ parts, lost: () => told.lost++, changed: () => told.changed++ },
    room: async () => void told.room++,
    missed: () => undefined,
  })
  const unwatch = comeback.watch()
  tasks.spawn('comeback', (signal) => comeback.run(signal))
  const state = () => [store.disk, store.has(address), holdings.index.has(address, 'stored')]
  const close = async () => {
    unwatch()
    await tasks.stop()
    await store.stop()
  }
  return { disk, pump, told, state, close }
}

test('chunks whose names could not be flushed at the start are held, and news, when the disk is sound', async () => {
  for (const [code, first] of [
    ['EIO', 'failing'],
    ['ENOSPC', 'full'],
  ] as const) {
    const { disk, pump, told, state, close } = await opened(code)
    assert.deepEqual(state(), [first, false, false])
    disk.sick = false
    await pump.advance(2 * minute)
    assert.deepEqual(state(), ['writable', true, true])
    assert.deepEqual(told, { lost: 0, changed: 0, room: 1 }, 'it comes as news; all that neighbours know stays')
    await close()
  }
})

test('they are held too when the disk is well again and full', async () => {
  const { disk, pump, state, close } = await opened('ENOSPC')
  disk.capacityBytes = 100 * MiB
  disk.sick = false
  await pump.advance(2 * minute)
  assert.deepEqual(state().slice(0, 2), ['full', true])
  await pump.advance(options.catchUpMs)
  assert.deepEqual(state(), ['full', true, true])
  await close()
})

test('after each absence of the disk what came meanwhile is asked for; a disk at its edge has it every five minutes', async () => {
  const clock = new SimClock()
  const pump = new EventPump(clock, 1)
  const [key, tasks] = [at(1), new TaskGroup((error) => assert.fail(String(error)))]
  let [disk, change, asked]: [DiskState, (state: DiskState) => void, number] = ['writable', assert.fail, 0]
  const store = {
    ...{ size: 0, has: () => false, keysAfter: () => [] },
    get disk() {
      return disk
    },
    onDisk: (listener: (state: DiskState) => void) => {
      change = listener
      return () => undefined
    },
  } as unknown as ChunkStore
  const quiet = { peers: () => [], suspected: () => false, breathe: async () => {} }
  const holdings = new Holdings({ self: SELF, store, paidList: createMemoryPaidList(), log: silentLogger, ...quiet })
  holdings.index.add(key, 'paid')
  const parts = { self: SELF, clock, log: silentLogger, options, store, holdings, tasks } as unknown as Parts
  let rooms = 0
  const comeback = new Comeback({
    ...{ parts, lost: () => assert.fail(), changed: () => undefined },
    ...{ room: async () => void rooms++, missed: () => void asked++ },
  })
  comeback.watch()
  const enter = async (...states: DiskState[]) => {
    for (const state of states) change((disk = state))
    await pump.advance(second)
    return asked
  }
  assert.equal(await enter('gone', 'writable'), 1)
  assert.equal(await enter('gone', 'failing'), 1)
  assert.equal(await enter('writable'), 2)
  for (let times = 0; times < 4; times++) assert.equal(await enter('full', 'writable'), 2)
  await pump.advance(options.capacityRetryMs)
  assert.equal(asked, 3, 'what was refused meanwhile is asked for at the end of the five minutes')
  assert.equal(await enter('full', 'writable', 'full'), 3)
  await pump.advance(options.capacityRetryMs)
  assert.equal(asked, 3, 'full')
  assert.equal(await enter('writable'), 4)
  assert.equal(rooms, asked, 'each time what waits for room is woken')
  await tasks.stop()
})
