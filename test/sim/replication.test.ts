/** Whole nodes keep what they hold while nodes come, go and die, on a virtual clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRetention } from '../../src/audit/index.ts'
import { seededRandom } from '../../src/base/index.ts'
import type { Client } from '../../src/client/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 31)
const GROUP = 7
const CHUNKS = 20

interface Town {
  readonly net: SimulatedDevnet
  readonly client: Client
  readonly chunks: ChunkAddress[]
}

/** Nodes that have caught up, and chunks that are spread. */
async function town(nodes: number): Promise<Town> {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(nodes)
  await net.world.advance(60_000)
  for (const node of net.nodes) assert.equal(node.replication.bootstrapping, false, `node ${node.index}`)
  const client = await net.connectClient('people')
  const dice = seededRandom(SEED)
  const contents = Array.from({ length: CHUNKS }, () => dice.bytes(2000))
  const puts = await net.world.run(() => Promise.all(contents.map((content) => client.putChunk(content))))
  return { net, client, chunks: puts.map(({ address }) => address as ChunkAddress) }
}

function holders({ net }: Town, chunk: ChunkAddress): SimulatedNode[] {
  return net.nodes.filter(({ host, store }) => host.up && store.has(chunk))
}
function fewest(town: Town): number {
  return Math.min(...town.chunks.map((chunk) => holders(town, chunk).length))
}

test(`scenario 1: what a client stores on four nodes is on all seven within seconds (SIM_SEED=${SEED})`, async () => {
  const all = await town(12)
  await all.net.world.advance(45_000)
  assert.equal(fewest(all), GROUP, `seed ${SEED}`)
  // Each of the seven was sent at most a copy more than it needed.
  const most = Math.max(...all.chunks.map((chunk) => holders(all, chunk).length))
  assert.ok(most <= GROUP + 2, `seed ${SEED}: ${most} copies`)
  await all.net.stop()
})

test('three of ten nodes lose power: every chunk is back at seven copies within 60 s', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  for (const node of all.net.nodes.slice(2, 5)) all.net.kill(node)
  assert.ok(fewest(all) < GROUP)
  await all.net.world.advance(60_000)
  assert.equal(fewest(all), GROUP, `seed ${SEED}`)
  await all.net.stop()
})

test('late joiner: a fresh node ends up with every chunk it is responsible for', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  await all.net.start(14)
  await all.net.world.advance(120_000)
  for (const node of all.net.nodes.slice(10)) {
    const owed = all.chunks.filter((chunk) => all.net.isCloseGroup(node, chunk))
    assert.ok(
      owed.every((chunk) => node.store.has(chunk)),
      `seed ${SEED}: node ${node.index} misses some of ${owed.length}`,
    )
  }
  await all.net.stop()
})

test('a node that has caught up commits to what it fetched, not to the nothing it began with', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  await all.net.start(11)
  // Neighbours of a newcomer ask it again at the latest after twenty minutes and the hour of rest.
  await all.net.world.advance(30 * 60_000)
  const node = all.net.nodes[10] as SimulatedNode
  const owed = all.chunks.filter((chunk) => all.net.isCloseGroup(node, chunk) && node.store.has(chunk)).length
  const file = [...node.disk.files()].find(([path]) => path.endsWith('commitment_retention.bin'))?.[1]
  assert.ok(file && owed > 0, `seed ${SEED}: ${owed} chunks, commitments ${file?.length}`)
  assert.equal(decodeRetention(file).slots[0]?.commitment.keyCount, owed, `seed ${SEED}`)
  await all.net.stop()
})

test('a node that restarts is sent nothing that it still holds', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  const node = all.net.nodes[3] as SimulatedNode
  const held = all.chunks.filter((chunk) => node.store.has(chunk))
  all.net.kill(node, 'flushed')
  await all.net.world.advance(5_000)
  await all.net.restart(node)
  await all.net.world.advance(90_000)
  assert.ok(held.every((chunk) => node.store.has(chunk)))
  const { chunksStored, duplicates } = node.store.stats()
  assert.equal(chunksStored, node.store.size - held.length, 'only what it did not hold')
  assert.equal(duplicates, 0, 'nothing came twice')
  await all.net.stop()
})

test('a chunk whose bytes rot comes back from the group', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  const chunk = all.chunks[0] as ChunkAddress
  const node = holders(all, chunk)[0] as SimulatedNode
  const path = [...node.disk.files().keys()].find((name) => name.endsWith(chunk)) as string
  node.disk.rot(path, seededRandom(SEED))
  await all.net.world.run(() => all.client.getChunk(chunk))
  await all.net.world.run(() => node.checkChunk(chunk))
  assert.equal(node.store.has(chunk), false)
  await all.net.world.advance(30_000)
  assert.equal(node.store.has(chunk), true, `seed ${SEED}`)
  await all.net.stop()
})
