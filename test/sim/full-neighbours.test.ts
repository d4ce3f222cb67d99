/** Chunks whose close group is full in part, or lies: the next nearest hold them instead (replication.md 23). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, seededRandom } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, chunkAddressOf, STORAGE_WIDTH } from '../../src/protocol/index.ts'
import { Nearest } from '../../src/scenario/nearest.ts'
import { lyingStore } from '../../src/scenario/run/lying-store.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 3)
const NODES = 30

for (const full of [0, 2, 5]) {
  test(`with ${full} of the 7 nearest disks full a chunk has its seven copies, and no more than a few (SIM_SEED=${SEED})`, async () => {
    const net = new SimulatedDevnet({ seed: SEED })
    await net.start(NODES)
    await net.world.advance(5 * minute)
    const client = await net.connectClient('people')
    const content = seededRandom(SEED).bytes(1000)
    const address = chunkAddressOf(backend().blake3(content)) as ChunkAddress
    const group = new Nearest(net.nodes).of(address, CLOSE_GROUP_SIZE)
    // Not the very nearest only: holders and full ones mixed.
    const struck = group.filter((_, place) => place % 2 === 0 || full > 3).slice(0, full)
    for (const { disk } of struck) disk.capacityBytes = 0
    await net.world.advance(minute)
    await net.world.run(() => client.putChunk(content))
    const copies = () => net.nodes.filter(({ store }) => store.has(address)).length
    const curve: number[] = []
    for (let passed = 0; passed < 30; passed += 2) {
      curve.push(copies())
      await net.world.advance(2 * minute)
    }
    const { length: fullOnes } = struck.filter(({ store }) => store.has(address))
    await net.stop()
    console.log(`seed ${SEED}, ${full} full: copies by two minutes ${curve.join(' ')}`)
    assert.equal(fullOnes, 0)
    assert.ok(copies() >= CLOSE_GROUP_SIZE && copies() <= CLOSE_GROUP_SIZE + 3, `seed ${SEED}: ${curve}`)
  })
}

test(`three of the 7 nearest that claim it and do not hold it are made up for within the storage width (SIM_SEED=${SEED})`, async (t) => {
  const net = new SimulatedDevnet({ seed: SEED })
  // Of the first, by whom the others join, none lies.
  const liars = new Set<SimulatedNode>()
  await net.start(3)
  await net.start(13, () => ({ wrapStore: (below) => lyingStore(below, 'forgets') }))
  for (const node of net.nodes.slice(3)) liars.add(node)
  await net.start(NODES)
  await net.world.advance(5 * minute)
  const client = await net.connectClient('people')
  const dice = seededRandom(SEED)
  const lying = (nodes: readonly SimulatedNode[]) => nodes.filter((node) => liars.has(node)).length
  const suits = (content: Uint8Array) => {
    const wide = new Nearest(net.nodes).of(chunkAddressOf(backend().blake3(content)), STORAGE_WIDTH)
    return lying(wide.slice(0, CLOSE_GROUP_SIZE)) === 3 && lying(wide) === 3
  }
  let content = dice.bytes(1000)
  for (let tries = 0; !suits(content); tries++) {
    if (tries === 2000) return t.skip(`seed ${SEED}: no neighbourhood of this network is as wanted`)
    content = dice.bytes(1000)
  }
  const { address } = await net.world.run(() => client.putChunk(content))
  await net.world.advance(5 * minute)
  const copies = () => net.nodes.filter((node) => !liars.has(node) && node.store.has(address)).length
  const before = copies()
  await net.world.advance(25 * minute)
  const after = copies()
  await net.stop()
  assert.ok(before <= 4 && after >= 6, `seed ${SEED}: ${before} copies with the honest, then ${after}`)
})
