/**
 * A file onto ten node processes and back through clients of this process: what a user waits for, and what it costs the
 * nodes in memory. Chunk latencies decide how many should be under way at once.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/index.ts'
import { type Devnet, startDevnet } from '../../src/devnet/index.ts'
import { createClientNode } from '../../src/node/index.ts'
import { parseMultiaddr } from '../../src/protocol/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { noise } from '../inputs.ts'
import { latencyRow, type Row, rowOf } from '../measure.ts'
import { nodeCommand } from '../node-program.ts'
import { benchFile, type Context } from '../shelf.ts'
import { memoryOf, resetPeaks } from './processes.ts'
import { writeNoise } from './write-noise.ts'

const MB = 1_000_000
/** Largest content that is one chunk (wire.md 16). */
const CHUNK = 4 * 1024 * 1024

interface State {
  readonly context: Context
  readonly work: string
  readonly network: Devnet
  readonly startedMs: number
}

const PLANS = {
  smoke: { nodes: 5, sizes: [MB], rounds: () => 1, chunks: 2 },
  quick: { nodes: 10, sizes: [MB, 10 * MB], rounds: () => 2, chunks: 15 },
  // A gigabyte takes minutes, and says what a hundred megabytes say: once is enough.
  full: {
    nodes: 10,
    sizes: [MB, 10 * MB, 100 * MB, 1000 * MB],
    rounds: (size: number) => (size > 100 * MB ? 1 : 3),
    chunks: 60,
  },
} as const

export default benchFile<State>({
  skip: () => {
    const availability = quicAvailability()
    return availability.available ? undefined : availability.reason
  },
  steps: ({ level }) => [
    { id: 'local network: start and idle memory', run: startAndIdle },
    ...PLANS[level].sizes.map((size) => ({
      id: `put and get of ${size / MB} MB`,
      run: (state: State) => putAndGet(state, size),
    })),
    { id: 'chunk latency, 4 MiB', run: chunkLatency },
  ],
  async setup(context) {
    const work = await mkdtemp(join(tmpdir(), 'myrmex-bench-'))
    try {
      const program = nodeCommand(context.program)
      const began = performance.now()
      const { nodes } = PLANS[context.level]
      const lifetime = { inProcess: false, detached: false, keep: false } as const
      const network = await startDevnet(
        { nodes, dataDir: join(work, 'net'), ...lifetime, logLevel: 'warn', program },
        context.signal,
      )
      return { context, work, network, startedMs: performance.now() - began }
    } catch (error) {
      await rm(work, { recursive: true, force: true })
      throw error
    }
  },
  async teardown({ network, work }) {
    await network.stop()
    await rm(work, { recursive: true, force: true })
  },
})

async function startAndIdle({ context, network, startedMs }: State): Promise<Row[]> {
  const settleMs = { smoke: 100, quick: 5000, full: 20_000 }[context.level]
  await systemClock.sleep(settleMs, context.signal)
  const idle = await memoryOf(pidsOf(network), 'VmRSS')
  const count = network.nodes.length
  return [
    rowOf(`start of ${count} nodes to first put`, 'ms', [['myrmex', [startedMs]]]),
    rowOf('memory of a node, idle', 'MiB', [['a node', idle]], { population: true }),
  ]
}

async function putAndGet({ context, work, network }: State, size: number): Promise<Row[]> {
  const { signal } = context
  const pids = pidsOf(network)
  const up: number[] = []
  const down: number[] = []
  const peaks: number[] = []
  for (let round = 0; round < PLANS[context.level].rounds(size); round++) {
    const source = join(work, 'source')
    const copy = join(work, 'copy')
    await writeNoise(source, size)
    await resetPeaks(pids)
    const put = await timed(network, context, (client) => client.uploadFile(source, { public: true, signal }))
    peaks.push(...(await memoryOf(pids, 'VmHWM')))
    const reference = put.result.address as string
    const get = await timed(network, context, (client) => client.downloadTo(reference, copy, { signal }))
    if ((await stat(copy)).size !== size) throw new Error(`${size} bytes came back as ${(await stat(copy)).size}`)
    await rm(copy)
    up.push(size / MB / put.seconds)
    down.push(size / MB / get.seconds)
  }
  const label = `${size / MB} MB`
  const count = network.nodes.length
  const place = { chart: 'Put and get by file size', x: size, xTitle: 'file', xUnit: 'B' } as const
  const row = (what: string, values: number[]) =>
    rowOf(`${what} ${label}, ${count} nodes`, 'MB/s', [[what, values]], { place: { ...place, line: what } })
  return [
    row('put', up),
    row('get', down),
    rowOf(`memory of a node, peak at put ${label}`, 'MiB', [['a node', peaks]], { population: true }),
  ]
}

/** One at a time, so that a latency is that of the walk and not of a queue. */
async function chunkLatency({ context, network }: State): Promise<Row> {
  const puts: number[] = []
  const gets: number[] = []
  const { signal } = context
  const { chunks } = PLANS[context.level]
  await timed(network, context, async (client) => {
    for (let i = 0; i < chunks; i++) {
      const content = noise(CHUNK)
      const began = performance.now()
      const { address } = await client.putChunk(content, { signal })
      const stored = performance.now()
      await client.getChunk(address, { signal })
      puts.push(stored - began)
      gets.push(performance.now() - stored)
    }
  })
  const events = [
    ['put', puts],
    ['get', gets],
  ] as const
  return latencyRow('chunk latency, 4 MiB', 'ms', events, {
    place: { chart: 'Latency of one 4 MiB chunk', xTitle: 'latency', xUnit: 'n' },
  })
}

function pidsOf(network: Devnet): number[] {
  return network.nodes.map(({ pid }) => pid)
}

type Client = Awaited<ReturnType<typeof createClientNode>>['client']

/** One piece of work through a fresh client; connecting is left out. */
async function timed<T>(network: Devnet, { signal }: Context, work: (client: Client) => Promise<T>) {
  const seeds = network.nodes.slice(0, 3).map(({ address }) => parseMultiaddr(address))
  const node = await createClientNode({ seeds, allowLoopback: true, clock: systemClock })
  await node.start(signal)
  try {
    const began = performance.now()
    const result = await work(node.client)
    return { result, seconds: (performance.now() - began) / 1000 }
  } finally {
    await node.stop()
  }
}
