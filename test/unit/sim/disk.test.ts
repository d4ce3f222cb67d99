import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/base/index.ts'
import { SimDisk } from '../../../src/sim/index.ts'

test('a power loss repairs no disk; it is over itself', async () => {
  const disk = new SimDisk()
  disk.plant('/node/file', new Uint8Array(3))
  disk.fail({ failing: 'reads', powerLostAfter: 0 })
  disk.crash('flushed', seededRandom(1))
  await assert.rejects(disk.read('/node/file', 10), { code: 'EIO' })
  await (await disk.create('/node/new')).close() // writes work, and the power is back
})

test('a power loss takes what was not flushed of a disk that is away, too', async () => {
  const disk = new SimDisk()
  disk.plant('/node/file', new Uint8Array(3))
  const file = await disk.create('/node/late')
  await file.write(new Uint8Array(3))
  disk.unplug('/node')
  disk.crash('flushed', seededRandom(1))
  assert.ok(disk.unplugged)
  assert.deepEqual([...disk.files().keys()], [])
  disk.plugIn()
  assert.deepEqual([...disk.files().keys()], ['/node/file'])
})
