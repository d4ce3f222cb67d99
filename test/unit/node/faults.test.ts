/** Faults from a file: what is taken, what is not, and that only a node for tests takes any. */
import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf, silentLogger } from '../../../src/base/index.ts'
import { FaultsFile, NO_FAULTS, parseFaults, writeFaults } from '../../../src/node/faults.ts'
import { resolveNodeSettings } from '../../../src/node/index.ts'
import { SimClock } from '../../../src/sim/index.ts'
import { nodeFileSystem } from '../../../src/storage/index.ts'
import type { LinkCuts } from '../../../src/transport/index.ts'
import { tempFolder } from '../../support/temp.ts'

test('the flag is refused outside of the development network, and off by default', () => {
  const request = { rootDir: '', payment: 'free', mode: 'development' }
  assert.equal(resolveNodeSettings(request).developerFaults, false)
  assert.equal(resolveNodeSettings({ ...request, developerFaults: true }).developerFaults, true)
  for (const mode of ['production', 'testnet'])
    assert.throws(
      () =>
        resolveNodeSettings({
          ...{ rootDir: '', mode, payment: 'required', developerFaults: true },
          rewardsAddress: `0x${'1'.repeat(40)}`,
        }),
      (error) => codeOf(error) === 'NODE_OPTIONS',
      mode,
    )
})

test('what makes no sense is not taken', () => {
  const good = { cut_from: [1, 65535], cut_to: [], free_bytes: 0 }
  assert.deepEqual(parseFaults(JSON.stringify(good)), good)
  assert.deepEqual(parseFaults(JSON.stringify({ ...NO_FAULTS, more: 1 })), NO_FAULTS)
  for (const bad of [
    ...['', '{', 'null', '[]', '{}', '7'],
    ...[{ cut_from: [0] }, { cut_to: [65536] }, { cut_to: ['1'] }, { cut_from: 1 }, { free_bytes: -1 }].map((part) =>
      JSON.stringify({ ...good, ...part }),
    ),
    JSON.stringify({ ...good, free_bytes: 0.5 }),
    JSON.stringify({ ...good, cut_to: Array(1025).fill(1) }),
  ])
    assert.equal(parseFaults(bad), undefined, bad)
})

/** Turns of the loop until the file has been read: the clock is virtual, the disk is not. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 100_000 && !condition(); i++) await new Promise<void>((resolve) => setImmediate(resolve))
  assert.ok(condition())
}

test('faults come and go with the file; a broken one changes nothing', async () => {
  await using temp = await tempFolder()
  const clock = new SimClock()
  const seen: LinkCuts[] = []
  const transport = { cutLinks: (cuts: LinkCuts) => void seen.push(cuts) }
  const file = new FaultsFile(temp.path, { transport, clock, log: silentLogger })
  const disk = file.over(nodeFileSystem)
  const write = async () => {
    const target = await disk.create(join(temp.path, 'chunk'))
    try {
      await target.write(new Uint8Array(10))
    } finally {
      await target.close()
      await disk.unlink(join(temp.path, 'chunk'))
    }
  }
  await file.start()
  assert.deepEqual(seen, [])
  assert.ok((await disk.freeBytes(temp.path)) > 0)
  await write()

  await writeFaults(temp.path, { cut_from: [1], cut_to: [2, 3], free_bytes: 0 })
  clock.fireNext()
  await until(() => seen.length === 1)
  assert.deepEqual(seen, [{ from: [1], to: [2, 3] }])
  assert.equal(await disk.freeBytes(temp.path), 0)
  await assert.rejects(write(), { code: 'ENOSPC' })
  await until(() => clock.pending === 1)

  await writeFile(join(temp.path, 'faults.json'), '{ "cut_from": 7 }')
  clock.fireNext()
  await until(() => clock.pending === 1)
  assert.equal(seen.length, 1)
  assert.equal(await disk.freeBytes(temp.path), 0, 'still full')

  await writeFaults(temp.path, NO_FAULTS)
  clock.fireNext()
  await until(() => seen.length === 2)
  assert.deepEqual(seen[1], { from: [], to: [] })
  await write()
  await until(() => clock.pending === 1)
  await file.stop()
  assert.equal(clock.pending, 0)
  assert.deepEqual(await readdir(temp.path), ['faults.json'])
})
