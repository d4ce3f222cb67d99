/** What replication remembers over a restart: claims of others and owed keys, whatever happens to the file. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger, day, hour, type LogRecord, minute, never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import { createReplicationMemory, REPLICATION_FILE } from '../../../src/node/retention-files.ts'
import {
  type ChunkAddress,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { ClaimTracker } from '../../../src/replication/audits/claim-tracker.ts'
import { decodeMemory, encodeMemory, memoryFileBytes } from '../../../src/replication/memory/memory-codec.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { SimClock, SimDisk } from '../../../src/sim/index.ts'
import { loneEngine } from './support/engine.ts'
import { address, forSeeds, many, peerId } from './support/seeds.ts'

const digest = (bytes: Uint8Array) => backend().blake3(bytes)
const FILE = `/node/${REPLICATION_FILE}`
const ALICE = 'a1'.repeat(32) as PeerId
const KEY = '5e'.repeat(31).concat('01') as ChunkAddress

function emptyDisk(): SimDisk {
  const disk = new SimDisk()
  disk.plant('/node/placeholder', new Uint8Array(1))
  return disk
}

/** One run of an engine on a disk; Alice is in its table. */
async function run(disk: SimDisk) {
  const records: LogRecord[] = []
  const log = createLogger({ clock: new SimClock(), level: 'warn', sink: (record) => records.push(record) })
  const engine = await loneEngine({ peers: [ALICE], memory: createReplicationMemory(disk.session(), '/node'), log })
  await engine.pump.run(() => engine.replication.start(never))
  const ask = (body: ReplicationBody) =>
    engine.pump.run(
      () =>
        (engine.handlers.get(TOPIC_REPLICATION) as RequestHandler)(encodeReplicationMessage({ requestId: 1n, body }), {
          from: { peer: ALICE },
          signal: never,
          answered: Promise.resolve(),
        } as RequestContext) as Promise<Uint8Array>,
    )
  const sync = (change: { bootstrapping: boolean; replicaHints?: ChunkAddress[] }) =>
    ask({ kind: 'neighborSyncRequest', replicaHints: [], paidHints: [], ...change })
  return { ...engine, records, sync, warnings: () => records.filter(({ message }) => message.includes('bad file')) }
}

test('whatever is encoded is decoded; every bit that flips is noticed', () => {
  forSeeds(20, (random) => {
    const claims = many(3, () => ({ peer: peerId(random), since: random.uint32(), active: random.float() < 0.5 }))
    const owed = many(4, () => ({ key: address(random), ageMs: random.uint32() }))
    const bytes = encodeMemory({ claims, owed }, digest)
    assert.equal(bytes.length, memoryFileBytes({ claims: 3, owed: 4 }))
    assert.deepEqual(decodeMemory(bytes, digest), { claims, owed })
    const place = Math.floor(random.float() * bytes.length)
    const flipped = bytes.with(place, (bytes[place] as number) ^ (1 << Math.floor(random.float() * 8)))
    assert.throws(() => decodeMemory(flipped, digest), { code: 'REPLICATION_MEMORY' })
    assert.throws(() => decodeMemory(bytes.subarray(0, place), digest), { code: 'REPLICATION_MEMORY' })
    assert.throws(() => decodeMemory(random.bytes(place), digest), { code: 'REPLICATION_MEMORY' })
  })
})

test('a file with a right checksum and wrong counts is refused without being believed', () => {
  const body = encodeMemory({ claims: [], owed: [] }, digest).slice(0, -32)
  new DataView(body.buffer).setUint32(8, 0xffff_ffff, true)
  const bytes = new Uint8Array([...body, ...digest(body)])
  assert.throws(() => decodeMemory(bytes, digest), { code: 'REPLICATION_MEMORY' })
})

test('a claim is remembered: a restart opens no new window of a day', async () => {
  const disk = emptyDisk()
  const first = await run(disk)
  await first.sync({ bootstrapping: true })
  await first.sync({ bootstrapping: false })
  assert.deepEqual(first.reports, [])
  await first.replication.stop()
  const second = await run(disk)
  await second.sync({ bootstrapping: true })
  assert.deepEqual(
    second.reports.map(({ peer }) => peer),
    [ALICE],
    'it had stopped claiming, and claims again',
  )
  await second.replication.stop()
  assert.deepEqual(second.warnings(), [])
})

test('owed keys are verified again after a restart and after a power loss, with the age they had', async () => {
  const disk = emptyDisk()
  const first = await run(disk)
  await first.sync({ bootstrapping: false, replicaHints: [KEY] })
  assert.equal(first.replication.pending, 1)
  await first.pump.advance(10 * minute)
  disk.crash('flushed', seededRandom(1))
  const second = await run(disk)
  assert.equal(second.replication.pending, 1)
  await second.pump.advance(10 * minute)
  await second.replication.stop()
  const third = await run(disk)
  // Seen at the next round, which is at most five minutes later.
  await third.pump.advance(16 * minute)
  assert.equal(third.replication.pending, 0, 'its thirty minutes are over')
  await third.replication.stop()
  const fourth = await run(disk)
  assert.equal(fourth.replication.pending, 0)
  await fourth.replication.stop()
})

test('a bad file is named in the log, and the engine starts with nothing and writes a good one', async () => {
  for (const bytes of [new Uint8Array(0), seededRandom(3).bytes(500), seededRandom(4).bytes(5_000_000)]) {
    const disk = emptyDisk()
    disk.plant(FILE, bytes)
    const first = await run(disk)
    assert.equal(first.warnings().length, 1, `${bytes.length} bytes`)
    assert.equal(first.replication.pending, 0)
    await first.sync({ bootstrapping: false, replicaHints: [KEY] })
    await first.replication.stop()
    const second = await run(disk)
    assert.equal(second.warnings().length, 0)
    assert.equal(second.replication.pending, 1)
    await second.replication.stop()
  }
})

test('a disk that takes no writes is said in the log and stops nothing', async () => {
  const disk = emptyDisk()
  const first = await run(disk)
  await first.sync({ bootstrapping: false, replicaHints: [KEY] })
  disk.fail({ readOnly: true })
  await first.pump.advance(3 * minute)
  assert.ok(first.records.some(({ message }) => message.includes('could not be saved')))
  disk.fail({})
  await first.pump.advance(2 * minute)
  assert.ok(disk.files().has(FILE))
  await first.replication.stop()
})

test('begins in the future, by a clock that was set back, count as now', () => {
  const claims = new ClaimTracker(options)
  claims.restore([{ peer: ALICE, since: 10 * day, active: true }], day)
  assert.equal(claims.claimed(ALICE, day + 23 * hour), 'tolerated')
  assert.equal(claims.claimed(ALICE, day + 25 * hour), 'failure')
})
