import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { DevnetError } from '../../../src/devnet/errors.ts'
import { DevnetFolder } from '../../../src/devnet/folder.ts'
import { tempFolder } from '../../support/temp.ts'

const CLAIM = { createdAt: '2026-01-01T00:00:00.000Z', keep: false, supervisor: null }

test('a folder that we made goes whole', async () => {
  await using temp = await tempFolder()
  const folder = new DevnetFolder(join(temp.path, 'net'))
  assert.equal((await folder.claim(CLAIM)).made_folder, true)
  await writeFile(join(folder.rootDir(0).replace(/node-0$/, ''), 'x'), '')
  await folder.remove()
  assert.deepEqual(await readdir(temp.path), [])
})

test('a folder that was there stays, without what we put in it', async () => {
  await using temp = await tempFolder()
  const folder = new DevnetFolder(temp.path)
  assert.equal((await folder.claim(CLAIM)).made_folder, false)
  await writeFile(join(temp.path, 'mine.txt'), 'of the user')
  await folder.remove()
  assert.deepEqual(await readdir(temp.path), ['mine.txt'])
})

test('a folder with something else in it is refused and left alone', async () => {
  await using temp = await tempFolder()
  await mkdir(join(temp.path, 'nodes'))
  await writeFile(join(temp.path, 'nodes', 'node_identity.key'), 'precious')
  const folder = new DevnetFolder(temp.path)
  await assert.rejects(folder.claim(CLAIM), (error) => error instanceof DevnetError && error.code === 'DEVNET_FOLDER')
  await folder.remove()
  assert.deepEqual(await readdir(join(temp.path, 'nodes')), ['node_identity.key'])
})

test('a foreign devnet.json is no mark of ours', async () => {
  await using temp = await tempFolder()
  for (const text of ['{', '{"nodes":[]}', '{"mark":"other","nodes":[]}', '[]', 'null']) {
    await writeFile(join(temp.path, 'devnet.json'), text)
    await assert.rejects(new DevnetFolder(temp.path).claim(CLAIM), DevnetError, text)
  }
})
