/** A disk that is full, read-only, failing or gone: said once, puts refused before any work, reads going on, a way back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLogger,
  GiB,
  type LogRecord,
  MiB,
  minute,
  never,
  Registry,
  seededRandom,
} from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { EventPump, SimClock, SimDisk } from '../../../src/sim/index.ts'
import { type ChunkStore, createFileChunkStore, type DiskState } from '../../../src/storage/index.ts'

const hash = (content: Uint8Array) => backend().blake3(content)
function chunk(seed: number, length = 500) {
  const content = seededRandom(seed).bytes(length)
  return { address: chunkAddressOf(hash(content)), content }
}
const [HELD, OTHER, FRESH] = [chunk(1), chunk(2), chunk(3)]
const CODES = { full: 'STORAGE_FULL', readOnly: 'STORAGE_READ_ONLY', failing: 'STORAGE_FAILING', gone: 'STORAGE_GONE' }

interface Scene {
  readonly disk: SimDisk
  readonly store: ChunkStore
  readonly pump: EventPump
  readonly records: LogRecord[]
  readonly registry: Registry
  /** Hashes so far. */
  hashed(): number
}

async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = new SimClock()
  const disk = new SimDisk({ capacityBytes: 10 * GiB })
  const records: LogRecord[] = []
  const log = createLogger({ clock, level: 'info', sink: (record) => records.push(record) })
  const registry = new Registry()
  let hashes = 0
  const counting = (content: Uint8Array) => {
    hashes++
    return hash(content)
  }
  const deps = { clock, random: seededRandom(1), fileSystem: disk, log, registry, hash: counting }
  const store = createFileChunkStore('/mnt/node', deps)
  await store.start(never)
  await store.put(HELD.address, HELD.content)
  await store.put(OTHER.address, OTHER.content)
  records.length = 0
  try {
    await work({ disk, store, pump: new EventPump(clock, 1), records, registry, hashed: () => hashes })
  } finally {
    await store.stop()
    assert.equal(clock.pending, 0, 'a probe is still planned after stop')
  }
}

/** The state is entered with one line in the log, shown as a metric, and refuses puts without hashing them. */
async function assertState(s: Scene, state: Exclude<DiskState, 'writable'>): Promise<void> {
  assert.equal(s.store.disk, state)
  assert.equal(s.records.filter(({ level }) => level === 'error' || level === 'warn').length, 1)
  assert.match(s.registry.render(), new RegExp(`myrmex_storage_disk_state\\{state="${state}"\\} 1`))
  const hashed = s.hashed()
  for (let i = 0; i < 3; i++) {
    await assert.rejects(s.store.put(FRESH.address, FRESH.content), { code: CODES[state] })
  }
  assert.deepEqual([s.hashed(), await s.store.admits(1)], [hashed, false])
  assert.equal(await s.store.capacity(), state === 'full' ? 'full' : 'unknown')
  assert.equal(s.records.filter(({ level }) => level === 'error' || level === 'warn').length, 1, 'said once')
}

async function assertBack(s: Scene): Promise<void> {
  await s.pump.advance(61_000)
  assert.equal(s.store.disk, 'writable')
  assert.equal(s.records.at(-1)?.message, 'the disk takes chunks again')
  assert.match(s.registry.render(), /myrmex_storage_disk_state\{state="writable"\} 1/)
  assert.equal(await s.store.put(FRESH.address, FRESH.content), 'stored')
  for (const { address, content } of [HELD, OTHER, FRESH]) assert.deepEqual(await s.store.get(address), content)
  assert.ok(![...s.disk.files().keys()].some((path) => path.includes('.tmp.')), 'a probe left its file')
}

test('read-only: reads and duplicates go on, a remount brings it back', () =>
  scene(async (s) => {
    s.disk.fail({ readOnly: true })
    await assert.rejects(s.store.put(FRESH.address, FRESH.content), { code: 'STORAGE_IO' })
    await assertState(s, 'readOnly')
    assert.deepEqual(await s.store.get(HELD.address), HELD.content)
    assert.equal(await s.store.put(HELD.address, HELD.content), 'duplicate')
    await s.pump.advance(10 * minute)
    assert.equal(s.store.disk, 'readOnly')
    s.disk.fail({})
    await assertBack(s)
  }))

test('read-only at the start: refused with a code and a sentence that say so', async () => {
  const disk = new SimDisk()
  const store = createFileChunkStore('/mnt/node', { clock: new SimClock(), random: seededRandom(1), fileSystem: disk })
  await store.start(never)
  await store.stop()
  disk.fail({ readOnly: true })
  await assert.rejects(store.start(never), { code: 'STORAGE_READ_ONLY', message: /\/mnt\/node\/chunks .*read-only/ })
  disk.fail({})
  await store.start(never)
  await store.stop()
})

test('read-only: a corrupt chunk stays hidden, and is removed when that works', () =>
  scene(async (s) => {
    s.disk.rot(`/mnt/node/chunks/${HELD.address.slice(-2)}/${HELD.address}`, seededRandom(9))
    s.disk.fail({ readOnly: true })
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_CORRUPT' })
    assert.deepEqual([s.store.has(HELD.address), s.store.disk], [false, 'readOnly'])
    s.disk.fail({})
    await s.pump.advance(61_000)
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_CORRUPT' })
    assert.equal(await s.store.put(HELD.address, HELD.content), 'stored')
  }))

test('errors of writes: failing at once, reads go on where they can', () =>
  scene(async (s) => {
    s.disk.fail({ failing: 'writes' })
    await assert.rejects(s.store.put(FRESH.address, FRESH.content), { code: 'STORAGE_IO' })
    await assertState(s, 'failing')
    assert.deepEqual(await s.store.get(OTHER.address), OTHER.content)
    s.disk.fail({})
    await assertBack(s)
  }))

test('errors of reads: one hides a chunk, three in a row mean the disk', () =>
  scene(async (s) => {
    s.disk.fail({ failing: 'reads' })
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_IO' })
    assert.deepEqual([s.store.disk, s.store.has(HELD.address)], ['writable', false])
    await assert.rejects(s.store.get(OTHER.address), { code: 'STORAGE_IO' })
    await assert.rejects(s.store.get(OTHER.address), { code: 'STORAGE_IO' })
    await assertState(s, 'failing')
    s.disk.fail({})
    await assertBack(s)
  }))

test('no space left although some was measured: full until the probe finds room', () =>
  scene(async (s) => {
    s.disk.capacityBytes = 20_000
    const big = chunk(9, 12_000)
    await assert.rejects(s.store.put(big.address, big.content), { code: 'STORAGE_FULL', message: /^Insufficient disk/ })
    await assertState(s, 'full')
    assert.deepEqual(await s.store.get(HELD.address), HELD.content)
    s.disk.capacityBytes = 10 * GiB
    await assertBack(s)
  }))

test('below the reserve: full, nothing is written, and freed space is usable at once', () =>
  scene(async (s) => {
    s.disk.capacityBytes = 500 * MiB
    await s.pump.advance(6000)
    const before = s.disk.files().size
    await assert.rejects(s.store.put(FRESH.address, FRESH.content), { code: 'STORAGE_FULL', message: /reserved/ })
    assert.equal(await s.store.admits(1), false)
    assert.equal(s.disk.files().size, before)
    assert.equal(s.store.disk, 'full')
    s.disk.capacityBytes = 501 * MiB
    assert.equal(await s.store.put(FRESH.address, FRESH.content), 'stored', 'a small one fits before the probe')
    assert.equal(await s.store.capacity(), 'full')
    s.disk.capacityBytes = 10 * GiB
    await s.pump.advance(61_000)
    assert.deepEqual([s.store.disk, await s.store.capacity()], ['writable', 'writable'])
  }))

test('a vanished disk: nothing is forgotten, nothing is written in its place, it is read again when it is back', () =>
  scene(async (s) => {
    s.disk.unplug('/mnt')
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_GONE' })
    await assertState(s, 'gone')
    await assert.rejects(s.store.delete(OTHER.address), { code: 'STORAGE_GONE' })
    await assert.rejects(s.store.put(HELD.address, HELD.content), { code: 'STORAGE_GONE' })
    assert.deepEqual([s.store.has(HELD.address), s.store.size], [false, 2])
    await s.pump.advance(10 * minute)
    assert.deepEqual([...s.disk.files().keys()], [], 'the empty mount point stays empty')
    assert.equal(s.store.disk, 'gone')
    s.disk.plugIn()
    await assertBack(s)
  }))

test('a disk that vanishes under a put: nothing lands on the mount point either', () =>
  scene(async (s) => {
    s.disk.unplug('/mnt')
    await assert.rejects(s.store.put(FRESH.address, FRESH.content))
    assert.equal(s.store.disk, 'gone')
    assert.deepEqual([...s.disk.files().keys()], [])
    s.disk.plugIn()
    await assertBack(s)
  }))

test('another disk in its place: its chunks are listed, the old ones are not', () =>
  scene(async (s) => {
    s.disk.unplug('/mnt')
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_GONE' })
    s.disk.plugIn()
    // Somebody changed it meanwhile.
    const third = chunk(7)
    s.disk.plant(`/mnt/node/chunks/${third.address.slice(-2)}/${third.address}`, third.content)
    await s.disk.unlink(`/mnt/node/chunks/${OTHER.address.slice(-2)}/${OTHER.address}`)
    await s.pump.advance(61_000)
    assert.deepEqual([...s.store.keys()], [HELD.address, third.address].sort())
  }))

test('a folder that another process took meanwhile is not written', () =>
  scene(async (s) => {
    s.disk.unplug('/mnt')
    await assert.rejects(s.store.get(HELD.address), { code: 'STORAGE_GONE' })
    s.disk.plugIn()
    s.disk.crash('everything', seededRandom(1))
    const theirs = await s.disk.lock('/mnt/node/chunks/.lock')
    await s.pump.advance(5 * minute)
    assert.equal(s.store.disk, 'gone')
    await assert.rejects(s.store.put(FRESH.address, FRESH.content), { code: 'STORAGE_GONE' })
    await theirs.release()
    await assertBack(s)
  }))
