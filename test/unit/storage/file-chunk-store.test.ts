import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, createLogger, never, seededRandom, systemClock, toHex } from '../../../src/base/index.ts'
import { type ChunkAddress, chunkAddressOf, MAX_CHUNK_BYTES } from '../../../src/protocol/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import {
  type ChunkStore,
  createFileChunkStore,
  type FileChunkStoreOptions,
  type FileSystem,
  nodeFileSystem,
} from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'

function chunk(seed: number, length = 200) {
  const content: Bytes = seededRandom(seed).bytes(length)
  return { address: chunkAddressOf(blake3(content)), content }
}

function newStore(
  directory: string,
  options?: Partial<FileChunkStoreOptions>,
  fileSystem = nodeFileSystem,
): ChunkStore {
  const deps = { clock: systemClock, random: seededRandom(1), fileSystem, hash: (c: Uint8Array) => blake3(c) as Bytes }
  return createFileChunkStore(directory, deps, options)
}

const fileOf = (directory: string, address: ChunkAddress) => join(directory, 'chunks', address.slice(-2), address)

async function plant(directory: string, address: string, bytes: Uint8Array, shard = address.slice(-2)): Promise<void> {
  await mkdir(join(directory, 'chunks', shard), { recursive: true })
  await writeFile(join(directory, 'chunks', shard, address), bytes)
}

/** The real file system with some calls replaced. */
function altered(changes: Partial<FileSystem>): FileSystem {
  return Object.assign(Object.create(nodeFileSystem), changes) as FileSystem
}

async function withStore(work: (store: ChunkStore, directory: string) => Promise<void>): Promise<void> {
  await using folder = await tempFolder()
  const store = newStore(folder.path)
  await store.start(never)
  try {
    await work(store, folder.path)
  } finally {
    await store.stop()
  }
}

test('what lies on the disk is the layout of the network', () =>
  withStore(async (store, directory) => {
    const content = new TextEncoder().encode('hello world') as Bytes
    const address = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24' as ChunkAddress
    await store.put(address, content)
    assert.deepEqual((await readdir(join(directory, 'chunks'))).sort(), ['.lock', '24', 'layout.json'])
    assert.deepEqual(await readdir(join(directory, 'chunks', '24')), [address])
    assert.deepEqual(new Uint8Array(await readFile(fileOf(directory, address))), content)
  }))

test('opening: temp files go, strangers stay unseen, upper case is set aside', async () => {
  await using folder = await tempFolder()
  const { path } = folder
  const good = chunk(1)
  const upper = chunk(2).address.toUpperCase()
  const misplaced = chunk(3)
  const [linked, nested] = [chunk(4), chunk(5)]
  await plant(path, good.address, good.content)
  await plant(path, upper, good.content, 'aa')
  await plant(path, misplaced.address, misplaced.content, misplaced.address.endsWith('00') ? '01' : '00')
  await plant(path, 'notes.txt', good.content, 'aa')
  await plant(path, '.tmp.1.00000000.0', good.content, 'aa')
  await writeFile(join(path, 'chunks', '.tmp.1.00000000.1'), '')
  await mkdir(join(path, 'chunks', 'zz'))
  await mkdir(fileOf(path, linked.address).slice(0, -65), { recursive: true })
  await symlink(fileOf(path, good.address), fileOf(path, linked.address))
  await mkdir(fileOf(path, nested.address), { recursive: true })
  const store = newStore(path)
  await store.start(never)
  assert.deepEqual([...store.keys()], [good.address])
  assert.equal(await store.get(misplaced.address), undefined)
  assert.equal(await store.get(linked.address), undefined)
  await store.stop()
  assert.deepEqual((await readdir(join(path, 'chunks', 'aa'))).sort(), [`${upper}.not-a-chunk`, 'notes.txt'])
  assert.ok(!(await readdir(join(path, 'chunks'))).some((name) => name.startsWith('.tmp.')))
})

test('what cannot be tidied up at the opening is a warning', async () => {
  await using folder = await tempFolder()
  const good = chunk(1)
  const upper = chunk(2).address.toUpperCase()
  await plant(folder.path, good.address, good.content)
  await plant(folder.path, upper, good.content, 'aa')
  await plant(folder.path, '.tmp.1.00000000.0', good.content, 'aa')
  await writeFile(join(folder.path, 'chunks', '.tmp.1.00000000.1'), '')
  const refuse = () => Promise.reject(Object.assign(new Error('it is in use'), { code: 'EBUSY' }))
  const rename_ = (from: string, to: string) => (from.endsWith(upper) ? refuse() : nodeFileSystem.rename(from, to))
  const fileSystem = altered({ unlink: refuse, rename: rename_ })
  const warnings: string[] = []
  const log = createLogger({ clock: systemClock, level: 'warn', sink: ({ message }) => warnings.push(message) })
  const store = createFileChunkStore(folder.path, { clock: systemClock, random: seededRandom(1), fileSystem, log })
  await store.start(never)
  assert.deepEqual([...store.keys()], [good.address])
  await store.stop()
  assert.deepEqual(warnings.sort(), [
    'a chunk name in upper case is skipped: it cannot be set aside',
    'a temp file cannot be removed',
    'a temp file cannot be removed',
  ])
})

test('a hundred thousand names are indexed without reading one of them', async () => {
  const random = seededRandom(7)
  const names = Array.from({ length: 100_000 }, () => toHex(random.bytes(32)))
  const shards = Map.groupBy(names, (name) => name.slice(-2))
  let reads = 0
  const listing = altered({
    list: async (path) => {
      const shard = path.slice(-2)
      if (shards.has(shard)) return (shards.get(shard) as string[]).map((name) => ({ name, kind: 'file' as const }))
      return [...shards.keys()].map((name) => ({ name, kind: 'directory' as const }))
    },
    // There are no such directories.
    syncDirectory: async () => undefined,
    read: (path, maxBytes) => {
      if (!path.endsWith('layout.json')) reads++
      return nodeFileSystem.read(path, maxBytes)
    },
  })
  await using folder = await tempFolder()
  const store = newStore(folder.path, {}, listing)
  await store.start(never)
  assert.equal(store.size, 100_000)
  assert.deepEqual([...store.keys()], names.sort())
  assert.equal(reads, 0)
  await store.stop()
})

test('folders that must not be opened are refused and let go again', async () => {
  for (const [layout, why] of [
    ['{"schema":2,"scheme":"suffix-hex","shard_chars":2,"depth":1,"name_encoding":"lower-hex"}', /newer/],
    ['{', /no JSON/],
    [' '.repeat(65 * 1024), /long/],
  ] as const) {
    await using folder = await tempFolder()
    await mkdir(join(folder.path, 'chunks'))
    await writeFile(join(folder.path, 'chunks', 'layout.json'), layout)
    const store = newStore(folder.path)
    await assert.rejects(store.start(never), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'STORAGE_LAYOUT')
      return why.test(error.message)
    })
    await rm(join(folder.path, 'chunks', 'layout.json'))
    await store.start(never)
    await store.stop()
  }
})

test('a shard that cannot be listed keeps the folder closed', async () => {
  await using folder = await tempFolder()
  await plant(folder.path, chunk(1).address, chunk(1).content)
  const broken = altered({
    list: (path) => (path.endsWith('chunks') ? nodeFileSystem.list(path) : Promise.reject(new Error('EIO'))),
  })
  await assert.rejects(newStore(folder.path, {}, broken).start(never), { code: 'STORAGE_IO' })
})

test('one wrong byte: the read fails, the file is gone, a put brings it back', () =>
  withStore(async (store, directory) => {
    const { address, content } = chunk(1)
    await store.put(address, content)
    const bytes = content.slice()
    bytes[17] = (bytes[17] as number) ^ 1
    await writeFile(fileOf(directory, address), bytes)
    await assert.rejects(store.get(address), { code: 'STORAGE_CORRUPT' })
    assert.equal(store.stats().verificationFailures, 1)
    assert.equal(store.has(address), false)
    await assert.rejects(readFile(fileOf(directory, address)), { code: 'ENOENT' })
    assert.equal(await store.get(address), undefined)
    assert.equal(await store.put(address, content), 'stored')
    assert.deepEqual(await store.get(address), content)
  }))

test('bytes that are right at the second look are served and kept', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(1)
  let looks = 0
  const flickering = altered({
    read: async (path, maxBytes) => {
      const found = await nodeFileSystem.read(path, maxBytes)
      if (path.endsWith(address) && looks++ === 0 && found.kind === 'found')
        return { ...found, bytes: new Uint8Array(3) }
      return found
    },
  })
  await plant(folder.path, address, content)
  const store = newStore(folder.path, {}, flickering)
  await store.start(never)
  assert.deepEqual(await store.get(address), content)
  assert.equal(store.stats().verificationFailures, 1)
  assert.equal(store.has(address), true)
  await store.stop()
})

test('without verify_on_read bytes are served as they lie', async () => {
  await using folder = await tempFolder()
  const { address } = chunk(1)
  await plant(folder.path, address, new Uint8Array(3))
  const store = newStore(folder.path, { verifyOnRead: false })
  await store.start(never)
  assert.deepEqual(await store.get(address), new Uint8Array(3))
  await store.stop()
})

test('repair and put replace wrong bytes', () =>
  withStore(async (store, directory) => {
    for (const way of ['repair', 'put'] as const) {
      const { address, content } = chunk(2)
      await store.put(address, content)
      await writeFile(fileOf(directory, address), 'wrong')
      assert.equal(await store[way](address, content), 'repaired')
      assert.deepEqual(await store.get(address), content)
    }
  }))

test('a file that vanished is not found, then stored anew', () =>
  withStore(async (store, directory) => {
    const { address, content } = chunk(3)
    await store.put(address, content)
    await rm(fileOf(directory, address))
    assert.equal(await store.get(address), undefined)
    assert.equal(store.has(address), false)
    await store.put(address, content)
    await rm(join(directory, 'chunks', address.slice(-2)), { recursive: true })
    await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
    assert.equal(await store.put(address, content), 'stored')
  }))

test('a read error hides the chunk, fails a put, deletes nothing; a good read brings it back', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(4)
  let broken = false
  const failing = altered({
    read: (path, maxBytes) =>
      broken && path.endsWith(address) ? Promise.reject(new Error('EIO')) : nodeFileSystem.read(path, maxBytes),
  })
  const store = newStore(folder.path, {}, failing)
  await store.start(never)
  await store.put(address, content)
  broken = true
  await assert.rejects(store.get(address), { code: 'STORAGE_IO' })
  assert.deepEqual([store.has(address), store.size, [...store.keys()]], [false, 0, []])
  await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
  await assert.rejects(store.repair(address, content), { code: 'STORAGE_IO' })
  broken = false
  assert.deepEqual(await store.get(address), content)
  assert.equal(store.has(address), true)
  await store.stop()
})

test('links, devices and oversized files in a chunk place are never opened', () =>
  withStore(async (store, directory) => {
    const { address, content } = chunk(5)
    const file = fileOf(directory, address)
    await store.put(address, content)
    await rename(file, `${file}.kept`)
    await symlink(`${file}.kept`, file)
    await assert.rejects(store.get(address), { code: 'STORAGE_IO' })
    await rm(file)
    await symlink('/dev/zero', file)
    await assert.rejects(store.get(address), { code: 'STORAGE_IO' })
    await rm(file)
    await writeFile(file, new Uint8Array(MAX_CHUNK_BYTES + 1))
    await assert.rejects(store.get(address), { code: 'STORAGE_IO' })
    await rm(file)
    await rename(`${file}.kept`, file)
    assert.deepEqual(await store.get(address), content)
  }))

test('failures of a write: temp removed, chunk absent, room given back', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(6)
  let failing: 'write' | 'sync' | 'rename' | undefined
  const fail = (step: string) => {
    // An error that says nothing of the disk as a whole.
    if (failing === step) throw Object.assign(new Error(`${step} failed`), { code: 'EINVAL' })
  }
  const faulty = altered({
    create: async (path) => {
      const file = await nodeFileSystem.create(path)
      const step = (name: 'write' | 'sync') => async (bytes: Uint8Array) => {
        fail(name)
        await file[name](bytes)
      }
      return { write: step('write'), sync: () => step('sync')(content), close: () => file.close() }
    },
    rename: async (from, to) => {
      fail('rename')
      await nodeFileSystem.rename(from, to)
    },
  })
  const store = newStore(folder.path, {}, faulty)
  await store.start(never)
  for (failing of ['write', 'sync', 'rename'] as const) {
    await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
    assert.equal(store.has(address), false)
    assert.deepEqual(await readdir(join(folder.path, 'chunks', address.slice(-2))), [])
  }
  failing = undefined
  assert.equal(await store.put(address, content), 'stored')
  await store.stop()
})

test('a name that could not be flushed is no success, and no duplicate until it is flushed', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(7)
  let flushes = 0
  let broken = false
  const faulty = altered({
    syncDirectory: async (path) => {
      if (!path.endsWith(address.slice(-2))) return nodeFileSystem.syncDirectory(path)
      flushes++
      if (broken) throw new Error('EIO')
    },
  })
  const store = newStore(folder.path, {}, faulty)
  await store.start(never)
  broken = true
  await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
  assert.equal(store.has(address), false)
  await assert.rejects(store.put(address, content), { code: 'STORAGE_IO' })
  assert.deepEqual(await store.get(address), content)
  assert.equal(store.has(address), false, 'good bytes do not make a name durable')
  broken = false
  flushes = 0
  assert.equal(await store.put(address, content), 'duplicate')
  assert.deepEqual([flushes, store.has(address)], [1, true])
  await store.stop()
})

test('unknown free space refuses writes, not reads', async () => {
  await using folder = await tempFolder()
  const [held, fresh] = [chunk(8), chunk(9)]
  await plant(folder.path, held.address, held.content)
  const store = newStore(folder.path, {}, altered({ freeBytes: () => Promise.reject(new Error('EIO')) }))
  await store.start(never)
  await assert.rejects(store.put(fresh.address, fresh.content), { code: 'STORAGE_IO' })
  assert.deepEqual([await store.capacity(), await store.admits(1)], ['unknown', false])
  assert.deepEqual(await store.get(held.address), held.content)
  await store.stop()
})

test('the waiting line of a shard is bounded', async () => {
  await using folder = await tempFolder()
  const { address, content } = chunk(10)
  const gate = Promise.withResolvers<void>()
  const slow = altered({
    rename: async (from, to) => {
      if (to.endsWith(address)) await gate.promise
      await nodeFileSystem.rename(from, to)
    },
  })
  const store = newStore(folder.path, { maxWaitingPerShard: 2 }, slow)
  await store.start(never)
  const puts = Array.from({ length: 4 }, () => store.put(address, content))
  await assert.rejects(Promise.any([puts[3] as Promise<unknown>]), (error: AggregateError) => {
    assert.equal((error.errors[0] as { code: string }).code, 'STORAGE_BUSY')
    return true
  })
  const stopped = store.stop()
  await assert.rejects(async () => store.put(address, content), { code: 'STORAGE_CLOSED' })
  gate.resolve()
  await stopped
  assert.deepEqual(await Promise.all(puts.slice(0, 3)), ['stored', 'duplicate', 'duplicate'])
})

test('a second opener in this process is refused by pid; the folder is free after stop', async () => {
  await using folder = await tempFolder()
  const [first, second] = [newStore(folder.path), newStore(folder.path)]
  await first.start(never)
  await assert.rejects(second.start(never), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'STORAGE_LOCKED')
    return error.message.includes(`process ${process.pid}`)
  })
  await first.stop()
  await second.start(never)
  await second.stop()
})

test('a folder that may not be written says so', {
  skip: process.getuid?.() === 0 ? 'root may write' : false,
}, async () => {
  await using folder = await tempFolder()
  await chmod(folder.path, 0o500)
  await assert.rejects(newStore(folder.path).start(never), { code: 'STORAGE_READ_ONLY' })
  await chmod(folder.path, 0o700)
})

test('nothing here needs a real clock', async () => {
  await using folder = await tempFolder()
  const store = createFileChunkStore(folder.path, { clock: new SimClock(), random: seededRandom(1) })
  await store.start(never)
  const { address, content } = chunk(11)
  assert.equal(await store.put(address, content), 'stored')
  await store.stop()
})
