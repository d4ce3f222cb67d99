/** Whole nodes keep what they hold while nodes come, go and die, on a virtual clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRetention } from '../../src/audit/index.ts'
import { MiB, seededRandom } from '../../src/base/index.ts'
import type { Client } from '../../src/client/index.ts'
import { SimulatedDevnet, type SimulatedDevnetOptions, type SimulatedNode } from '../../src/devnet/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 31)
const GROUP = 7
const CHUNKS = 20
const CHUNK_BYTES = 2000

interface Town {
  readonly net: SimulatedDevnet
  readonly client: Client
  readonly chunks: ChunkAddress[]
}

/** Nodes that have caught up, and chunks that are spread. */
async function town(nodes: number, options: SimulatedDevnetOptions = {}): Promise<Town> {
  const net = new SimulatedDevnet({ seed: SEED }, options)
  await net.start(nodes)
  await net.world.advance(60_000)
  for (const node of net.nodes) assert.equal(node.replication.bootstrapping, false, `node ${node.index}`)
  const client = await net.connectClient('people')
  const dice = seededRandom(SEED)
  const contents = Array.from({ length: CHUNKS }, () => dice.bytes(CHUNK_BYTES))
  const puts = await net.world.run(() => Promise.all(contents.map((content) => client.putChunk(content))))
  return { net, client, chunks: puts.map(({ address }) => address as ChunkAddress) }
}

function holders({ net }: Town, chunk: ChunkAddress): SimulatedNode[] {
  return net.nodes.filter(({ host, store }) => host.up && store.has(chunk))
}
function fewest(town: Town): number {
  return Math.min(...town.chunks.map((chunk) => holders(town, chunk).length))
}

/** A counter or gauge of the present boot, all labels or those that match together. */
function metric({ registry }: SimulatedNode, name: string, labels = ''): number {
  const lines = registry.render().split('\n')
  const found = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return found
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

test(`scenario 1: what a client stores on four nodes is on all seven within seconds (SIM_SEED=${SEED})`, async () => {
  const all = await town(12)
  await all.net.world.advance(45_000)
  assert.equal(fewest(all), GROUP, `seed ${SEED}`)
  // Each of the seven was sent at most a copy more than it needed.
  const most = Math.max(...all.chunks.map((chunk) => holders(all, chunk).length))
  assert.ok(most <= GROUP + 2, `seed ${SEED}: ${most} copies`)
  // 30.2: at most 9 bytes moved for a byte stored, by the counters of all nodes.
  const moved = all.net.nodes.reduce(
    (sum, node) =>
      sum +
      metric(node, 'myrmex_chunk_server_put_bytes_total') +
      metric(node, 'myrmex_replication_received_bytes_total'),
    0,
  )
  const stored = CHUNKS * CHUNK_BYTES
  assert.ok(moved >= GROUP * stored && moved <= 9 * stored, `seed ${SEED}: ${moved / stored} bytes a byte`)
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

function rot(node: SimulatedNode, chunk: ChunkAddress): void {
  const path = [...node.disk.files().keys()].find((name) => name.endsWith(chunk)) as string
  node.disk.rot(path, seededRandom(SEED))
}

test('the scrubber finds a chunk whose bytes rotted, and the group gives it back', async () => {
  const all = await town(10, { node: { scrub: { minRoundMs: 60_000 } } })
  await all.net.world.advance(45_000)
  const chunk = all.chunks[0] as ChunkAddress
  const node = holders(all, chunk)[0] as SimulatedNode
  rot(node, chunk)
  await all.net.world.advance(120_000)
  assert.equal(metric(node, 'myrmex_storage_scrubbed_total', 'corrupt'), 1, `seed ${SEED}`)
  const { kind } = await all.net.world.run(() => node.store.check(chunk))
  assert.equal(kind, 'right', `seed ${SEED}`)
  await all.net.stop()
})

test('the disk of a node is replaced by an empty one while it runs: all it held comes back', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  const node = all.net.nodes[4] as SimulatedNode
  const held = all.chunks.filter((chunk) => node.store.has(chunk))
  assert.ok(held.length > 3, `seed ${SEED}: ${held.length}`)
  node.disk.unplug('/node')
  await all.net.world.advance(10_000)
  // Somebody must use it for the loss to be noticed.
  await all.net.world.run(() => Promise.allSettled(held.map((chunk) => node.store.get(chunk))))
  assert.equal(node.store.disk, 'gone')
  node.disk.plugIn()
  for (const path of [...node.disk.files().keys()])
    if (held.some((chunk) => path.endsWith(chunk))) await node.disk.unlink(path)
  await all.net.world.advance(150_000)
  assert.equal(node.store.disk, 'writable', `seed ${SEED}`)
  for (const chunk of held) {
    const { kind } = await all.net.world.run(() => node.store.check(chunk))
    assert.equal(kind, 'right', `seed ${SEED}: ${chunk}`)
  }
  await all.net.stop()
})

test('a full node takes nothing and learns what is paid; with room again it fetches what it owes', async () => {
  const all = await town(10)
  await all.net.world.advance(45_000)
  const { world } = all.net
  const node = all.net.nodes[4] as SimulatedNode
  // Below the reserve: no chunk fits, the paid list grows on.
  node.disk.capacityBytes = 256 * MiB
  await world.advance(10_000)
  const verdicts = metric(node, 'myrmex_payment_verdicts_total')
  const paid = node.paidList.size
  const dice = seededRandom(SEED + 1)
  const contents = Array.from({ length: 20 }, () => dice.bytes(CHUNK_BYTES))
  const puts = await world.run(() => Promise.all(contents.map((content) => all.client.putChunk(content))))
  const fresh = puts.map(({ address }) => address as ChunkAddress)
  await world.advance(60_000)
  assert.ok(!fresh.some((chunk) => node.store.has(chunk)), `seed ${SEED}: nothing is stored`)
  // Notices of payment are verified, refused offers are not: one verdict a key at most.
  assert.ok(node.paidList.size > paid, `seed ${SEED}: paid keys are learnt`)
  const looked = metric(node, 'myrmex_payment_verdicts_total') - verdicts
  assert.ok(
    looked <= node.paidList.size - paid,
    `seed ${SEED}: ${looked} verdicts, ${node.paidList.size - paid} learnt`,
  )
  // By now every neighbour has hinted what the node should hold.
  let waits = 0
  for (let i = 0; i < 13; i++) {
    await world.advance(5 * 60_000)
    if (node.replication.pending > 0) waits++
  }
  assert.ok(waits > 0, `seed ${SEED}: it waits for room`)
  assert.equal(
    metric(node, 'myrmex_replication_received_bytes_total', 'fetch'),
    0,
    `seed ${SEED}: no bytes for nothing`,
  )
  const owed = fresh.filter((chunk) => all.net.isCloseGroup(node, chunk))
  assert.ok(owed.length > 3, `seed ${SEED}: ${owed.length}`)
  node.disk.capacityBytes = Number.MAX_SAFE_INTEGER
  await world.advance(7 * 60_000)
  const missing = owed.filter((chunk) => !node.store.has(chunk))
  assert.deepEqual(missing, [], `seed ${SEED}: ${missing.length} of ${owed.length} are missing`)
  await all.net.stop()
})
