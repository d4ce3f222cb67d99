/**
 * Names that an earlier process made and did not flush before it was killed. The kernel still shows them; the next
 * power loss may take them. Whoever opens the folder next flushes them before it stands for them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Aborted, type Bytes, minute, never, seededRandom, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf } from '../../../src/protocol/index.ts'
import { EventPump, SimClock, SimDisk } from '../../../src/sim/index.ts'
import { type ChunkStore, createFileChunkStore, type FileSystem } from '../../../src/storage/index.ts'
import { encodeLayout, LAYOUT_FILE } from '../../../src/storage/layout.ts'

const seed = Number(process.env['MYRMEX_TEST_SEED'] ?? 20_263)
const CHUNKS_FOLDER = '/node/chunks'

interface Chunk {
  readonly address: ChunkAddress
  readonly content: Bytes
}

const hash = (content: Uint8Array) => backend().blake3(content)
const shardPath = ({ address }: Chunk) => `${CHUNKS_FOLDER}/${address.slice(-2)}`

function chunk(n: number): Chunk {
  const content: Bytes = seededRandom(3000 + n).bytes(200 + 100 * n)
  return { address: chunkAddressOf(hash(content)), content }
}

function newStore(fileSystem: FileSystem, storeSeed: number, clock = new SimClock()): ChunkStore {
  return createFileChunkStore('/node', { clock, random: seededRandom(storeSeed), fileSystem, hash })
}

/** Two of one shard, so that the second finds the directory made. */
const SISTERS = sisters()
const CHUNKS = [chunk(0), chunk(1), ...SISTERS]

function sisters(): [Chunk, Chunk] {
  const seen = new Map<string, Chunk>()
  for (let n = 2; ; n++) {
    const one = chunk(n)
    const other = seen.get(shardPath(one))
    if (other) return [other, one]
    seen.set(shardPath(one), one)
  }
}

/** What the first process does until it is killed before its change number `point` of the disk. */
async function killedAt(point: number): Promise<SimDisk> {
  const disk = new SimDisk({ record: true })
  disk.fail({ powerLostAfter: point })
  const store = newStore(disk, 1)
  await store.start(never).catch(() => undefined)
  for (const { address, content } of CHUNKS.slice(0, 3)) await store.put(address, content).catch(() => undefined)
  await store.delete((CHUNKS[0] as Chunk).address).catch(() => undefined)
  // At once, as a node does.
  await Promise.allSettled(CHUNKS.map(({ address, content }) => store.put(address, content)))
  await store.stop()
  // The power stays: all that was done is seen by the next process, flushed or not.
  disk.fail({})
  return disk
}

interface Promised {
  readonly from: number
  readonly address: ChunkAddress
}

/** What the second process stands for, from which change of the disk on: what it lists when it opens, and each put. */
async function secondRun(disk: SimDisk): Promise<Promised[]> {
  const promises: Promised[] = []
  const store = newStore(disk, 2)
  await store.start(never)
  for (const { address } of CHUNKS) if (store.has(address)) promises.push({ from: disk.history.length, address })
  for (const { address, content } of CHUNKS) {
    await store.put(address, content)
    promises.push({ from: disk.history.length, address })
  }
  await store.stop()
  return promises
}

async function lostOn(disk: SimDisk, promised: readonly ChunkAddress[]): Promise<string[]> {
  const store = newStore(disk, 3)
  await store.start(never)
  const lost: string[] = []
  for (const address of promised) {
    const content = CHUNKS.find((one) => one.address === address)?.content as Bytes
    const bytes = await store.get(address).catch(() => undefined)
    if (!store.has(address) || !bytes || toHex(bytes) !== toHex(content)) lost.push(address)
  }
  await store.stop()
  return lost
}

test('killed at any change, run again, then a power loss at any change: all that the second run stood for is there', async () => {
  let images = 0
  let kills = 0
  for (; ; kills++) {
    const killed = await killedAt(kills)
    const from = killed.history.length
    const promises = await secondRun(killed)
    const { history } = killed
    for (let point = from; point <= history.length; point++) {
      const promised = promises.filter((one) => one.from <= point).map(({ address }) => address)
      for (const aftermath of ['flushed', 'mixture', 'mixture'] as const) {
        const dice = seededRandom(seed + images++)
        const found = await lostOn(SimDisk.imageAt(history, point, aftermath, dice), promised)
        assert.deepEqual(found, [], `seed ${seed}, killed before ${kills}, ${aftermath} after ${point} (from ${from})`)
      }
    }
    // The first process came to its end.
    if (from < kills) break
  }
  console.log(`seed ${seed}: ${kills} kills, ${images} images of a power loss after the second run, 0 losses`)
  assert.ok(kills > 40, `only ${kills} changes: the workload did not bite`)
})

/** A disk with sound chunks, on which a flush can fail. */
class BrokenFlush extends SimDisk {
  code: string | undefined
  readonly #path: string

  constructor(path: string, code?: string) {
    super()
    this.#path = path
    this.code = code
    this.plant(`${CHUNKS_FOLDER}/${LAYOUT_FILE}`, encodeLayout())
    for (const one of CHUNKS) this.plant(`${shardPath(one)}/${one.address}`, one.content)
  }
  override async syncDirectory(path: string): Promise<void> {
    if (path === this.#path && this.code) throw Object.assign(new Error(`${this.code}: ${path}`), { code: this.code })
    return super.syncDirectory(path)
  }
}

const [first, second] = [chunk(0), SISTERS[0]]

for (const [path, inDoubt] of [
  [shardPath(first), [first]],
  [CHUNKS_FOLDER, CHUNKS],
] as const) {
  for (const [code, state, refusal] of [
    ['EIO', 'failing', 'STORAGE_FAILING'],
    ['EROFS', 'readOnly', 'STORAGE_READ_ONLY'],
  ] as const) {
    test(`${code} at the flush of ${path}: open and ${state}, nothing in doubt is listed, the probe ends it`, async () => {
      const disk = new BrokenFlush(path, code)
      const clock = new SimClock()
      const pump = new EventPump(clock, 1)
      const store = newStore(disk, 1, clock)
      await store.start(never)
      const known = CHUNKS.map(({ address }) => address).filter(
        (one) => !inDoubt.some(({ address }) => address === one),
      )
      assert.deepEqual([store.disk, [...store.keys()]], [state, known.sort()])
      for (const { address, content } of CHUNKS)
        assert.deepEqual(await store.get(address), content, 'served all the same')
      assert.equal(store.has(first.address), false, 'good bytes do not make a name durable')
      await assert.rejects(store.put(first.address, first.content), { code: 'STORAGE_IO' }, 'a duplicate is no success')
      const fresh = chunk(999)
      await assert.rejects(store.put(fresh.address, fresh.content), { code: refusal })
      await pump.advance(10 * minute)
      assert.deepEqual([store.disk, store.size], [state, known.length])
      disk.code = undefined
      await pump.advance(2 * minute)
      assert.deepEqual([store.disk, store.size, store.has(first.address)], ['writable', CHUNKS.length, true])
      assert.equal(await store.put(second.address, second.content), 'duplicate')
      await store.stop()
      assert.equal(clock.pending, 0)
    })
  }
}

test('a flush that fails for a reason that is not the disk keeps the folder closed, and the lock free', async () => {
  const disk = new BrokenFlush(shardPath(first), 'EMFILE')
  const store = newStore(disk, 1)
  await assert.rejects(store.start(never), { code: 'STORAGE_IO' })
  disk.code = undefined
  await store.start(never)
  assert.equal(store.size, CHUNKS.length)
  await store.stop()
})

test('a start that is aborted among the flushes does not open, and the lock is free', async () => {
  const abort = new AbortController()
  const disk = new (class extends SimDisk {
    override async syncDirectory(path: string): Promise<void> {
      if (path === shardPath(first)) abort.abort(new Aborted('enough'))
      return super.syncDirectory(path)
    }
  })()
  disk.plant(`${shardPath(first)}/${first.address}`, first.content)
  await assert.rejects(newStore(disk, 1).start(abort.signal), { message: 'enough' })
  const store = newStore(disk, 1)
  await store.start(never)
  await store.stop()
})
