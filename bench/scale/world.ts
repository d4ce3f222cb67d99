/** Child of network.bench.ts: `world.ts NODES LOOKUPS` sends its figures to the parent. */
import { never, randomBelow } from '../../src/base/index.ts'
import type { DhtOptions } from '../../src/dht/index.ts'
import { type Key, keyOf } from '../../src/protocol/index.ts'
import { DhtWorld } from '../../test/unit/dht/support/world.ts'
import { meet, type Placed } from './meetings.ts'

export interface ScaleFigures {
  /** Of each lookup. */
  readonly rounds: readonly number[]
  /** Averages of batches: messages of lookups that run side by side cannot be told apart. */
  readonly messages: readonly number[]
  readonly processorMs: readonly number[]
  readonly wallMs: readonly number[]
  /** Entries of each node's table. */
  readonly tables: readonly number[]
  readonly kibPerNode: number
}

const SEED = 20261121
const COUNT = 7
const BATCH = 20
/** No periodic work: what is counted is the lookups. */
const QUIET: Partial<DhtOptions> = {
  ...{ selfLookupMinMs: 1e9, selfLookupMaxMs: 1e9, bucketRefreshMinMs: 1e9, bucketRefreshMaxMs: 1e9 },
  isolationBackoffMinMs: 1e9,
}

const [nodes, lookups] = process.argv.slice(2).map(Number) as [number, number]
process.send?.(await simulate(nodes, lookups))
process.exit()

async function simulate(nodes: number, lookups: number): Promise<ScaleFigures> {
  const before = heap()
  const world = new DhtWorld(SEED, { latencyMs: (random) => 10 + 80 * random.float() })
  for (let i = 0; i < nodes; i++) world.add(QUIET, { silent: true })
  await world.run(() => Promise.all(world.members.map(({ dht }) => dht.start(never))))
  const members = world.members.map((member) => ({ ...member, key: keyOf(member.peer) }))
  meet(world.random('meetings'), members)
  await world.run(async () => undefined)
  const kibPerNode = (heap() - before) / 1024 / nodes
  const tables = members.map(({ dht }) => dht.tableSize)

  const dice = world.random('lookups')
  const rounds: number[] = []
  const messages: number[] = []
  const processorMs: number[] = []
  const wallMs: number[] = []
  const one = async () => {
    const asker = members[randomBelow(dice, members.length)] as Placed
    rounds.push((await asker.dht.lookup(dice.bytes(32) as Key, COUNT, { signal: never })).rounds)
  }
  for (let done = 0; done < lookups; done += BATCH) {
    const sent = world.hub.messages
    const began = performance.now()
    const used = process.cpuUsage()
    await world.run(() => Promise.all(Array.from({ length: BATCH }, one)))
    const { user, system } = process.cpuUsage(used)
    processorMs.push((user + system) / 1000 / BATCH)
    wallMs.push((performance.now() - began) / BATCH)
    messages.push((world.hub.messages - sent) / BATCH)
  }
  return { rounds, messages, processorMs, wallMs, tables, kibPerNode }
}

function heap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
