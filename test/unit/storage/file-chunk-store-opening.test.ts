/** Opening the folder of a chunk store: its layout, what is indexed, tidied up or left alone, what stays closed. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Bytes, createLogger, never, seededRandom, systemClock, toHex } from '../../../src/base/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import { createFileChunkStore, nodeFileSystem } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { altered, chunk, fileOf, newStore, plant, withStore } from './fixtures.ts'

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
