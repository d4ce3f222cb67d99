/** What a node does while it waits: ten virtual minutes with n chunks held, and with n peers met. */
import { never, seededRandom } from '../../../../src/base/index.ts'
import { backend } from '../../../../src/crypto/index.ts'
import { SimulatedDevnet } from '../../../../src/devnet/index.ts'
import { chunkAddressOf } from '../../../../src/protocol/index.ts'
import type { ChunkStore } from '../../../../src/storage/index.ts'
import { DhtWorld } from '../../../../test/unit/dht/support/world.ts'
import type { Context } from '../../context.ts'
import { growthRow, SIZES } from './curve.ts'

export const IDLE_IDS = ['growth-idle-chunks', 'growth-idle-peers']
const SPAN_MS = 600_000
const NODES = 6
const NEVER_MS = 1e9

export async function idle(context: Context): Promise<void> {
  await growthRow(context, 'growth-idle-chunks', 'ms', idleWithChunks, {
    rounds: context.pick(3, 2),
    note: `CPU of a whole simulated network of ${NODES} nodes, one of which holds the chunks; a node that touches more than one in ten of them fails the row`,
  })
  // A world of 10,000 whole DHTs does not fit into a row of seconds.
  await growthRow(context, 'growth-idle-peers', 'messages', idleAmongPeers, {
    sizes: SIZES.filter((n) => n <= 1000),
    rounds: context.pick(2, 1),
    note: 'messages that one node causes; its table, not the network, decides; up to 1,000 peers',
  })
}

async function idleWithChunks(n: number, round: number): Promise<number> {
  const net = new SimulatedDevnet({ seed: 100 + round })
  await net.start(NODES)
  const store = net.nodes[0]?.store as ChunkStore
  const dice = seededRandom(n)
  for (let i = 0; i < n; i++) {
    const content = dice.bytes(40)
    await store.put(chunkAddressOf(backend().blake3(content)), content)
  }
  const touched = countTouches(store)
  await net.world.advance(60_000)
  const began = process.cpuUsage()
  await net.world.advance(SPAN_MS)
  const { user, system } = process.cpuUsage(began)
  const touches = touched()
  await net.stop()
  if (n >= 100 && touches > n / 10) throw new Error(`a waiting node touched ${touches} of its ${n} chunks`)
  return (user + system) / 1000
}

/** Chunks that are walked over, looked for or read from now on. */
function countTouches(store: ChunkStore): () => number {
  let touches = 0
  const { has, get, keys } = store
  store.has = (address) => {
    touches++
    return has.call(store, address)
  }
  store.get = (address) => {
    touches++
    return get.call(store, address)
  }
  store.keys = function* () {
    for (const address of keys.call(store)) {
      touches++
      yield address
    }
  }
  return () => touches
}

async function idleAmongPeers(n: number, round: number): Promise<number> {
  const quiet = {
    ...{ selfLookupMinMs: NEVER_MS, selfLookupMaxMs: NEVER_MS },
    ...{ bucketRefreshMinMs: NEVER_MS, bucketRefreshMaxMs: NEVER_MS, isolationBackoffMinMs: NEVER_MS },
  }
  const world = new DhtWorld(200 + round)
  const node = world.add()
  for (let i = 0; i < n; i++) world.add(quiet, { silent: true })
  await world.run(() => Promise.all(world.members.map(({ dht }) => dht.start(never))))
  for (const other of world.members.slice(1)) {
    node.network.opened(other.network, 'dialler')
    other.network.opened(node.network, 'acceptor')
  }
  await world.world.advance(60_000)
  const before = world.hub.messages
  await world.world.advance(SPAN_MS)
  const messages = world.hub.messages - before
  await world.stop()
  return messages
}
