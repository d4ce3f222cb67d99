/** How a neighbourhood notices a loss: whole nodes on a virtual clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDevnet, type SimulatedNode } from '../../src/devnet/index.ts'

const SEED = Number(process.env['SIM_SEED'] ?? 21)
const NODES = 12
/** Two unanswered looks, three dials (replication.md 30.3). */
const NOTICED_MS = 40_000

async function network(): Promise<SimulatedDevnet> {
  const net = new SimulatedDevnet({ seed: SEED })
  await net.start(NODES)
  await net.world.advance(60_000)
  for (const node of net.nodes) assert.equal(node.tableSize(), NODES - 1, `seed ${SEED}`)
  return net
}

/** Who still has `gone` in the table. */
function believers(net: SimulatedDevnet, gone: SimulatedNode): number[] {
  return net.nodes.filter((node) => node.host.up && node !== gone && node.knows(gone)).map(({ index }) => index)
}

test(`three of twelve die at once: everybody knows within ${NOTICED_MS / 1000} s and keeps the others (SIM_SEED=${SEED})`, async () => {
  const net = await network()
  const dead = net.nodes.slice(3, 6)
  for (const node of dead) net.kill(node)
  await net.world.advance(10_000)
  for (const node of dead) assert.equal(believers(net, node).length, NODES - dead.length, 'ten seconds prove nothing')
  await net.world.advance(NOTICED_MS - 10_000)
  for (const node of dead) assert.deepEqual(believers(net, node), [], `seed ${SEED}`)
  for (const node of net.nodes.filter(({ host }) => host.up))
    assert.equal(node.tableSize(), NODES - 1 - dead.length, `seed ${SEED}, node ${node.index}`)
  await net.stop()
})

test('a node that is back within seconds was never away for anybody', async () => {
  const net = await network()
  const node = net.nodes[4] as SimulatedNode
  const removed: number[] = []
  for (const other of net.nodes)
    if (other !== node)
      other.dht.events.on('peerRemoved', ({ peer }) => {
        if (peer === node.peerId) removed.push(other.index)
      })
  net.kill(node)
  await net.world.advance(8_000)
  await net.restart(node)
  await net.world.advance(120_000)
  assert.deepEqual(removed, [], `seed ${SEED}`)
  assert.equal(believers(net, node).length, NODES - 1)
  await net.stop()
})

test('a node that was given up and comes back is found again, although it says nothing to anybody first', async () => {
  const net = await network()
  const node = net.nodes[7] as SimulatedNode
  net.world.network.partition([[node.host]])
  await net.world.advance(90_000)
  assert.deepEqual(believers(net, node), [], `seed ${SEED}`)
  net.world.network.heal()
  await net.world.advance(5 * 60_000)
  assert.equal(believers(net, node).length, NODES - 1, `seed ${SEED}`)
  await net.stop()
})

test('one whose own line fails keeps its neighbours: all of them cannot have died', async () => {
  const net = await network()
  const node = net.nodes[2] as SimulatedNode
  net.world.network.partition([[node.host]])
  await net.world.advance(10 * 60_000)
  assert.ok(node.tableSize() >= NODES - 3, `seed ${SEED}: ${node.tableSize()} left`)
  await net.stop()
})
