/** The paid list is the file of the network's stock node: its folder opens here, and ours has its format. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { never } from '../../src/base/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'
import { createLmdbPaidList, PAID_LIST_BATCH } from '../../src/storage/index.ts'
import { backendsUnderTest } from '../support/backends.ts'
import { tempFolder } from '../support/temp.ts'

const skip = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false

interface Vectors {
  readonly data_mdb_gzip_base64: string
  readonly keys: readonly ChunkAddress[]
}

async function vectors(): Promise<Vectors> {
  return JSON.parse(await readFile(join(import.meta.dirname, '../vectors/paid-list.json'), 'utf8')) as Vectors
}

test('a folder of a stock node opens, keeps its addresses and takes new ones', { skip }, async () => {
  await using folder = await tempFolder()
  const { data_mdb_gzip_base64, keys } = await vectors()
  await mkdir(join(folder.path, 'paid_list.mdb'))
  await writeFile(
    join(folder.path, 'paid_list.mdb', 'data.mdb'),
    gunzipSync(Buffer.from(data_mdb_gzip_base64, 'base64')),
  )
  const list = createLmdbPaidList(folder.path)
  await list.start(never)
  assert.deepEqual([list.page(undefined, PAID_LIST_BATCH), list.size], [keys, keys.length])
  assert.equal(await list.insert(keys[7] as ChunkAddress), false)
  assert.equal(await list.insert('ab'.repeat(32) as ChunkAddress), true)
  assert.equal(await list.removeBatch(keys.slice(0, 3)), 3)
  await list.stop()
  await list.start(never)
  assert.deepEqual(list.page(undefined, 2), keys.slice(3, 5))
  await list.stop()
})

test('our file has data version 1 and one unnamed database', { skip }, async () => {
  await using folder = await tempFolder()
  const list = createLmdbPaidList(folder.path)
  await list.start(never)
  await list.insert('ab'.repeat(32) as ChunkAddress)
  await list.stop()
  const bytes = await readFile(join(folder.path, 'paid_list.mdb', 'data.mdb'))
  assert.deepEqual(
    [bytes.readUInt32LE(16), bytes.readUInt32LE(20)],
    [0xbeefc0de, 1],
    'magic and version of the first meta page',
  )
  assert.equal(bytes.readBigUInt64LE(32), BigInt(256 << 20), 'map size')
})

test('what is no paid list is refused and left as it is', { skip }, async () => {
  await using folder = await tempFolder()
  await mkdir(join(folder.path, 'paid_list.mdb'))
  const file = join(folder.path, 'paid_list.mdb', 'data.mdb')
  for (const bytes of [new Uint8Array(20_000).fill(7), await versionTwo()]) {
    await writeFile(file, bytes)
    await assert.rejects(createLmdbPaidList(folder.path).start(never), { code: 'STORAGE_LAYOUT' })
    assert.deepEqual(new Uint8Array(await readFile(file)), bytes)
  }
})

/** The meta pages that the npm package `lmdb` writes: the process must not fall over them. */
async function versionTwo(): Promise<Uint8Array> {
  const { data_mdb_gzip_base64 } = await vectors()
  const bytes = new Uint8Array(gunzipSync(Buffer.from(data_mdb_gzip_base64, 'base64')))
  for (const page of [0, 4096]) bytes[page + 20] = 2
  return bytes
}

test('a second opener in this process is refused', { skip }, async () => {
  await using folder = await tempFolder()
  const [first, second] = [createLmdbPaidList(folder.path), createLmdbPaidList(folder.path)]
  await first.start(never)
  await assert.rejects(second.start(never), { code: 'STORAGE_LOCKED' })
  await first.stop()
  await second.start(never)
  await second.stop()
})
