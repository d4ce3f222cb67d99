import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, day, hour, type LogRecord, minute, never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { EventPump, SimClock, SimDisk } from '../../../src/sim/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  createScrubber,
  type ScrubberOptions,
} from '../../../src/storage/index.ts'

const hash = (content: Uint8Array) => backend().blake3(content)
const CHUNKS = Array.from({ length: 20 }, (_, n) => {
  const content = seededRandom(700 + n).bytes(10_000)
  return { address: chunkAddressOf(hash(content)), content }
}).sort((a, b) => (a.address < b.address ? -1 : 1))
const fileOf = (address: ChunkAddress) => `/node/chunks/${address.slice(-2)}/${address}`
/** A chunk a second. */
const OPTIONS: Partial<ScrubberOptions> = { bytesPerSecond: 10_000 }

interface Scene {
  readonly disk: SimDisk
  readonly clock: SimClock
  readonly pump: EventPump
  readonly store: ChunkStore
  readonly checked: ChunkAddress[]
  readonly corrupt: ChunkAddress[]
  readonly records: LogRecord[]
  /** Puts and gets that seem to run. */
  busy: number
  scrubber(): ReturnType<typeof createScrubber>
}

async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = new SimClock()
  const disk = new SimDisk()
  const store = createFileChunkStore('/node', { clock, random: seededRandom(1), fileSystem: disk, hash })
  await store.start(never)
  for (const { address, content } of CHUNKS) await store.put(address, content)
  const records: LogRecord[] = []
  const log = createLogger({ clock, level: 'info', sink: (record) => records.push(record) })
  const checked: ChunkAddress[] = []
  const corrupt: ChunkAddress[] = []
  const s: Scene = {
    ...{ disk, clock, store, checked, corrupt, records, busy: 0, pump: new EventPump(clock, 1) },
    scrubber: () => {
      const watched = {
        keysAfter: store.keysAfter.bind(store),
        check: (address: ChunkAddress) => {
          checked.push(address)
          return store.check(address)
        },
        get operations() {
          return s.busy + store.operations
        },
        get disk() {
          return store.disk
        },
      }
      const deps = { store: watched, clock, fileSystem: disk, log, corrupt: (one: ChunkAddress) => corrupt.push(one) }
      return createScrubber('/node', deps, OPTIONS)
    },
  }
  await work(s)
  await store.stop()
  assert.equal(clock.pending, 0, 'something is still planned after stop')
}

const addresses = CHUNKS.map(({ address }) => address)

test('every chunk is read once a round, at the pace it was given, and a round a day at most', () =>
  scene(async (s) => {
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(9500)
    assert.equal(s.checked.length, 10)
    await s.pump.advance(11_000)
    assert.deepEqual(s.checked, addresses)
    await s.pump.advance(23 * hour)
    assert.equal(s.checked.length, 20)
    await s.pump.advance(2 * hour)
    assert.deepEqual(s.checked, [...addresses, ...addresses])
    await scrubber.stop()
    assert.equal(s.store.stats().chunksRetrieved, 0, 'nobody retrieved anything')
  }))

test('a corrupt chunk is removed and told; the others stay', () =>
  scene(async (s) => {
    const rotten = [CHUNKS[3], CHUNKS[11]].map((one) => one?.address as ChunkAddress)
    for (const address of rotten) s.disk.rot(fileOf(address), seededRandom(5))
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(30_000)
    assert.deepEqual(s.corrupt, rotten)
    assert.equal(s.store.size, 18)
    for (const address of rotten) assert.ok(!s.disk.files().has(fileOf(address)))
    await scrubber.stop()
  }))

test('it stands back while the store is used, and while the disk is away', () =>
  scene(async (s) => {
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(3500)
    s.busy = 1
    const before = s.checked.length
    await s.pump.advance(29_000)
    assert.equal(s.checked.length, before)
    s.busy = 0
    await s.pump.advance(5000)
    assert.ok(s.checked.length > before)
    s.disk.unplug('/node')
    await assert.rejects(s.store.get(addresses[0] as ChunkAddress), { code: 'STORAGE_GONE' })
    const away = s.checked.length
    await s.pump.advance(5 * minute)
    assert.equal(s.checked.length, away)
    s.disk.plugIn()
    await s.pump.advance(5 * minute)
    assert.deepEqual(s.checked, addresses)
    assert.deepEqual(s.corrupt, [], 'a disk that is away is no rot')
    await scrubber.stop()
  }))

test('a store that is always in use is read all the same, a chunk for each patience; stop waits for none', () =>
  scene(async (s) => {
    s.busy = 1
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(29_000)
    assert.equal(s.checked.length, 0)
    await s.pump.advance(2000)
    assert.equal(s.checked.length, 1)
    await s.pump.advance(10 * minute)
    assert.ok(s.checked.length > 15 && s.checked.length < 21, `${s.checked.length} chunks in ten minutes`)
    assert.deepEqual(s.checked, addresses.slice(0, s.checked.length))
    await scrubber.stop()
  }))

test('a disk that fails or is away is waited for without an end', () =>
  scene(async (s) => {
    s.disk.unplug('/node')
    await assert.rejects(s.store.get(addresses[0] as ChunkAddress), { code: 'STORAGE_GONE' })
    s.busy = 1
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(10 * minute)
    assert.equal(s.checked.length, 0)
    await scrubber.stop()
  }))

test('it goes on after a restart; after a crash where it was minutes ago; a bad file means from the beginning', () =>
  scene(async (s) => {
    const first = s.scrubber()
    await first.start(never)
    await s.pump.advance(7500)
    await first.stop()
    const second = s.scrubber()
    await second.start(never)
    await s.pump.advance(4500)
    assert.deepEqual(s.checked, addresses.slice(0, 13))
    await second.stop()
    s.disk.plant('/node/scrub_cursor.json', new TextEncoder().encode('{"version":1,"after":"xyz"}'))
    const third = s.scrubber()
    await third.start(never)
    await s.pump.advance(100)
    assert.equal(s.checked.at(-1), addresses[0])
    assert.ok(s.records.some(({ message }) => message === 'the place of the scrubber is ignored'))
    await third.stop()
  }))

test('chunks that come and go during a round disturb nothing', () =>
  scene(async (s) => {
    const scrubber = s.scrubber()
    await scrubber.start(never)
    await s.pump.advance(5500)
    for (const address of addresses.slice(4, 10)) await s.store.delete(address)
    await s.pump.advance(day / 2)
    assert.deepEqual(new Set(s.checked), new Set([...addresses.slice(0, 6), ...addresses.slice(10)]))
    assert.deepEqual(s.corrupt, [])
    await scrubber.stop()
  }))
