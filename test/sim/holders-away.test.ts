/** All who hold a chunk are cut off at once: nobody may be told that it was never there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, seededRandom } from '../../src/base/index.ts'
import { SimulatedDevnet } from '../../src/devnet/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 5)
const NODES = 30

test(`a chunk whose holders are away cannot be read, and is there again with them (SIM_SEED=${SEED})`, async () => {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(NODES)
  await net.world.advance(minute)
  const writer = await net.connectClient('writer')
  const content = seededRandom(SEED).bytes(1000)
  const { address } = await net.world.run(() => writer.putChunk(content))
  await net.world.advance(minute)
  const holders = net.nodes.filter(({ store }) => store.has(address))
  assert.ok(holders.length >= 7, `seed ${SEED}: ${holders.length} holders`)

  net.world.network.partition([holders.map(({ host }) => host)])
  const stranger = await net.connectClient('stranger')
  // At once: after a minute the others have forgotten them, and nobody can tell any more.
  const read = (client: typeof writer) =>
    assert.rejects(client.getChunk(address), { code: 'CLIENT_INSUFFICIENT_PEERS' })
  await net.world.run(() => Promise.all([read(writer), read(stranger)]))

  net.world.network.heal()
  await net.world.advance(minute)
  for (const client of [writer, stranger])
    assert.deepEqual(await net.world.run(() => client.getChunk(address)), content, `seed ${SEED}`)
  await net.stop()
})
