/** One suite for every ChunkStore: files on a real disk, memory. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, MiB, never, randomBelow, seededRandom, systemClock, systemRandom } from '../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, MAX_CHUNK_BYTES } from '../../src/protocol/index.ts'
import { SimDisk } from '../../src/sim/index.ts'
import {
  type ChunkStore,
  chargeOf,
  createFileChunkStore,
  createMemoryChunkStore,
  createStoreLanes,
  nodeFileSystem,
} from '../../src/storage/index.ts'
import { tempFolder } from '../support/temp.ts'

interface Chunk {
  readonly address: ChunkAddress
  readonly content: Bytes
}

function chunkOf(content: Bytes): Chunk {
  return { address: chunkAddressOf(blake3(content)), content }
}

function chunk(seed: number, length: number): Chunk {
  return chunkOf(seededRandom(seed).bytes(length))
}

interface Driver {
  readonly name: string
  /** A store that is not started; `room` bounds the charged bytes that fit. */
  create(directory: string, room?: number): ChunkStore
}

/** A disk whose free space is what the test says, less what lies on it. */
function smallDisk(room: number) {
  const charged = async (path: string) => {
    let sum = 0
    for (const shard of await nodeFileSystem.list(path)) {
      if (shard.kind !== 'directory') continue
      for (const { name } of await nodeFileSystem.list(join(path, shard.name))) {
        const found = await nodeFileSystem.read(join(path, shard.name, name), MAX_CHUNK_BYTES)
        if (found.kind === 'found') sum += chargeOf(found.bytes.length)
      }
    }
    return sum
  }
  return Object.assign(Object.create(nodeFileSystem), {
    freeBytes: async (path: string) => room - (await charged(path)),
  }) as typeof nodeFileSystem
}

/** One disk a folder of a test; the layout file lies beside the room. */
function simulatedDisk(directory: string, room: number | undefined): SimDisk {
  const disk = new SimDisk(room === undefined ? {} : { capacityBytes: room + chargeOf(1) })
  DISKS.set(directory, DISKS.get(directory) ?? disk)
  return DISKS.get(directory) as SimDisk
}
const DISKS = new Map<string, SimDisk>()

const DRIVERS: readonly Driver[] = [
  {
    name: 'files',
    create: (directory, room) => {
      const deps = { clock: systemClock, random: systemRandom }
      return room === undefined
        ? createFileChunkStore(directory, deps)
        : createFileChunkStore(directory, { ...deps, fileSystem: smallDisk(room) }, { reserveBytes: 0 })
    },
  },
  {
    name: 'files on a simulated disk',
    create: (directory, room) => {
      const fileSystem = simulatedDisk(directory, room)
      return createFileChunkStore(
        '/node',
        { clock: systemClock, random: systemRandom, fileSystem },
        { reserveBytes: 0 },
      )
    },
  },
  {
    name: 'memory',
    create: (_, room) => createMemoryChunkStore({}, room === undefined ? {} : { maxBytes: room }),
  },
  {
    name: 'memory behind a lane',
    create: (_, room) => {
      const store = createMemoryChunkStore({}, room === undefined ? {} : { maxBytes: room })
      return createStoreLanes(store, { clock: systemClock }).background
    },
  },
]

for (const driver of DRIVERS) describe(`ChunkStore: ${driver.name}`, () => suite(driver))

function suite(driver: Driver): void {
  const opened = (name: string, work: (store: ChunkStore) => Promise<void>, room?: number) =>
    test(name, async () => {
      await using folder = await tempFolder()
      const store = driver.create(folder.path, room)
      await store.start(never)
      try {
        await work(store)
      } finally {
        await store.stop()
      }
    })

  for (const length of [0, 1, 1024, MAX_CHUNK_BYTES]) {
    opened(`${length} bytes come back as they were put`, async (store) => {
      const { address, content } = chunk(1, length)
      assert.equal(store.has(address), false)
      assert.equal(await store.get(address), undefined)
      assert.equal(await store.put(address, content), 'stored')
      assert.equal(store.has(address), true)
      assert.deepEqual(await store.get(address), content)
    })
  }

  opened('a chunk above 4 MiB is refused', async (store) => {
    const { address, content } = chunk(2, MAX_CHUNK_BYTES + 1)
    await assert.rejects(store.put(address, content), { code: 'STORAGE_CHUNK_TOO_LARGE' })
    assert.equal(store.size, 0)
  })

  opened('content of another address is refused', async (store) => {
    const { address } = chunk(3, 10)
    await assert.rejects(store.put(address, chunk(4, 10).content), { code: 'STORAGE_ADDRESS_MISMATCH' })
    await assert.rejects(store.repair(address, chunk(4, 10).content), { code: 'STORAGE_ADDRESS_MISMATCH' })
    assert.equal(store.has(address), false)
  })

  opened('a second put is a duplicate and writes nothing', async (store) => {
    const { address, content } = chunk(5, 100)
    await store.put(address, content)
    assert.equal(await store.put(address, content), 'duplicate')
    assert.deepEqual([store.stats().chunksStored, store.stats().duplicates], [1, 1])
  })

  opened('repair writes only what is held', async (store) => {
    const { address, content } = chunk(6, 100)
    assert.equal(await store.repair(address, content), 'absent')
    assert.equal(store.has(address), false)
    await store.put(address, content)
    assert.equal(await store.repair(address, content), 'duplicate')
  })

  opened('twenty puts of one chunk at once store it once', async (store) => {
    const { address, content } = chunk(7, 5000)
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.put(address, content)))
    assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1)
    assert.equal(store.size, 1)
  })

  opened('bytes given and taken are independent of what is held', async (store) => {
    const { address, content } = chunk(8, 64)
    const given = content.slice()
    await store.put(address, given)
    given.fill(0)
    const taken = (await store.get(address)) as Uint8Array
    assert.deepEqual(taken, content)
    taken.fill(0)
    assert.deepEqual(await store.get(address), content)
  })

  opened('a deleted chunk is gone and may come again', async (store) => {
    const { address, content } = chunk(9, 64)
    await store.put(address, content)
    assert.equal(await store.delete(address), true)
    assert.equal(await store.delete(address), false)
    assert.deepEqual([store.has(address), store.size, await store.get(address)], [false, 0, undefined])
    assert.equal(await store.put(address, content), 'stored')
  })

  opened('keys ascend, and a walk survives changes', async (store) => {
    const chunks = Array.from({ length: 40 }, (_, i) => chunk(100 + i, 10))
    for (const { address, content } of chunks) await store.put(address, content)
    const sorted = chunks.map(({ address }) => address).sort()
    assert.deepEqual([...store.keys()], sorted)
    assert.deepEqual(store.keysAfter(undefined, 3), sorted.slice(0, 3))
    assert.deepEqual(store.keysAfter(sorted[2], 1000), sorted.slice(3))
    assert.deepEqual(store.keysAfter(sorted.at(-1), 5), [])
    const seen: ChunkAddress[] = []
    for (const address of store.keys()) {
      seen.push(address)
      await store.delete(address)
    }
    assert.deepEqual(seen, sorted)
    assert.equal(store.size, 0)
  })

  opened('statistics count what was asked for', async (store) => {
    const [a, b] = [chunk(10, 100), chunk(11, 50)]
    await store.put(a.address, a.content)
    await store.put(b.address, b.content)
    await store.get(a.address)
    await store.get(chunk(12, 1).address)
    await store.delete(b.address)
    assert.deepEqual(store.stats(), {
      chunksStored: 2,
      chunksRetrieved: 1,
      bytesStored: 150,
      bytesRetrieved: 100,
      duplicates: 0,
      verificationFailures: 0,
      currentChunks: 1,
    })
  })

  const room = 3 * chargeOf(MiB)
  opened(
    'a full store refuses, still reads, and takes again what was freed',
    async (store) => {
      const chunks = [1, 2, 3, 4].map((i) => chunk(20 + i, MiB)) as [Chunk, Chunk, Chunk, Chunk]
      assert.equal(await store.admits(room), false)
      for (const { address, content } of chunks.slice(0, 3)) assert.equal(await store.put(address, content), 'stored')
      const [first, , , fourth] = chunks
      assert.equal(await store.admits(MiB), false)
      assert.equal(await store.capacity(), 'full')
      await assert.rejects(store.put(fourth.address, fourth.content), { code: 'STORAGE_FULL' })
      assert.equal(store.has(fourth.address), false)
      assert.equal(await store.put(first.address, first.content), 'duplicate')
      assert.deepEqual(await store.get(first.address), first.content)
      await store.delete(first.address)
      assert.equal(await store.admits(MiB), true)
      assert.equal(await store.put(fourth.address, fourth.content), 'stored')
    },
    room,
  )

  opened(
    'puts at once never take more room than there is',
    async (store) => {
      const puts = Array.from({ length: 8 }, (_, i) => chunk(40 + i, MiB))
      const results = await Promise.allSettled(puts.map(({ address, content }) => store.put(address, content)))
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3)
      assert.equal(store.size, 3)
    },
    room,
  )

  opened('a random history ends as a map would', async (store) => {
    const seed = 0x5eed
    const random = seededRandom(seed)
    const chunks = Array.from({ length: 12 }, (_, i) => chunk(200 + i, 1 + i * 300))
    const model = new Map<ChunkAddress, Uint8Array>()
    for (let step = 0; step < 300; step++) {
      const { address, content } = chunks[randomBelow(random, chunks.length)] as Chunk
      const action = randomBelow(random, 3)
      if (action === 0) {
        assert.equal(await store.put(address, content), model.has(address) ? 'duplicate' : 'stored', `seed ${seed}`)
        model.set(address, content)
      } else if (action === 1) assert.equal(await store.delete(address), model.delete(address), `seed ${seed}`)
      else assert.deepEqual(await store.get(address), model.get(address), `seed ${seed}`)
    }
    assert.deepEqual([...store.keys()], [...model.keys()].sort(), `seed ${seed}`)
  })

  test('before start and after stop it refuses; both may be called twice; chunks stay', async () => {
    await using folder = await tempFolder()
    const store = driver.create(folder.path)
    const { address, content } = chunk(13, 100)
    await assert.rejects(async () => store.put(address, content), { code: 'STORAGE_CLOSED' })
    await store.start(never)
    await store.start(never)
    await store.put(address, content)
    await store.stop()
    await store.stop()
    await assert.rejects(async () => store.get(address), { code: 'STORAGE_CLOSED' })
    await assert.rejects(async () => store.delete(address), { code: 'STORAGE_CLOSED' })
    await store.start(never)
    assert.deepEqual([[...store.keys()], await store.get(address)], [[address], content])
    await store.stop()
  })

  test('a start that is aborted does not open', async () => {
    await using folder = await tempFolder()
    const store = driver.create(folder.path)
    await assert.rejects(store.start(AbortSignal.abort(new Error('enough'))), /enough/)
    await assert.rejects(async () => store.get(chunk(1, 1).address), { code: 'STORAGE_CLOSED' })
  })
}
