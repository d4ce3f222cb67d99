/** Directories go up and come back: what is kept, left out, merged or refused. */
import assert from 'node:assert/strict'
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ClientError } from '../../../src/client/index.ts'
import { encodeManifest } from '../../../src/client/manifest.ts'
import { encodeDataMap, sourceFromBytes } from '../../../src/self-encryption/index.ts'
import { tempFolder } from '../../support/temp.ts'
import { addressOf, bytes, fast, World } from './world.ts'

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
