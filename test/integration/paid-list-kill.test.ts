/** Kill -9 at any moment loses no confirmed address of the paid list, brings none back, and the list opens. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { never, randomBelow, seededRandom } from '../../src/base/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'
import { createLmdbPaidList } from '../../src/storage/index.ts'
import { backendsUnderTest } from '../support/backends.ts'
import { tempFolder } from '../support/temp.ts'

const ROUNDS = 20
const MOST_LINES = 120
const skip = backendsUnderTest().find(({ name }) => name === 'native')?.skip ?? false
const seed = Number(process.env['MYRMEX_TEST_SEED'] ?? 20_261)

/** `+` confirmed, `-` removed, `?` a removal was running. */
async function killedWriter(folder: string, writerSeed: number, killAfter: number): Promise<Map<ChunkAddress, string>> {
  const arguments_ = [join(import.meta.dirname, 'paid-list-writer.ts'), folder, String(writerSeed)]
  const child = spawn(process.execPath, arguments_, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const last = new Map<ChunkAddress, string>()
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    // Lines that come after the kill were confirmed before it; a line that was cut off proves nothing.
    if (/^[+?-][0-9a-f]{64}$/.test(line)) last.set(line.slice(1) as ChunkAddress, line[0] as string)
    if (++lines >= killAfter) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself')
  return last
}

test(`${ROUNDS} writers of a paid list killed at random moments`, { skip }, async () => {
  await using folder = await tempFolder()
  const random = seededRandom(seed)
  const paid = new Set<ChunkAddress>()
  let confirmed = 0
  for (let round = 0; round < ROUNDS; round++) {
    // 1: right after opening.
    const killAfter = 1 + randomBelow(random, MOST_LINES)
    const last = await killedWriter(folder.path, seed + 1000 * round, killAfter)
    const where = `seed ${seed}, round ${round}, killed after ${killAfter} lines`
    const list = createLmdbPaidList(folder.path)
    await list.start(never)
    for (const [address, what] of last) {
      if (what === '-') assert.ok(!list.has(address), `${where}: ${address} came back`)
      if (what !== '+') continue
      assert.ok(list.has(address), `${where}: lost ${address}`)
      paid.add(address)
      confirmed++
    }
    for (const address of paid) assert.ok(list.has(address), `${where}: lost ${address} later`)
    // At most one change a writer was neither confirmed nor undone.
    const all = list.page(undefined, 8192)
    assert.equal(all.length, list.size, where)
    assert.deepEqual(all, [...new Set(all)].sort(), where)
    await list.stop()
  }
  console.log(`seed ${seed}: ${confirmed} addresses confirmed before ${ROUNDS} kills, 0 lost`)
  assert.ok(confirmed > ROUNDS, `only ${confirmed} inserts were confirmed: the test did not bite`)
})
