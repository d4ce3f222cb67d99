/** Scenarios of replication.md 27 that are about a whole network: every node is real. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { SimulatedDevnet, type SimulatedDevnetOptions, type SimulatedNode } from '../../../src/devnet/index.ts'
import { createLmdbPaidList } from '../../../src/storage/index.ts'
import { type Chunk, MINUTE, play, preload, Quarry, SECOND, SEED } from './support/stage.ts'

async function network(
  nodes: number,
  options: SimulatedDevnetOptions,
  story: (net: SimulatedDevnet) => Promise<void>,
): Promise<void> {
  const net = new SimulatedDevnet({ seed: SEED }, options)
  try {
    await net.start(nodes)
    await story(net)
  } finally {
    await net.stop()
  }
}
const holders = (net: SimulatedDevnet, { key }: Chunk) =>
  net.nodes.filter(({ host, store }) => host.up && store.has(key)).map(({ index }) => index)
const listers = (net: SimulatedDevnet, { key }: Chunk) =>
  net.nodes.filter(({ host, paidList }) => host.up && paidList.has(key)).map(({ index }) => index)
/** Many rounds in little time. */
const OFTEN = { syncIntervalMinMs: MINUTE, syncIntervalMaxMs: 2 * MINUTE, syncCooldownMs: 3 * MINUTE }
const all = (count: number) => Array.from({ length: count }, (_, index) => index)

test('scenario 15: partition and heal', async () => {
  const [paid, unpaid] = new Quarry(15).chunks(2) as [Chunk, Chunk]
  // Only the last node has the bytes. Of the one chunk four more list the payment: five of eight; of the other none.
  const prepare = async (node: SimulatedNode) => {
    if (node.index < 4) return preload(node, { paid: [paid.key] })
    if (node.index < 7) return
    net.world.network.partition([[node.host]])
    await preload(node, { chunks: [paid, unpaid], paid: [paid.key, unpaid.key] })
  }
  const net = new SimulatedDevnet({ seed: SEED }, { prepare })
  await net.start(7)
  await net.start(8)
  await net.world.advance(10 * MINUTE)
  assert.deepEqual([holders(net, paid), holders(net, unpaid)], [[7], [7]], 'one copy, on the far side')
  net.world.network.heal()
  await net.world.advance(20 * MINUTE)
  const copies = holders(net, paid).length
  assert.ok(copies >= 7, `seed ${SEED}: enough paid lists survived: ${copies} copies`)
  assert.deepEqual(holders(net, unpaid), [7], 'what nobody else lists does not come back')
  await net.stop()
})

test('scenario 25: paid-list convergence', () => {
  const quarry = new Quarry(25)
  const [known, rare] = quarry.chunks(2) as [Chunk, Chunk]
  const prepare = (node: SimulatedNode) =>
    preload(node, { paid: [...(node.index < 5 ? [known.key] : []), ...(node.index < 4 ? [rare.key] : [])] })
  return network(8, { prepare, replication: OFTEN }, async (net) => {
    assert.deepEqual(listers(net, known), all(5))
    await net.world.advance(20 * MINUTE)
    assert.deepEqual(listers(net, known), all(8), 'by hints and a majority of 5 of 8')
    assert.deepEqual(listers(net, rare), all(4), 'four of eight are none')
    assert.deepEqual(holders(net, known), [])
  })
})

test('scenario 43: paid list over restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'myrmex-paid-'))
  const chunks = new Quarry(43).chunks(20)
  const open = () => createLmdbPaidList(folder)
  try {
    const list = open()
    await list.start(never)
    for (const { key } of chunks) assert.equal(await list.insert(key), true)
    await list.stop()
    const again = open()
    await again.start(never)
    assert.equal(again.size, 20)
    for (const { key } of chunks) assert.equal(again.has(key), true)
    assert.equal(await again.insert((chunks[0] as Chunk).key), false, 'known')
    await again.stop()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  // In a whole node: what it listed before it lost power needs no quorum after it.
  await play({ peers: 6 }, async (stage) => {
    const [chunk] = chunks as [Chunk]
    for (const peer of stage.peers) peer.paid.add(chunk.key)
    await stage.hint(stage.peer(0), { paidHints: [chunk.key] })
    await stage.advance(10 * SECOND)
    assert.deepEqual([stage.lists(chunk), stage.has(chunk)], [true, false])
    stage.net.kill(stage.node, 'flushed')
    for (const peer of stage.peers) peer.paid.clear()
    await stage.net.restart(stage.node)
    await stage.advance(4 * MINUTE)
    stage.peer(3).give(chunk)
    await stage.hint(stage.peer(3), { replicaHints: [chunk.key] })
    await stage.advance(10 * SECOND)
    assert.equal(stage.has(chunk), true, `seed ${SEED}: one source is enough`)
  })
})

test('scenario 44: cold start', () => {
  const [chunk] = new Quarry(44).chunks(1) as [Chunk]
  const prepare = (node: SimulatedNode) => preload(node, { chunks: node.index < 5 ? [chunk] : [] })
  return network(8, { prepare, replication: OFTEN }, async (net) => {
    await net.world.advance(20 * MINUTE)
    const copies = holders(net, chunk).length
    assert.ok(copies >= 7, `seed ${SEED}: a presence majority repairs: ${copies} copies`)
    assert.ok(listers(net, chunk).length >= 3, 'and who fetched it lists it as paid')
  })
})

test('scenario 45: unrecoverable', () => {
  const [chunk] = new Quarry(45).chunks(1) as [Chunk]
  const prepare = (node: SimulatedNode) => preload(node, { chunks: node.index < 3 ? [chunk] : [] })
  return network(8, { prepare, replication: OFTEN }, async (net) => {
    await net.world.advance(20 * MINUTE)
    assert.deepEqual(holders(net, chunk), all(3), 'three of seven are no quorum, and nobody lists it')
    assert.deepEqual(listers(net, chunk), [])
  })
})
