/** Child of network.bench.ts: `world.ts NODES LOOKUPS` sends its figures to the parent. */
import { never, type Random, randomBelow } from '../../src/base/index.ts'
import { closest, type DhtOptions } from '../../src/dht/index.ts'
import { commonPrefixLength, type Key, keyOf } from '../../src/protocol/index.ts'
import { DhtWorld, type Member } from '../../test/unit/dht/support/world.ts'

export interface ScaleFigures {
  /** Of each lookup. */
  readonly rounds: readonly number[]
  /** Averages of batches: messages of lookups that run side by side cannot be told apart. */
  readonly messages: readonly number[]
  readonly lookupMs: readonly number[]
  /** Entries of each node's table. */
  readonly tables: readonly number[]
  readonly kibPerNode: number
}

const SEED = 20261121
const COUNT = 7
const BATCH = 20
const NEIGHBOURS = 24
const PER_BUCKET = 8
/** No periodic work: what is counted is the lookups. */
const QUIET: Partial<DhtOptions> = {
  ...{ selfLookupMinMs: 1e9, selfLookupMaxMs: 1e9, bucketRefreshMinMs: 1e9, bucketRefreshMaxMs: 1e9 },
  isolationBackoffMinMs: 1e9,
}

type Placed = Member & { readonly key: Key }

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
  const lookupMs: number[] = []
  const one = async () => {
    const asker = members[randomBelow(dice, members.length)] as Placed
    rounds.push((await asker.dht.lookup(dice.bytes(32) as Key, COUNT, { signal: never })).rounds)
  }
  for (let done = 0; done < lookups; done += BATCH) {
    const sent = world.hub.messages
    const began = performance.now()
    await world.run(() => Promise.all(Array.from({ length: BATCH }, one)))
    lookupMs.push((performance.now() - began) / BATCH)
    messages.push((world.hub.messages - sent) / BATCH)
  }
  return { rounds, messages, lookupMs, tables, kibPerNode }
}

/**
 * Each node meets its neighbours and a few peers of every farther bucket, and the real admission decides. Sorted keys
 * make each bucket of a node one range of the list, so that ten thousand nodes take seconds.
 */
function meet(dice: Random, members: readonly Placed[]): void {
  const sorted = members.toSorted((a, b) => Buffer.compare(a.key, b.key))
  for (const member of sorted) {
    let [low, high] = [0, sorted.length]
    for (let depth = 0; high - low > NEIGHBOURS + 1; depth++) {
      // Everybody in low..high shares `depth` bits with the member; halves by the next one.
      const middle = split(sorted, low, high, depth)
      const own = bit(member.key, depth)
      const [farLow, farHigh] = own === 0 ? [middle, high] : [low, middle]
      if (own === 0 ? middle - low <= NEIGHBOURS : high - middle <= NEIGHBOURS) break
      for (let i = 0; i < PER_BUCKET && farHigh > farLow; i++)
        connect(member, sorted[farLow + randomBelow(dice, farHigh - farLow)] as Placed)
      ;[low, high] = own === 0 ? [low, middle] : [middle, high]
    }
    const near = closest(member.key, sorted.slice(low, high), NEIGHBOURS + 1)
    for (const other of near) if (other.peer !== member.peer) connect(member, other)
  }
}

function connect(a: Placed, b: Placed): void {
  if (commonPrefixLength(a.key, b.key) === 256) return
  a.network.opened(b.network, 'dialler')
  b.network.opened(a.network, 'acceptor')
}

/** First index of low..high whose key has a one at `depth`. */
function split(sorted: readonly Placed[], low: number, high: number, depth: number): number {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (bit((sorted[middle] as Placed).key, depth) === 0) from = middle + 1
    else to = middle
  }
  return from
}

function bit(key: Uint8Array, index: number): number {
  return ((key[index >> 3] as number) >> (7 - (index & 7))) & 1
}

function heap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
