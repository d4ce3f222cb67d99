/**
 * Lookups among n nodes: the real routing tables answer the real lookup machine, without time or sockets. A round is
 * three questions at once; a question and its answer are two messages.
 */
import { type Random, randomBelow, seededRandom } from '../../../../src/base/index.ts'
import { closest } from '../../../../src/dht/close-group.ts'
import { dhtDefaults } from '../../../../src/dht/index.ts'
import type { TableEntry } from '../../../../src/dht/k-bucket.ts'
import { Lookup } from '../../../../src/dht/lookup.ts'
import { RoutingTable } from '../../../../src/dht/routing-table.ts'
import {
  CLOSE_GROUP_SIZE,
  commonPrefixLength,
  K_BUCKET_SIZE,
  type Key,
  LOOKUP_ALPHA,
  peerIdOf,
} from '../../../../src/protocol/index.ts'
import type { Context } from '../../context.ts'
import { median } from '../../goal.ts'
import { growthRow } from './curve.ts'

export const LOOKUP_IDS = ['growth-lookup-rounds', 'growth-lookup-messages', 'growth-lookup-cpu']
const SEED = 20261121
const HINT = { kind: 'hint' } as const

export function entryOf(key: Key): TableEntry {
  return { peer: peerIdOf(key), key, addresses: [], lastSeen: 0, publication: undefined }
}

class LookupWorld {
  readonly #entries: TableEntry[]
  readonly #dice: Random
  readonly #tables = new Map<string, RoutingTable>()

  constructor(n: number) {
    this.#dice = seededRandom(SEED)
    const keys = Array.from({ length: n }, () => this.#dice.bytes(32) as Key)
    this.#entries = keys.map(entryOf)
  }

  anybody(): TableEntry {
    return this.#entries[randomBelow(this.#dice, this.#entries.length)] as TableEntry
  }

  key(): Key {
    return this.#dice.bytes(32) as Key
  }

  nearest(target: Key, count: number): TableEntry[] {
    return closest(target, this.#entries, count)
  }

  /** What a node knows that has met everybody, in an order of its own: full buckets far away, all of its neighbours. */
  table(node: Pick<TableEntry, 'peer' | 'key'>): RoutingTable {
    let table = this.#tables.get(node.peer)
    if (table) return table
    table = new RoutingTable(node.peer, { bucketSize: K_BUCKET_SIZE, now: 0 })
    const start = randomBelow(this.#dice, this.#entries.length)
    for (let i = 0; i < this.#entries.length; i++) {
      const other = this.#entries[(start + i) % this.#entries.length] as TableEntry
      if (other.peer === node.peer) continue
      const bucket = table.buckets[commonPrefixLength(node.key, other.key)]
      if (bucket && bucket.size < K_BUCKET_SIZE) table.insert({ ...other })
    }
    this.#tables.set(node.peer, table)
    return table
  }

  /** One walk to its end. */
  walk(from: TableEntry, target: Key): { rounds: number; messages: number; found: string[] } {
    const { maxRounds, maxCandidates, graceMs, silentMs, lookupDeadlineMs } = dhtDefaults
    const lookup = new Lookup(
      target,
      { self: from.peer, selfEntry: from, known: this.table(from).closest(target, K_BUCKET_SIZE), now: 0 },
      {
        ...{ count: CLOSE_GROUP_SIZE, alpha: LOOKUP_ALPHA, maxRounds, maxCandidates, graceMs, silentMs },
        ...{ answerLimit: K_BUCKET_SIZE, deadlineMs: lookupDeadlineMs },
      },
      { isEligible: () => true },
    )
    let messages = 0
    for (;;) {
      const step = lookup.step(0)
      if (step.kind !== 'query') break
      for (const { peer, key } of step.peers) {
        messages += 2
        const known = this.table({ peer, key })
        const answer = known.closest(target, K_BUCKET_SIZE).filter((entry) => entry.peer !== from.peer)
        lookup.answered(
          peer,
          answer.map((entry) => ({ ...entry, authority: HINT })),
          0,
        )
      }
    }
    return { rounds: lookup.rounds, messages, found: lookup.result().map(({ peer }) => peer) }
  }
}

export async function lookups(context: Context): Promise<void> {
  if (!context.wants(...LOOKUP_IDS)) return
  const worlds = new Map<number, LookupWorld>()
  const worldOf = (n: number) => {
    let world = worlds.get(n)
    if (!world) worlds.set(n, (world = new LookupWorld(n)))
    return world
  }
  const walks = context.pick(60, 20)
  const run = (n: number) => {
    const world = worldOf(n)
    const [rounds, messages, micros]: [number[], number[], number[]] = [[], [], []]
    let exact = 0
    for (let i = 0; i < walks; i++) {
      const [from, target] = [world.anybody(), world.key()]
      // Tables are made when a node is first asked: the walk is timed when they are there.
      const { found, ...counts } = world.walk(from, target)
      const began = performance.now()
      world.walk(from, target)
      micros.push((performance.now() - began) * 1000)
      rounds.push(counts.rounds)
      messages.push(counts.messages)
      const wanted = new Set(world.nearest(target, Math.min(CLOSE_GROUP_SIZE, n)).map(({ peer }) => peer as string))
      if (found.every((peer) => wanted.has(peer))) exact++
    }
    if (exact < walks * 0.95) throw new Error(`only ${exact} of ${walks} lookups among ${n} nodes found the closest`)
    return { rounds: mean(rounds), messages: mean(messages), micros: median(micros) }
  }
  const note = 'real tables and the real lookup machine; the seven closest were found'
  await growthRow(context, 'growth-lookup-rounds', 'rounds', (n) => run(n).rounds, { note })
  await growthRow(context, 'growth-lookup-messages', 'messages', (n) => run(n).messages, { note })
  const cpu = 'decisions of both ends on one core; signatures and sockets are not in it'
  await growthRow(context, 'growth-lookup-cpu', 'us', (n) => run(n).micros, { note: cpu })
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
