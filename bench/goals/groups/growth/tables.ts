/** The routing table of a node that has met n peers, and the connection table with n connections. */
import { type Random, seededRandom } from '../../../../src/base/index.ts'
import { type AdmissionContext, decideAdmission } from '../../../../src/dht/admission.ts'
import { dhtDefaults } from '../../../../src/dht/index.ts'
import { RoutingTable } from '../../../../src/dht/routing-table.ts'
import { ConnectionTable, type Entry } from '../../../../src/network/connection-table.ts'
import {
  ADDRESS_TYPE,
  K_BUCKET_SIZE,
  type Key,
  keyOf,
  peerIdOf,
  quicMultiaddr,
  type SocketAddress,
} from '../../../../src/protocol/index.ts'
import type { Context } from '../../context.ts'
import { callNs } from '../../timing.ts'
import { growthRow, replaceOldest, SIZES } from './curve.ts'

export const TABLE_IDS = [
  ...['growth-table-closest', 'growth-table-admit'],
  ...['growth-connections-find', 'growth-connections-add', 'growth-connections-watch'],
]
const SEED = 7
const BATCH = 50

export async function tables(context: Context): Promise<void> {
  const ms = context.pick(100, 40)
  const dice = seededRandom(SEED)
  const met = new Map(SIZES.map((n) => [n, tableThatMet(n, dice)]))
  const sizes = SIZES.map((n) => met.get(n)?.size).join(', ')
  const note = `its table then holds ${sizes} of them`
  await growthRow(
    context,
    'growth-table-closest',
    'ns',
    (n) => {
      const target = dice.bytes(32)
      return callNs(ms, () => met.get(n)?.closest(target, K_BUCKET_SIZE), BATCH)
    },
    { note },
  )
  await growthRow(
    context,
    'growth-table-admit',
    'ns',
    (n) => {
      const table = met.get(n) as RoutingTable
      const strangers = Array.from({ length: BATCH }, () => stranger(dice))
      return callNs(ms, () => strangers.map((candidate) => decideAdmission(table, candidate, admission()))) / BATCH
    },
    { note },
  )
  const links = new Map(SIZES.map((n) => [n, connections(n, dice)]))
  await growthRow(context, 'growth-connections-find', 'ns', (n) => {
    const { table, entries } = links.get(n) as Links
    let i = 0
    return callNs(ms, () => table.used((entries[i++ % n] as Entry).peer), BATCH)
  })
  await growthRow(
    context,
    'growth-connections-add',
    'ns',
    (n) => {
      const { table, entries } = links.get(n) as Links
      const next = replaceOldest(entries, {
        fresh: () => link(dice),
        remove: (oldest) => table.remove(oldest),
        add: (fresh) => table.add(fresh),
      })
      return callNs(ms, next, BATCH)
    },
    { note: 'the oldest goes, a new one comes; making the new one is in it' },
  )
  await growthRow(
    context,
    'growth-connections-watch',
    'ns',
    (n) => callNs(ms, () => (links.get(n) as Links).table.anyUsable),
    { note: 'the DHT asks every 5 s whether anybody is connected (src/dht/maintenance.ts, #watch)' },
  )
}

function socketOf(dice: Random): SocketAddress {
  const [a, b, c, d] = dice.bytes(4) as unknown as [number, number, number, number]
  return { ip: `${20 + (a % 80)}.${b}.${c}.${d}`, port: 10_000 }
}

function stranger(dice: Random) {
  return {
    peer: peerIdOf(dice.bytes(32) as Key),
    addresses: [{ address: quicMultiaddr(socketOf(dice)), type: ADDRESS_TYPE.direct }],
  }
}

function admission(): AdmissionContext {
  const { allowLoopback, limits, staleAfterMs } = dhtDefaults
  return {
    ...{ now: 0, allowLoopback, limits, staleAfterMs, swapThreshold: 0, protectionThreshold: 1, mayDefer: true },
    trustOf: () => 0.5,
  }
}

function tableThatMet(n: number, dice: Random): RoutingTable {
  const table = new RoutingTable(peerIdOf(dice.bytes(32) as Key), { bucketSize: K_BUCKET_SIZE, now: 0 })
  for (let i = 0; i < n; i++) {
    const { peer, addresses } = stranger(dice)
    const key = keyOf(peer)
    if (table.bucketOf(key).size >= K_BUCKET_SIZE) continue
    table.insert({ peer, key, addresses, lastSeen: 0, publication: undefined })
  }
  return table
}

interface Links {
  readonly table: ConnectionTable<Entry>
  /** In the order of the ring that replaces them. */
  readonly entries: Entry[]
}

function link(dice: Random): Entry {
  const { peer } = stranger(dice)
  return { peer, remote: socketOf(dice), side: 'dialler', openedAtMs: 0, selfIsLower: true, identified: true }
}

function connections(n: number, dice: Random): Links {
  const table = new ConnectionTable<Entry>({ simultaneousOpenMs: 6000 })
  const all = Array.from({ length: n }, () => link(dice))
  for (const entry of all) table.add(entry)
  return { table, entries: all }
}
