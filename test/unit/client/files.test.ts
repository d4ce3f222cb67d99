import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { seededRandom } from '../../../src/base/index.ts'
import type { ClientError, Progress } from '../../../src/client/index.ts'
import { encodeManifest } from '../../../src/client/manifest.ts'
import { encodeDataMap, MAX_PLAIN_CHUNK_BYTES, sourceFromBytes } from '../../../src/self-encryption/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { addressOf, World } from './world.ts'

const fast = { latencyMs: 0, lookupMs: 0 }

function bytes(length: number, seed = 1): Uint8Array {
  return seededRandom(seed).bytes(length)
}

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

  it('a missing chunk is named and nothing is left behind', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 8, ...fast, options: { fetchRetryDelaysMs: [] } })
    await world.runNow(async (client) => {
      const { dataMap, addresses } = await client.uploadFile(sourceFromBytes(bytes(50_000)))
      const gone = addresses[1] as (typeof addresses)[0]
      for (const { chunks } of world.storers) chunks.delete(gone)
      await assert.rejects(client.downloadTo(dataMap, join(folder.path, 'out')), (error: ClientError) => {
        assert.equal(error.code, 'CLIENT_NOT_FOUND')
        assert.ok(error.message.includes(gone))
        return true
      })
      assert.deepEqual(await readdir(folder.path), [])
    })
  })

  it('a chunk that is away for a while is waited for', async () => {
    const world = new World({ peers: 8 })
    const hold = world.pump.hold()
    await using folder = await tempFolder()
    hold()
    const content = bytes(600)
    const result = await world.run(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(content))
      for (const storer of world.storers) storer.fault = { kind: 'forgetful' }
      world.clock.timer(3000, () => {
        for (const storer of world.storers) storer.fault = undefined
      })
      return client.readRange(dataMap, 0, 600)
    })
    assert.deepEqual(result, content)
    assert.ok(folder.path)
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

  it('a file that changes while it is read is refused', async () => {
    await using folder = await tempFolder()
    const source = join(folder.path, 'in')
    await writeFile(source, bytes(1000))
    const world = new World({ peers: 4, ...fast })
    let touched = Promise.resolve()
    const original = world.client.uploadFile.bind(world.client)
    const onProgress = () => {
      touched = writeFile(source, bytes(1000, 2))
    }
    await world.runNow(async () => {
      // The first report comes after reading began and before the file is looked at again.
      const slow = {
        size: 1000,
        read: async () => bytes(10),
      }
      await assert.rejects(original({ ...slow, read: async () => new Uint8Array() }), { code: 'CLIENT_SOURCE_CHANGED' })
      await original(source, { onProgress }).catch((error) => assert.equal(error.code, 'CLIENT_SOURCE_CHANGED'))
      await touched
    })
  })

  it('a partial upload says what was stored and what was not', async () => {
    const world = new World({ peers: 8, options: { putRetryDelaysMs: [], storeConcurrency: 1 } })
    let puts = 0
    const result = world.run(async (client) =>
      client.uploadFile(sourceFromBytes(bytes(3 * MAX_PLAIN_CHUNK_BYTES + 10)), {
        onProgress: () => {
          if (++puts === 4) for (const storer of world.storers) storer.fault = { kind: 'full' }
        },
      }),
    )
    await assert.rejects(result, (error: ClientError) => {
      assert.equal(error.code, 'CLIENT_PARTIAL_UPLOAD')
      const { total, stored, failed, notTried } = error.data as Record<string, number>
      assert.equal(total, 7)
      assert.equal((stored as number) + (failed as number) + (notTried as number), 7)
      assert.ok((stored as number) >= 4 && (failed as number) >= 1)
      assert.equal((error.cause as ClientError).code, 'CLIENT_REFUSED')
      return true
    })
  })

  it('an upload to a network that is gone stops early', async () => {
    const world = new World({
      peers: 4,
      options: { putRetryDelaysMs: [], failuresInARow: 2, storeConcurrency: 1, uploadBudgetBytes: 1 },
    })
    for (const storer of world.storers) storer.fault = { kind: 'dead' }
    await assert.rejects(
      world.run((client) => client.uploadFile(sourceFromBytes(bytes(6 * MAX_PLAIN_CHUNK_BYTES)))),
      (error: ClientError) => {
        assert.equal(error.code, 'CLIENT_PARTIAL_UPLOAD')
        assert.ok((error.data['failed'] as number) <= 3, `${error.data['failed']} were tried`)
        return true
      },
    )
  })

  it('cancelling an upload and a download leaves nothing running', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    const big = bytes(4 * MAX_PLAIN_CHUNK_BYTES)
    await world.runNow(async (client) => {
      const { dataMap } = await client.uploadFile(sourceFromBytes(big))
      const up = new AbortController()
      const content = bytes(4 * MAX_PLAIN_CHUNK_BYTES, 9)
      await assert.rejects(
        client.uploadFile(sourceFromBytes(content), { signal: up.signal, onProgress: () => up.abort() }),
        { code: 'CLIENT_CANCELLED' },
      )
      const down = new AbortController()
      await assert.rejects(
        client.downloadTo(dataMap, join(folder.path, 'out'), {
          signal: down.signal,
          onProgress: ({ done }) => done > 1 && down.abort(),
        }),
        { code: 'CLIENT_CANCELLED' },
      )
    })
    assert.deepEqual(await readdir(folder.path), [])
    assert.equal(world.clock.pending, 0, 'no timer is left')
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

/** path → what stands there; enough to compare two folders. */
async function describeTree(root: string, prefix = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(join(root, prefix))).sort()) {
    const path = prefix ? `${prefix}/${name}` : name
    const full = join(root, path)
    const { mode } = await lstat(full)
    const kind = await lstat(full)
    if (kind.isSymbolicLink()) found[path] = `-> ${await readlink(full)}`
    else if (kind.isDirectory()) {
      found[path] = `dir ${(mode & 0o777).toString(8)}`
      Object.assign(found, await describeTree(root, path))
    } else found[path] = `file ${(mode & 0o777).toString(8)} ${addressOf(await readFile(full))}`
  }
  return found
}

async function oddFolder(path: string): Promise<void> {
  await mkdir(join(path, 'empty'), { recursive: true })
  await mkdir(join(path, 'deep/er/est'), { recursive: true })
  for (const size of [0, 1, 2, 3, 100_000]) await writeFile(join(path, `file-${size}`), bytes(size, size + 1))
  await writeFile(join(path, 'deep/er/est/leaf.txt'), 'leaf')
  await writeFile(join(path, 'deep/er/copy-a'), bytes(100_000, 100_001))
  await writeFile(join(path, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(join(path, 'secret'), 'for me only', { mode: 0o600 })
  await writeFile(join(path, 'Füße 🐜 日本.txt'), 'unicode')
  await writeFile(join(path, 'a:b?*<>|"x'), 'odd but fine here')
  await writeFile(join(path, 'a!'), 'sorts between a and a/')
  await mkdir(join(path, 'a'))
  await writeFile(join(path, 'a/b'), 'b')
  await symlink('file-3', join(path, 'link'))
  await symlink('../../file-3', join(path, 'deep/er/up'))
  await symlink('nowhere', join(path, 'dangling'))
  await symlink('deep', join(path, 'to-folder'))
  await mkdir(join(path, 'locked'))
  await writeFile(join(path, 'locked/inside'), 'read only folder')
  await chmod(join(path, 'locked'), 0o555)
  await chmod(path, 0o750)
}

describe('directories', () => {
  it('come back as they were: empty folders, tiny files, modes, links, unicode', async () => {
    await using folder = await tempFolder()
    const source = join(folder.path, 'source')
    await mkdir(source)
    await oddFolder(source)
    const world = new World({ peers: 8, ...fast })
    await world.runNow(async (client) => {
      const up = await client.upload(source, { public: true })
      assert.equal(up.kind, 'directory')
      assert.deepEqual(up.skipped, [])
      assert.equal(up.files, 14)
      assert.equal(up.addresses.length, up.chunks)
      assert.equal(up.chunksStored, up.chunks, 'all new')
      for (const address of up.addresses) assert.ok(world.holders(address).length >= 4)
      const out = join(folder.path, 'out')
      const down = await client.downloadTo(up.address as string, out)
      assert.deepEqual([down.kind, down.files, down.size], ['directory', 14, up.size])
      assert.deepEqual(await describeTree(out), await describeTree(source))
      assert.equal((await stat(out)).mode & 0o777, 0o750, 'of the folder itself too')
      const again = await client.uploadDirectory(out)
      assert.deepEqual(again.dataMap, up.dataMap, 'the same folder has the same map')
      assert.equal(again.chunksStored, 0)
      for (const path of [source, out]) await chmod(join(path, 'locked'), 0o755)
    })
    assert.deepEqual((await readdir(folder.path)).sort(), ['out', 'source'], 'no temporary folder is left')
  })

  it('an empty folder', async () => {
    await using folder = await tempFolder()
    await mkdir(join(folder.path, 'empty'))
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap } = await client.upload(join(folder.path, 'empty'))
      await client.downloadTo(dataMap, join(folder.path, 'out'))
    })
    assert.deepEqual(await readdir(join(folder.path, 'out')), [])
  })

  it('links that lead outside and odd names are left out and named', async () => {
    await using folder = await tempFolder()
    const source = join(folder.path, 'source')
    await mkdir(source)
    await writeFile(join(source, 'good'), 'good')
    await writeFile(join(source, 'line\nbreak'), 'x')
    await symlink('/etc/passwd', join(source, 'absolute'))
    await symlink('../outside', join(source, 'up'))
    await symlink('good/../../outside', join(source, 'sly'))
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap, skipped } = await client.upload(source)
      assert.deepEqual(
        skipped?.map(({ path }) => path),
        ['absolute', 'line\nbreak', 'sly', 'up'],
      )
      await client.downloadTo(dataMap, join(folder.path, 'out'))
    })
    assert.deepEqual(await readdir(join(folder.path, 'out')), ['good'])
  })

  it('an existing folder: refused, or merged when told, and then what it had stays', async () => {
    await using folder = await tempFolder()
    const [source, out] = [join(folder.path, 'source'), join(folder.path, 'out')]
    await mkdir(join(source, 'sub'), { recursive: true })
    await writeFile(join(source, 'sub/new'), 'new')
    await writeFile(join(source, 'same'), 'from the network')
    await mkdir(join(out, 'sub'), { recursive: true })
    await writeFile(join(out, 'sub/old'), 'old')
    await writeFile(join(out, 'same'), 'local')
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap } = await client.upload(source)
      await assert.rejects(client.downloadTo(dataMap, out), { code: 'CLIENT_EXISTS' })
      assert.equal(await readFile(join(out, 'same'), 'utf8'), 'local')
      await client.downloadTo(dataMap, out, { overwrite: true })
      assert.equal(await readFile(join(out, 'same'), 'utf8'), 'from the network')
      assert.deepEqual((await readdir(join(out, 'sub'))).sort(), ['new', 'old'])
      const empty = join(folder.path, 'empty')
      await mkdir(empty)
      await client.downloadTo(dataMap, empty)
      assert.deepEqual((await readdir(empty)).sort(), ['same', 'sub'])
    })
    assert.deepEqual((await readdir(folder.path)).sort(), ['empty', 'out', 'source'])
  })

  it('merging never writes through a link that stands in the way', async () => {
    await using folder = await tempFolder()
    const [source, out, outside] = ['source', 'out', 'outside'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ]
    await mkdir(join(source, 'sub'), { recursive: true })
    await writeFile(join(source, 'sub/file'), 'new')
    await mkdir(out)
    await mkdir(outside)
    await symlink(outside, join(out, 'sub'))
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const { dataMap } = await client.upload(source)
      await assert.rejects(client.downloadTo(dataMap, out, { overwrite: true }), { code: 'CLIENT_EXISTS' })
    })
    assert.deepEqual(await readdir(outside), [])
    assert.deepEqual((await readdir(folder.path)).sort(), ['out', 'outside', 'source'])
  })

  it('a missing chunk of one file leaves no folder behind and names the file', async () => {
    await using folder = await tempFolder()
    const source = join(folder.path, 'source')
    await mkdir(source)
    await writeFile(join(source, 'one'), bytes(1000, 1))
    await writeFile(join(source, 'two'), bytes(1000, 2))
    const world = new World({ peers: 8, ...fast, options: { fetchRetryDelaysMs: [] } })
    await world.runNow(async (client) => {
      const { dataMap } = await client.upload(source)
      const one = await client.uploadFile(join(source, 'one'))
      for (const { chunks } of world.storers) chunks.delete(one.addresses[0] as (typeof one.addresses)[0])
      await assert.rejects(client.downloadTo(dataMap, join(folder.path, 'out')), (error: ClientError) => {
        assert.equal(error.code, 'CLIENT_NOT_FOUND')
        assert.ok(error.message.startsWith('one: '), error.message)
        return true
      })
    })
    assert.deepEqual(await readdir(folder.path), ['source'])
  })

  it('a manifest that lies about a size is refused', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    await world.runNow(async (client) => {
      const file = await client.uploadFile(sourceFromBytes(bytes(1000)))
      const entries = [{ path: 'f', mode: 0o644, kind: 'file' as const, size: 999, dataMap: file.dataMap }]
      const { dataMap } = await client.uploadFile(sourceFromBytes(encodeManifest({ mode: 0o755, entries })))
      await assert.rejects(client.downloadTo(dataMap, join(folder.path, 'out')), { code: 'CLIENT_BAD_MANIFEST' })
    })
    assert.deepEqual(await readdir(folder.path), [])
  })

  it('a hostile data map inside a manifest is refused', async () => {
    await using folder = await tempFolder()
    const world = new World({ peers: 4, ...fast })
    const map = encodeDataMap({ entries: [], child: null })
    await world.runNow(async (client) => {
      const entries = [{ path: 'f', mode: 0o644, kind: 'file' as const, size: 5, dataMap: map }]
      const { dataMap } = await client.uploadFile(sourceFromBytes(encodeManifest({ mode: 0o755, entries })))
      await assert.rejects(client.downloadTo(dataMap, join(folder.path, 'out')), { code: 'CLIENT_BAD_MANIFEST' })
    })
    assert.deepEqual(await readdir(folder.path), [])
  })
})
