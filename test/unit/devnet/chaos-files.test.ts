/** Damage to chunk files, and telling sound ones from others. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { bringDiskBack, ChunkFiles, corruptChunks, takeDiskAway } from '../../../src/devnet/chaos/chunk-files.ts'
import { tempFolder } from '../../support/temp.ts'

async function putChunk(root: string, content: Uint8Array): Promise<string> {
  const address = toHex(backend().blake3(content))
  await mkdir(join(root, 'chunks', address.slice(-2)), { recursive: true })
  await writeFile(join(root, 'chunks', address.slice(-2), address), content)
  return address
}

test('sound copies are those with the very bytes, also on a disk that is away', async () => {
  await using temp = await tempFolder()
  const roots = ['a', 'b', 'c'].map((name) => join(temp.path, name))
  const [first, second] = roots as [string, string, string]
  const content = new Uint8Array(1000).fill(3)
  const address = await putChunk(first, content)
  await putChunk(second, content)
  const files = new ChunkFiles()
  const holders = async () => [...(await files.holders(roots, address))]
  assert.deepEqual(await holders(), [0, 1])
  assert.deepEqual(await corruptChunks(first, seededRandom(1)), [address])
  const damaged = await readFile(join(first, 'chunks', address.slice(-2), address))
  assert.equal(damaged.length, content.length)
  assert.equal(damaged.filter((byte) => byte !== 3).length, 1, 'one byte differs')
  assert.deepEqual(await holders(), [1], 'a second look sees the damage')
  await takeDiskAway(second)
  assert.deepEqual(await holders(), [1])
  await bringDiskBack(second)
  await putChunk(first, content)
  assert.deepEqual(await holders(), [0, 1])
})

test('nothing to corrupt is no error; a folder in the place of a disk that is away is', async () => {
  await using temp = await tempFolder()
  assert.deepEqual(await corruptChunks(join(temp.path, 'none'), seededRandom(1)), [])
  const root = join(temp.path, 'node')
  await putChunk(root, new Uint8Array(10))
  await takeDiskAway(root)
  await putChunk(root, new Uint8Array(11))
  await assert.rejects(bringDiskBack(root), { code: 'ENOTEMPTY' })
})
