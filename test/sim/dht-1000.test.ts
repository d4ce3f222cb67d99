/**
 * 1,000 nodes with the real DHT (admission, tables, walks, codecs, handlers) on a virtual clock; messages take 10-90 ms
 * and one in a hundred is late by a retransmission. A fifth is killed after the tables were built and stays in them.
 * Each lookup must find the 7 nearest of all live nodes. Tables come from meetings, where the real admission decides;
 * SIM_JOIN=protocol lets every node join through one seed instead (several times slower). SIM_NODES=10000 is for the
 * night: minutes, and a heap of 8 GiB (--max-old-space-size=8192).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meet } from '../../bench/scale/meetings.ts'
import { never, randomBelow, shuffled } from '../../src/base/index.ts'
import { closest, type DhtOptions } from '../../src/dht/index.ts'
import { type Key, keyOf } from '../../src/protocol/index.ts'
import { DhtWorld } from '../unit/dht/support/world.ts'

const NODES = Number(process.env['SIM_NODES'] ?? 1000)
const DEAD = NODES / 5
const KEYS = 1000
const COUNT = 7
const SEED = Number(process.env['SIM_SEED'] ?? 20261121)
const JOIN = process.env['SIM_JOIN'] === 'protocol'
/** No periodic work: the tables are what joining left in them. */
const NEVER_MS = 1e9
const QUIET: Partial<DhtOptions> = {
  ...{
    selfLookupMinMs: NEVER_MS,
    selfLookupMaxMs: NEVER_MS,
    bucketRefreshMinMs: NEVER_MS,
    bucketRefreshMaxMs: NEVER_MS,
  },
  isolationBackoffMinMs: NEVER_MS,
}

async function joinAll(world: DhtWorld): Promise<void> {
  const seeds = [{ address: world.add(QUIET, { silent: true }).network.socket }]
  for (let i = 1; i < NODES; i++) world.add({ ...QUIET, seeds }, { silent: true })
  for (let i = 0; i < NODES; i += 50) {
    await world.run(() => Promise.all(world.members.slice(i, i + 50).map(({ dht }) => dht.start(never))))
  }
}

async function meetAll(world: DhtWorld): Promise<void> {
  for (let i = 0; i < NODES; i++) world.add(QUIET, { silent: true })
  await world.run(() => Promise.all(world.members.map(({ dht }) => dht.start(never))))
  meet(
    world.random('meetings'),
    world.members.map((member) => ({ ...member, key: keyOf(member.peer) })),
  )
  await world.run(async () => undefined)
}

test(`lookups among ${NODES} nodes, ${DEAD} of them dead (SIM_SEED=${SEED})`, async () => {
  const world = new DhtWorld(SEED, { latencyMs: (random) => 10 + 80 * random.float(), loss: 0.01 })
  await (JOIN ? joinAll(world) : meetAll(world))
  const sizes = world.members.map(({ dht }) => dht.tableSize).sort((a, b) => a - b)

  const dice = world.random('test')
  const order = shuffled(dice, world.members)
  for (const { peer } of order.slice(0, DEAD)) world.hub.kill(peer)
  const live = order.slice(DEAD).map((member) => ({ ...member, key: keyOf(member.peer) }))

  let exact = 0
  let atLeastSix = 0
  const rounds: number[] = []
  const times: number[] = []
  const messages: number[] = []
  const ends = new Map<string, number>()
  const one = async () => {
    const target = dice.bytes(32) as Key
    const asker = live[randomBelow(dice, live.length)] as (typeof live)[number]
    const started = world.world.clock.monotonic()
    const sent = world.hub.messages
    const result = await asker.dht.lookup(target, COUNT, { signal: never })
    times.push(world.world.clock.monotonic() - started)
    rounds.push(result.rounds)
    messages.push(world.hub.messages - sent)
    ends.set(result.end, (ends.get(result.end) ?? 0) + 1)
    const found = new Set(result.closest.map(({ peer }) => peer))
    const hits = closest(target, live, COUNT).filter(({ peer }) => found.has(peer)).length
    if (hits === COUNT) exact++
    if (hits >= COUNT - 1) atLeastSix++
  }
  // One after the other, so that its messages can be told apart.
  for (let i = 0; i < KEYS; i++) await world.run(one)
  const { rss } = process.memoryUsage()
  await world.stop()

  const quantile = (list: number[], share: number) =>
    list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] as number
  const median = (list: number[]) => quantile(list, 0.5)
  const spread = (list: number[]) => [0, 0.05, 0.5, 0.95, 0.99, 1].map((share) => Math.round(quantile(list, share)))
  console.log(
    JSON.stringify({
      ...{ seed: SEED, tables: JOIN ? 'joined' : 'met', nodes: NODES, dead: DEAD, keys: KEYS },
      exact7: exact / KEYS,
      atLeast6: atLeastSix / KEYS,
      // Least, 5 %, median, 95 %, 99 %, most.
      ...{ rounds: spread(rounds), messages: spread(messages), virtualMs: spread(times) },
      ends: Object.fromEntries(ends),
      table: { smallest: sizes[0], median: median(sizes), largest: sizes.at(-1) },
      rssMiB: Math.round(rss / 2 ** 20),
    }),
  )
  assert.ok(exact / KEYS >= 0.99, `exact in ${exact} of ${KEYS}, seed ${SEED}`)
  assert.ok(atLeastSix / KEYS >= 0.999, `six of seven in ${atLeastSix} of ${KEYS}, seed ${SEED}`)
  assert.ok(median(rounds) <= Math.log2(NODES) / 3 + 2, `median of ${median(rounds)} rounds, seed ${SEED}`)
})
