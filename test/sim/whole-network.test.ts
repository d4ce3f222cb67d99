/** Whole nodes and clients, wired as the real ones are, on a virtual clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'
import { parseChunkAddress } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 7)

async function story(seed: number): Promise<{ fingerprint: string; copies: number[] }> {
  const net = new SimulatedDevnet({ seed })
  await net.start(30)
  assert.ok(
    net.nodes.every((node) => node.tableSize() >= 7),
    `seed ${seed}: a table is too small: ${net.nodes.map((node) => node.tableSize())}`,
  )
  const writer = await net.connectClient('writer')
  const dice = seededRandom(seed)
  const contents = Array.from({ length: 10 }, (_, i) => dice.bytes(1000 * (i + 1)))
  const puts = await net.world.run(() => Promise.all(contents.map((content) => writer.putChunk(content))))
  assert.ok(
    puts.every(({ acks, stored }) => acks >= 4 && stored === 'new'),
    `seed ${seed}`,
  )
  const copies = puts.map(({ address }) => net.nodes.filter(({ store }) => store.has(address)).length)

  // Half of the holders of the first chunk lose power; it is read all the same, by somebody who never saw it.
  const address = parseChunkAddress(puts[0]?.address as string)
  const holders = net.nodes.filter(({ store }) => store.has(address))
  for (const holder of holders.slice(0, holders.length >> 1)) holder.host.kill()
  const reader = await net.connectClient('reader')
  const read = await net.world.run(() => Promise.all(puts.map((put) => reader.getChunk(put.address))))
  for (const [i, content] of contents.entries()) assert.deepEqual(read[i], content, `seed ${seed}, chunk ${i}`)
  await assert.rejects(
    net.world.run(() => reader.getChunk(parseChunkAddress('ab'.repeat(32)))),
    { code: 'CLIENT_NOT_FOUND' },
    `seed ${seed}`,
  )
  const fingerprint = net.world.fingerprint()
  await net.stop()
  return { fingerprint, copies }
}

test(`30 nodes store and return chunks while holders die (SIM_SEED=${SEED})`, async () => {
  const { copies } = await story(SEED)
  assert.ok(
    copies.every((count) => count >= 4),
    `seed ${SEED}: copies ${copies}`,
  )
})

test('the same seed gives the same run, another seed another', async () => {
  const [first, second, other] = [await story(11), await story(11), await story(12)]
  assert.equal(first.fingerprint, second.fingerprint)
  assert.notEqual(first.fingerprint, other.fingerprint)
})
