/** Reads of a chunk store whose files are wrong, gone or unreadable: what is served, hidden, removed, put right. */
import assert from 'node:assert/strict'
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { MAX_CHUNK_BYTES } from '../../../src/protocol/index.ts'
import { nodeFileSystem } from '../../../src/storage/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { altered, chunk, fileOf, newStore, plant, withStore } from './fixtures.ts'

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
