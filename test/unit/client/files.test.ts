/** Files go up and come back, by data map and by address, whole and in ranges, over nothing that was there. */
import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Progress } from '../../../src/client/index.ts'
import { encodeManifest } from '../../../src/client/manifest.ts'
import { MAX_PLAIN_CHUNK_BYTES, sourceFromBytes } from '../../../src/self-encryption/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { addressOf, bytes, fast, World } from './world.ts'

describe('files', () => {
  for (const size of [3, 4, 1000, 200_000]) {
    it(`${size} bytes go up and come back, by data map and by address`, async () => {
      await using folder = await tempFolder()
      const content = bytes(size)
      const source = join(folder.path, 'in.bin')
      await writeFile(source, content)
      const world = new World({ peers: 8, ...fast })
      await world.runNow(async (client) => {
        const hidden = await client.uploadFile(source)
        assert.deepEqual([hidden.kind, hidden.chunks, hidden.chunksStored, hidden.size], ['file', 3, 3, size])
        assert.equal(hidden.address, undefined)
        const shared = await client.uploadFile(source, { public: true })
        assert.deepEqual([shared.chunks, shared.chunksStored], [4, 1], 'only the map is new')
        assert.equal(shared.address, addressOf(shared.dataMap))
        assert.equal(shared.addresses.length, 4)
        for (const [name, reference] of [
          ['a', hidden.dataMap],
          ['b', shared.address as string],
        ] as const) {
          const out = join(folder.path, name)
          const result = await client.downloadTo(reference, out)
          assert.deepEqual([result.kind, result.size, result.files], ['file', size, 1])
          assert.deepEqual(new Uint8Array(await readFile(out)), content)
        }
      })
      assert.deepEqual((await readdir(folder.path)).sort(), ['a', 'b', 'in.bin'], 'nothing else is left')
    })
  }

  it('a file above 12 MiB with a shrunk map, read as a whole and in ranges', async () => {
    const content = bytes(3 * MAX_PLAIN_CHUNK_BYTES + 1000)
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const reports: Progress[] = []
      const result = await client.uploadFile(sourceFromBytes(content), { onProgress: (p) => reports.push(p) })
      assert.equal(result.chunks, 7, 'four of the file, three of its map')
      const last = reports.at(-1) as Progress
      assert.deepEqual([last.done, last.total, last.bytes, last.totalBytes], [7, 7, content.length, content.length])
      await using folder = await tempFolder()
      const out = join(folder.path, 'out')
      const seen: Progress[] = []
      await client.downloadTo(result.dataMap, out, { onProgress: (p) => seen.push(p) })
      assert.ok(Buffer.from(content).equals(await readFile(out)))
      assert.equal(seen.at(-1)?.bytes, content.length)
      assert.equal(seen[0]?.phase, 'resolving')
      for (const storer of world.storers) storer.received.length = 0
      const start = MAX_PLAIN_CHUNK_BYTES - 5
      const range = await client.readRange(result.dataMap, start, 10)
      assert.deepEqual([...range], [...content.subarray(start, start + 10)])
      const gets = world.storers.reduce((sum, { received }) => sum + received.length, 0)
      assert.equal(gets, 3 + 2, 'the map and the two chunks that overlap')
      assert.equal((await client.readRange(result.dataMap, content.length, 5)).length, 0)
    })
  })

  it('less than 3 bytes: CLIENT_TOO_SMALL', async () => {
    const world = new World({ peers: 4, ...fast })
    for (const size of [0, 1, 2]) {
      await assert.rejects(
        world.runNow((client) => client.uploadFile(sourceFromBytes(bytes(size)))),
        { code: 'CLIENT_TOO_SMALL' },
      )
    }
  })

  it('never overwrites without being told, and leaves nothing half-written', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(bytes(5000)))
      const out = join(folder.path, 'out')
      await writeFile(out, 'precious')
      await assert.rejects(client.downloadTo(dataMap, out), { code: 'CLIENT_EXISTS' })
      assert.equal(await readFile(out, 'utf8'), 'precious')
      await client.downloadTo(dataMap, out, { overwrite: true })
      assert.equal((await stat(out)).size, 5000)
      assert.deepEqual(await readdir(folder.path), ['out'])
    })
  })

  it('a file that appears while the download runs is not overwritten either', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(bytes(5000)))
      const out = join(folder.path, 'out')
      let done = Promise.resolve()
      const onProgress = ({ phase }: Progress) => {
        if (phase === 'downloading') done = writeFile(out, 'precious')
      }
      await assert.rejects(client.downloadTo(dataMap, out, { onProgress }), { code: 'CLIENT_EXISTS' })
      await done
      assert.equal(await readFile(out, 'utf8'), 'precious')
      assert.deepEqual(await readdir(folder.path), ['out'])
    })
  })

  it('bad references: no data map, not an address, an unknown address', async () => {
    const world = new World({ peers: 8, ...fast })
    await using folder = await tempFolder()
    const out = join(folder.path, 'out')
    await world.runNow(async (client) => {
      await assert.rejects(client.downloadTo(new Uint8Array([1, 2, 3]), out), { code: 'CLIENT_BAD_DATA_MAP' })
      await assert.rejects(client.downloadTo(new Uint8Array(), out), { code: 'CLIENT_BAD_DATA_MAP' })
      const { address } = await client.putChunk(bytes(100))
      await assert.rejects(client.downloadTo(address, out), { code: 'CLIENT_BAD_DATA_MAP' })
      await assert.rejects(client.downloadTo('xyz', out), { code: 'PROTOCOL_CHUNK_ADDRESS' })
      await assert.rejects(client.downloadTo('00'.repeat(32), out), { code: 'CLIENT_NOT_FOUND' })
    })
    assert.deepEqual(await readdir(folder.path), [])
  })

  it('content that begins like a manifest comes back as a file when asked for as one', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    const manifest = encodeManifest({ mode: 0o755, entries: [{ path: 'd', mode: 0o755, kind: 'directory' }] })
    await world.runNow(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(manifest))
      const out = join(folder.path, 'file')
      assert.equal((await client.downloadFile(dataMap, out)).kind, 'file')
      assert.deepEqual(new Uint8Array(await readFile(out)), manifest)
      assert.equal((await client.downloadTo(dataMap, join(folder.path, 'dir'))).kind, 'directory')
      await assert.rejects(
        client.downloadTo((await client.uploadFile(sourceFromBytes(bytes(100)))).dataMap, join(folder.path, 'x'), {
          as: 'directory',
        }),
        { code: 'CLIENT_BAD_MANIFEST' },
      )
    })
  })
})
