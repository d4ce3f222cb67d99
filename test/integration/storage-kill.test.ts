/** Kill -9 at any moment loses no confirmed chunk and leaves no partial one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, never, randomBelow, seededRandom, systemClock, toHex } from '../../src/base/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'
import { createFileChunkStore } from '../../src/storage/index.ts'
import { tempFolder } from '../support/temp.ts'

const ROUNDS = 30
const MOST_CONFIRMED = 60
const seed = Number(process.env['MYRMEX_TEST_SEED'] ?? 20_260)

/** Addresses that the writer confirmed before it was killed. */
async function killedWriter(folder: string, writerSeed: number, killAfter: number): Promise<Set<ChunkAddress>> {
  const arguments_ = [join(import.meta.dirname, 'storage-writer.ts'), folder, String(writerSeed)]
  const child = spawn(process.execPath, arguments_, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const confirmed = new Set<ChunkAddress>()
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    // Lines that come after the kill were confirmed before it; a line that was cut off proves nothing.
    if (/^[0-9a-f]{64}$/.test(line)) confirmed.add(line as ChunkAddress)
    if (++lines >= killAfter) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself')
  return confirmed
}

test(`${ROUNDS} writers killed at random moments`, async () => {
  await using folder = await tempFolder()
  const random = seededRandom(seed)
  const checked = new Set<string>()
  let confirmedInAll = 0
  for (let round = 0; round < ROUNDS; round++) {
    // 1: right after opening.
    const killAfter = 1 + randomBelow(random, MOST_CONFIRMED)
    const confirmed = await killedWriter(folder.path, seed + 1000 * round, killAfter)
    confirmedInAll += confirmed.size
    const where = `seed ${seed}, round ${round}, killed after ${killAfter} lines`
    const store = createFileChunkStore(folder.path, {
      clock: systemClock,
      random,
      hash: (content) => blake3(content) as Bytes,
    })
    await store.start(never)
    for (const address of confirmed) {
      assert.ok(await store.get(address), `${where}: lost ${address}`)
      checked.add(address)
    }
    await assertWhole(folder.path, checked, where)
    for (const address of checked) assert.ok(store.has(address as ChunkAddress), `${where}: lost ${address} later`)
    await store.stop()
  }
  assert.ok(confirmedInAll > ROUNDS, `only ${confirmedInAll} puts were confirmed: the test did not bite`)
})

/** Every final name holds its own bytes, and no temp file is left; `checked` were read before and grow. */
async function assertWhole(folder: string, checked: Set<string>, where: string): Promise<void> {
  for (const entry of await readdir(join(folder, 'chunks'), { recursive: true, withFileTypes: true })) {
    assert.ok(!entry.name.startsWith('.tmp.'), `${where}: temp file ${entry.name} stayed`)
    if (!/^[0-9a-f]{64}$/.test(entry.name) || checked.has(entry.name)) continue
    const bytes = await readFile(join(entry.parentPath, entry.name))
    assert.equal(toHex(blake3(bytes)), entry.name, `${where}: partial chunk`)
    checked.add(entry.name)
  }
}
