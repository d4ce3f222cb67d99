/**
 * How much of a network one process simulates: whole nodes on a virtual clock, some of them replaced every hour, chunks
 * with seven copies. Prints virtual hours a real second, processor time a message, messages a node-hour by kind, memory
 * a node. A program of its own, for the night: what it takes goes from seconds to hours.
 *
 *   node bench/sim/scale.ts --nodes 1000 --chunks 100000 --hours 24 --churn 0.3 --seed 1 --json FILE
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { minute, randomBelow, shuffled } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { SimulatedDevnet } from '../../src/devnet/simulated.ts'
import {
  ACCEPTANCE_WIDTH,
  type ChunkAddress,
  CLOSE_GROUP_SIZE,
  chunkAddressOf,
  keyOf,
} from '../../src/protocol/index.ts'
import { machineFacts } from '../machine.ts'
import { countMessages, type MessageCounts, minus, plus, totalOf } from './message-counts.ts'
import { Placement } from './placement.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100' },
    chunks: { type: 'string', default: '1000' },
    bytes: { type: 'string', default: '2048' },
    hours: { type: 'string', default: '1' },
    churn: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    'memory-store': { type: 'boolean', default: false },
    'dht-only': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const [nodes, chunks, bytes, hours, churn, seed] = (
  ['nodes', 'chunks', 'bytes', 'hours', 'churn', 'seed'] as const
).map((name) => {
  const value = Number(values[name])
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} ${values[name]} is no number`)
  return value
}) as [number, number, number, number, number, number]
const replication = !values['dht-only']

/** A part of the nodes is replaced in each. */
const STEP_MS = 2 * minute

const net = new SimulatedDevnet(
  { seed },
  { node: { memoryStore: values['memory-store'] }, ...(replication ? {} : { replication: false }) },
)
const dice = net.world.random('bench')
/** Of nodes that are gone. */
let gone: MessageCounts = new Map()

const started = spent()
await net.start(nodes)
const joining = { ...since(started), messages: totalOf(counted()) }
say(`${nodes} nodes joined: ${seconds(joining.cpuMs)} s of processor, ${joining.messages} messages`)

const addresses = await plantChunks()
const before = counted()
const ran = spent()
await live()
const running = since(ran)
const byKind = minus(counted(), before)
const messages = totalOf(byKind)
const nodeHours = nodes * hours
const rssMiB = process.memoryUsage().rss / 2 ** 20

const report = {
  nodes,
  chunks: addresses.length,
  bytes,
  seed,
  churnPerHour: churn,
  replication,
  virtualHours: hours,
  joining: { realSeconds: joining.realMs / 1000, cpuSeconds: joining.cpuMs / 1000, messages: joining.messages },
  realSeconds: running.realMs / 1000,
  cpuSeconds: running.cpuMs / 1000,
  virtualHoursPerRealSecond: hours / (running.realMs / 1000),
  cpuSecondsPerNodeHour: running.cpuMs / 1000 / nodeHours,
  messages,
  cpuMicrosecondsPerMessage: (running.cpuMs * 1000) / messages,
  messagesPerNodeHour: Object.fromEntries(
    [...byKind].toSorted((a, b) => b[1] - a[1]).map(([kind, count]) => [kind, round(count / nodeHours)]),
  ),
  table: { mean: net.nodes.reduce((sum, node) => sum + node.tableSize(), 0) / net.nodes.length },
  copies: copies(),
  rssMiB: Math.round(rssMiB),
  rssKiBPerNode: Math.round((rssMiB * 1024) / nodes),
  fingerprint: net.world.fingerprint(),
  machine: machineFacts(),
}
say(JSON.stringify({ ...report, machine: undefined }, undefined, 2))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
process.exit()

/** As if they had been stored long ago: the 7 nearest of all nodes hold them, the 20 nearest list them as paid. */
async function plantChunks(): Promise<ChunkAddress[]> {
  if (!replication) return []
  const placement = new Placement(net.nodes)
  const planted: ChunkAddress[] = []
  for (let i = 0; i < chunks; i++) {
    const content = dice.bytes(bytes)
    const address = chunkAddressOf(backend().blake3(content))
    planted.push(address)
    await net.world.run(async () => {
      const nearest = placement.nearest(keyOf(address), ACCEPTANCE_WIDTH)
      for (const node of nearest.slice(0, CLOSE_GROUP_SIZE)) {
        await node.store.put(address, content)
        node.replication.chunkStored(address)
      }
      for (const node of nearest) await node.replication.chunkPaid(address)
    })
  }
  return planted
}

async function live(): Promise<void> {
  const steps = Math.max(1, Math.round((hours * 60 * minute) / STEP_MS))
  let due = 0
  for (let step = 0; step < steps; step++) {
    await net.world.advance(STEP_MS)
    due += (churn * nodes * STEP_MS) / (60 * minute)
    const victims = shuffled(dice, net.nodes).slice(0, Math.floor(due))
    due -= victims.length
    for (const node of victims) {
      gone = plus(gone, countMessages([node]))
      net.remove(node)
      const rest = Math.floor(STEP_MS / (victims.length + 1))
      await net.world.advance(randomBelow(dice, rest / 10))
    }
    if (victims.length > 0) await net.start(nodes)
    if (step % 30 === 29)
      say(`${((step + 1) / 30).toFixed(0)} virtual hours: ${seconds(since(ran).cpuMs)} s of processor`)
  }
}

/** How many chunks have how many copies on living disks. */
function copies(): Record<number, number> {
  const counts: Record<number, number> = {}
  if (!replication) return counts
  for (const address of addresses) {
    const held = net.nodes.filter(({ store }) => store.has(address)).length
    counts[held] = (counts[held] ?? 0) + 1
  }
  return counts
}

function counted(): MessageCounts {
  return plus(gone, countMessages(net.nodes))
}

interface Spent {
  readonly at: number
  readonly cpu: NodeJS.CpuUsage
}
function spent(): Spent {
  return { at: performance.now(), cpu: process.cpuUsage() }
}
function since({ at, cpu }: Spent): { realMs: number; cpuMs: number } {
  const { user, system } = process.cpuUsage(cpu)
  return { realMs: performance.now() - at, cpuMs: (user + system) / 1000 }
}
function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
function round(value: number): number {
  return Math.round(value * 10) / 10
}
function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
