import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, hour, type LogRecord, minute, never, seededRandom } from '../../../src/base/index.ts'
import { chunkAddressOf } from '../../../src/protocol/index.ts'
import { EventPump, SIM_EPOCH_MS, SimClock, SimDisk } from '../../../src/sim/index.ts'
import { createOutOfRangeStore, OutOfRangeTimers, TIMERS_FILE } from '../../../src/storage/index.ts'

const address = (n: number) => chunkAddressOf(seededRandom(n).bytes(32))
const [A, B, C] = [address(1), address(2), address(3)]
const FILE = `/node/${TIMERS_FILE}`

/** A disk with the node's folder, and a run of the store on it at a wall clock of its own. */
async function emptyDisk(): Promise<SimDisk> {
  const disk = new SimDisk()
  disk.plant('/node/placeholder', new Uint8Array(1))
  return disk
}
function run(disk: SimDisk, wall: number, options = {}) {
  const clock = new SimClock(wall)
  const records: LogRecord[] = []
  const log = createLogger({ clock, level: 'warn', sink: (record) => records.push(record) })
  const store = createOutOfRangeStore('/node', { clock, log, fileSystem: disk }, options)
  return { clock, store, records, pump: new EventPump(clock, 1) }
}

test('timers start once, run on, and are cleared', () => {
  const timers = new OutOfRangeTimers(2)
  assert.equal(timers.out('record', A, 1000), 0)
  assert.equal(timers.out('record', A, 5000), 4000)
  assert.equal(timers.age('paid', A, 5000), undefined)
  timers.out('record', B, 2000)
  assert.equal(timers.out('record', C, 2000), 0)
  assert.equal(timers.age('record', C, 9000), undefined, 'the table is full: the key is kept')
  timers.clear('record', A)
  assert.deepEqual([timers.age('record', A, 9000), timers.out('record', A, 9000)], [undefined, 0])
})

test('ages survive a restart; the pause counts up to an hour, a clock that was set back not at all', async () => {
  for (const [pause, counted] of [
    [5 * minute, 5 * minute],
    [100 * hour, hour],
    [-50 * hour, 0],
  ] as const) {
    const disk = await emptyDisk()
    const first = run(disk, SIM_EPOCH_MS)
    await first.store.start(never)
    first.store.timers.out('record', A, first.clock.monotonic())
    await first.pump.advance(2 * hour)
    first.store.timers.out('paid', B, first.clock.monotonic())
    await first.store.stop()
    const second = run(disk, SIM_EPOCH_MS + 2 * hour + pause)
    await second.store.start(never)
    assert.equal(second.store.timers.age('record', A, 0), 2 * hour + counted)
    assert.equal(second.store.timers.age('paid', B, 0), counted)
    assert.equal(second.store.timers.age('record', B, 0), undefined)
    await second.store.stop()
  }
})

test('saved now and then: a crash loses ten minutes at most, and a cleared timer does not come back', async () => {
  const disk = await emptyDisk()
  const first = run(disk, SIM_EPOCH_MS)
  await first.store.start(never)
  first.store.timers.out('record', A, 0)
  await first.pump.advance(25 * minute)
  disk.crash('flushed', seededRandom(1))
  const second = run(disk, SIM_EPOCH_MS + 20 * minute)
  await second.store.start(never)
  assert.equal(second.store.timers.age('record', A, 0), 20 * minute)
  second.store.timers.clear('record', A)
  await second.store.stop()
  const third = run(disk, SIM_EPOCH_MS + 30 * minute)
  await third.store.start(never)
  assert.equal(third.store.timers.size('record'), 0)
  await third.store.stop()
})

test('every bad file is ignored as a whole and named in the log; the node starts', async () => {
  const disk = await emptyDisk()
  const writer = run(disk, SIM_EPOCH_MS)
  await writer.store.start(never)
  for (let n = 0; n < 20; n++) writer.store.timers.out(n % 2 === 0 ? 'record' : 'paid', address(n), 0)
  await writer.store.stop()
  const good = disk.files().get(FILE) as Uint8Array
  const seed = 0xbad
  const random = seededRandom(seed)
  const bad = [
    new Uint8Array(),
    new Uint8Array(10),
    good.slice(0, -1),
    good.slice(0, 60),
    new Uint8Array([...good, 0]),
    new Uint8Array(50_000_000),
    ...Array.from({ length: 40 }, () => {
      const bytes = good.slice()
      const at = random.uint32() % bytes.length
      bytes[at] = (bytes[at] as number) ^ (1 << (random.uint32() & 7))
      return bytes
    }),
  ]
  for (const [i, bytes] of bad.entries()) {
    const damaged = await emptyDisk()
    damaged.plant(FILE, bytes)
    const { store, records } = run(damaged, SIM_EPOCH_MS)
    await store.start(never)
    assert.deepEqual([store.timers.size('record'), store.timers.size('paid')], [0, 0], `seed ${seed}, case ${i}`)
    assert.equal(records.length, 1, `seed ${seed}, case ${i}`)
    await store.stop()
  }
})

test('a disk that takes no writes is told of, not thrown', async () => {
  const disk = await emptyDisk()
  const { store, records, clock, pump } = run(disk, SIM_EPOCH_MS)
  await store.start(never)
  store.timers.out('record', A, clock.monotonic())
  disk.fail({ readOnly: true })
  await pump.advance(25 * minute)
  assert.equal(records.length, 2)
  disk.fail({})
  await store.stop()
  assert.ok(disk.files().has(FILE))
})

test('many timers are written in slices; those that go meanwhile are in the file or not, the others are', async () => {
  const disk = await emptyDisk()
  const first = run(disk, SIM_EPOCH_MS)
  await first.store.start(never)
  const { timers } = first.store
  const dice = seededRandom(77)
  const keys = Array.from({ length: 9000 }, () => chunkAddressOf(dice.bytes(32)))
  for (const key of keys) timers.out('record', key, 0)
  for (const key of keys.slice(0, 5000)) timers.out('paid', key, 0)
  first.clock.timer(0, () => {
    for (const key of keys.slice(8000)) timers.clear('record', key)
    timers.out('record', A, 0)
  })
  await first.pump.run(() => first.store.save())
  disk.crash('flushed', seededRandom(1))
  const second = run(disk, SIM_EPOCH_MS)
  await second.store.start(never)
  assert.deepEqual(second.records, [])
  for (const key of keys.slice(0, 8000)) assert.ok(second.store.timers.age('record', key, 0) !== undefined)
  assert.ok(second.store.timers.size('record') <= 9000)
  assert.equal(second.store.timers.size('paid'), 5000)
  await second.pump.run(() => second.store.stop())
})
