import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../src/base/index.ts'
import { DevnetError } from '../../../src/devnet/errors.ts'
import { DevnetFolder } from '../../../src/devnet/folder.ts'
import { tempFolder } from '../../support/temp.ts'

const CLAIM = { createdAt: '2026-01-01T00:00:00.000Z', keep: false, supervisor: null }

test('a folder that we made goes whole', async () => {
  await using temp = await tempFolder()
  const folder = new DevnetFolder(join(temp.path, 'net'))
  await folder.claim(CLAIM)
  await writeFile(join(folder.rootDir(0).replace(/node-0$/, ''), 'x'), '')
  await folder.remove()
  assert.deepEqual(await readdir(temp.path), [])
})

test('a folder goes with its network although another starter than its maker won it', async () => {
  await using temp = await tempFolder()
  const path = join(temp.path, 'net')
  const claimFile = join(path, 'devnet.claim')
  const [maker, winner] = [new DevnetFolder(path), new DevnetFolder(path)]
  const whileTheOtherClaims: Clock = {
    ...systemClock,
    sleep: () => rm(claimFile).then(async () => void (await winner.claim(CLAIM))),
  }
  const refuse = () => {
    throw new DevnetError('DEVNET_RUNNING', 'another one is starting')
  }
  const lost = maker.claim(CLAIM, refuse, whileTheOtherClaims)
  // The folder is there and its maker has not gone on, because this thread has not: the claim is another one's.
  while (!existsSync(path));
  writeFileSync(claimFile, '')
  await assert.rejects(lost, /another one is starting/)
  await winner.remove()
  assert.deepEqual(await readdir(temp.path), [])
})

test('a folder that was there stays, without what we put in it', async () => {
  await using temp = await tempFolder()
  const folder = new DevnetFolder(temp.path)
  await folder.claim(CLAIM)
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
