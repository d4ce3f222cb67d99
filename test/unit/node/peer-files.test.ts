import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPeerFiles } from '../../../src/node/peer-files.ts'
import { nodeFileSystem } from '../../../src/storage/index.ts'

test('files: whole or not at all with mode 0600; symlink, FIFO, folder and oversize are refused without blocking', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'myrmex-dht-'))
  try {
    const files = createPeerFiles(nodeFileSystem, folder)
    const path = join(folder, 'routing_snapshot.json')
    assert.equal(await files.read('routing_snapshot.json'), undefined)
    await files.write('routing_snapshot.json', 'text')
    await files.write('routing_snapshot.json', 'newer')
    assert.equal(await files.read('routing_snapshot.json'), 'newer')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['routing_snapshot.json'])

    await writeFile(path, new Uint8Array(512 * 1024 + 1))
    assert.equal(await files.read('routing_snapshot.json'), undefined)
    await rm(path)
    await writeFile(join(folder, 'elsewhere'), 'secret')
    await symlink(join(folder, 'elsewhere'), path)
    assert.equal(await files.read('routing_snapshot.json'), undefined)
    await rm(path)
    execFileSync('mkfifo', [path])
    assert.equal(await files.read('routing_snapshot.json'), undefined)
  } finally {
    await rm(folder, { recursive: true })
  }
})
