/** What is stored while the network is in two parts is everywhere that it should be once they are one again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, seededRandom } from '../../src/base/index.ts'
import type { Client } from '../../src/client/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'
import { type ChunkAddress, CLOSE_GROUP_SIZE } from '../../src/protocol/index.ts'
import { Nearest } from '../../src/scenario/nearest.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 1)
const NODES = 30
const SMALL_PART = 10

test(`chunks of both parts have all seven holders minutes after the parts meet (SIM_SEED=${SEED})`, async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(NODES)
  await net.world.advance(5 * minute)
  const dice = seededRandom(SEED)
  const putAll = async (client: Client, count: number) => {
    const put: ChunkAddress[] = []
    for (let i = 0; i < count; i++)
      put.push((await net.world.run(() => client.putChunk(dice.bytes(1000)))).address as ChunkAddress)
    return put
  }
  // Not the first, by whom the clients join.
  const part = net.nodes.slice(5, 5 + SMALL_PART)
  const clients = { small: await net.connectClient('small'), large: await net.connectClient('large') }
  // So that they know more of the network than where they joined it.
  for (const client of Object.values(clients)) await putAll(client, 5)
  net.world.network.partition([[...part.map(({ host }) => host), net.hostOf(clients.small)]])
  await net.world.advance(2 * minute)
  const put = { small: await putAll(clients.small, 8), large: await putAll(clients.large, 8) }
  await net.world.advance(10 * minute)
  const holders = (address: ChunkAddress) =>
    new Nearest(net.nodes).of(address, CLOSE_GROUP_SIZE).filter(({ store }) => store.has(address)).length
  const before = { small: put.small.map(holders), large: put.large.map(holders) }
  net.world.network.heal()
  await net.world.advance(5 * minute)
  const after = { small: put.small.map(holders), large: put.large.map(holders) }
  await net.stop()
  const told = `seed ${SEED}: holders among the nearest ${JSON.stringify({ before, after })}`
  console.log(told)
  assert.ok(Math.min(...before.small) < CLOSE_GROUP_SIZE / 2, `the parts were parts: ${told}`)
  assert.ok(
    [...after.small, ...after.large].every((count) => count === CLOSE_GROUP_SIZE),
    told,
  )
})
