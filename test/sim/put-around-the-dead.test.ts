/** What puts and gets cost in the first minute after nodes lost power, when everybody still counts on them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, seededRandom } from '../../src/base/index.ts'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'
import type { ChunkAddress } from '../../src/protocol/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 71)
const NODES = 10

for (const { dead, slowestPut, slowestGet } of [
  { dead: 1, slowestPut: 8, slowestGet: 5 },
  // Both GETs of a read may wait for dead peers: then one of them is over after 10 s.
  { dead: 3, slowestPut: 18, slowestGet: 13 },
]) {
  test(`${dead} of ${NODES} nodes lose power under a client that goes on (SIM_SEED=${SEED})`, async () => {
    const net = new SimulatedDevnet({ seed: SEED })
    await net.start(NODES)
    await net.world.advance(minute)
    const client = await net.connectClient('people')
    const dice = seededRandom(SEED)
    const { clock } = net.world
    const seconds = async (work: () => Promise<unknown>) => {
      const before = clock.monotonic()
      await net.world.run(work)
      return (clock.monotonic() - before) / 1000
    }
    const chunks: ChunkAddress[] = []
    const put = async () => chunks.push((await client.putChunk(dice.bytes(1000))).address)
    for (let i = 0; i < 10; i++) await seconds(put)
    for (const node of net.nodes.slice(2, 2 + dead) as SimulatedNode[]) net.kill(node)
    const puts: number[] = []
    const gets: number[] = []
    for (let i = 0; i < 30; i++) {
      puts.push(await seconds(put))
      gets.push(await seconds(() => client.getChunk(chunks[i] as ChunkAddress)))
    }
    await net.stop()
    console.log(
      `seed ${SEED}: puts ${puts.map((s) => s.toFixed(1)).join(' ')}; gets ${gets.map((s) => s.toFixed(1)).join(' ')}`,
    )
    assert.ok(Math.max(...puts) <= slowestPut, `seed ${SEED}: puts ${puts}`)
    assert.ok(Math.max(...gets) <= slowestGet, `seed ${SEED}: gets ${gets}`)
    // Whoever was waited for once is not waited for again.
    assert.ok(puts.filter((s) => s > 4).length <= dead + 1, `seed ${SEED}: puts ${puts}`)
  })
}
