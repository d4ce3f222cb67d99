/** Chunks whose close group is mostly full: the next nearest hold them instead (replication.md 23). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, seededRandom } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE, chunkAddressOf } from '../../src/protocol/index.ts'
import { Nearest } from '../../src/scenario/nearest.ts'

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
