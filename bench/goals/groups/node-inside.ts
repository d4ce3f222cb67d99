/** Inside node processes: what a message takes of JS memory, how late the loop is, what one more node costs. */
import { join } from 'node:path'
import { quicAvailability } from '../../../src/transport/index.ts'
import { type Context, type Group, NotMeasured } from '../context.ts'
import { median } from '../goal.ts'
import { writeInput } from '../inputs.ts'
import { clientWork, LocalNetwork } from '../local-network.ts'
import { hasProc, rssMiB } from '../process-figures.ts'
import type { Session } from '../session.ts'

const NODES = 10
const CHUNK = 4 * 1024 * 1024
const MB = 1_000_000
const P50 = 'myrmex_node_loop_delay_p50_seconds'
const P99 = 'myrmex_node_loop_delay_p99_seconds'
const MAX = 'myrmex_node_loop_delay_max_seconds'

export const nodeInside: Group = {
  ids: ['message-copies', 'loop-delay', 'node-in-process-rss'],
  async run(context) {
    if (!quicAvailability().available) throw new NotMeasured('the QUIC endpoint is not there (native addon)')
    if (!hasProc) throw new NotMeasured('figures of a process are read from /proc, which is not here')
    if (context.wants('message-copies', 'loop-delay')) {
      const folder = await context.scope.folder()
      const net = await LocalNetwork.start(context, folder, NODES, true)
      try {
        if (context.wants('message-copies')) await messageCopies(context, net)
        if (context.wants('loop-delay')) await loopDelay(context, net, folder)
      } finally {
        await net.stop()
        await context.scope.remove(folder)
      }
    }
    if (context.wants('node-in-process-rss')) await furtherNodes(context)
  },
}

/**
 * A few chunks are put, and each node tells by how much its JS memory outside the heap has grown, if nothing was
 * collected meanwhile: then every buffer that a message took on its way, the one it came in included, is still counted.
 * Nodes that stored none show what else happens in that time.
 */
async function messageCopies(context: Context, net: LocalNetwork): Promise<void> {
  const client = await net.client()
  const samples: number[] = []
  const allocated: number[] = []
  const idle: number[] = []
  let collected = 0
  try {
    await client.ask('put', CHUNK)
    for (let round = 0; round < context.pick(10, 4); round++) {
      context.signal.throwIfAborted()
      const before = await net.probe('collect')
      const addresses = new Set<string>()
      for (let i = 0; i < 2; i++) addresses.add(String((await client.ask('put', CHUNK))['address']))
      const after = await net.probe('read')
      const held = await net.chunksHeld(addresses)
      for (const [i, count] of held.entries()) {
        const [was, is] = [before[i], after[i]]
        if (!was || !is) continue
        if (is.collections !== was.collections) collected++
        else if (count === 0) idle.push((is.external - was.external) / CHUNK)
        else {
          samples.push((is.external - was.external) / (count * CHUNK))
          allocated.push((is.arrayBuffers - was.arrayBuffers) / (count * CHUNK))
        }
      }
    }
  } finally {
    client.stop()
  }
  if (samples.length === 0) return context.notMeasured('message-copies', 'every node collected in every round')
  context.measured('message-copies', {
    samples,
    details: {
      allocated_by_js: median(allocated),
      nodes_that_stored_none: idle.length > 0 ? median(idle) : 'none',
      readings_with_a_collection: collected,
    },
    note: 'external memory of JS by 4 MiB received and stored, the buffer the message came in included; native memory is not counted',
  })
}

/** Two clients put and get at once, as fast as the nodes let them. */
async function loopDelay(context: Context, net: LocalNetwork, folder: string): Promise<void> {
  const files = [0, 1].map((i) => join(folder, `load-${i}`))
  for (const file of files) await writeInput(file, 'random', 100 * MB, context.signal)
  const samples: number[] = []
  const middle: number[] = []
  let largest = 0
  for (let round = 0; round < context.pick(3, 1); round++) {
    context.signal.throwIfAborted()
    // Reading starts the next span.
    await net.scrape([P50, P99, MAX])
    await Promise.all(
      files.map(async (file, i) => {
        const { answer } = await clientWork(net, 'upload', file)
        await clientWork(net, 'download', String(answer['address']), join(folder, `copy-${i}`))
      }),
    )
    const delays = await net.scrape([P50, P99, MAX])
    samples.push(Math.max(...delays.map(([, p99]) => (p99 as number) * 1000)))
    middle.push(median(delays.map(([, p99]) => (p99 as number) * 1000)))
    largest = Math.max(largest, ...delays.map(([, , max]) => (max as number) * 1000))
    // Chunks that are there already are not written again: every round needs fresh bytes.
    for (const file of files) await writeInput(file, 'random', 100 * MB, context.signal)
  }
  context.measured('loop-delay', {
    samples,
    details: { p99_of_the_median_node: median(middle), largest },
    note: 'two clients put and get 100 MB at once; ten nodes and the clients share the cores, so waiting for a core is in it',
  })
}

/** Two processes side by side, one with one node and one with several: the difference, by node. */
async function furtherNodes(context: Context): Promise<void> {
  const folder = await context.scope.folder()
  const sizes = [1, NODES]
  const sessions: Session[] = []
  try {
    for (const count of sizes)
      sessions.push(context.node('workers/in-process-nodes.ts', join(folder, String(count)), String(count)))
    const tables = await Promise.all(sessions.map((session) => session.figure('smallest', 'tables')))
    if ((tables[1] as number) < NODES - 1) throw new Error('the nodes of one process did not all find each other')
    await context.sleep(context.pick(60, 10) * 1000)
    const [one, many] = (await Promise.all(sessions.map(({ pid }) => rssMiB(pid)))) as [number, number]
    context.measured('node-in-process-rss', {
      samples: [(many - one) / (NODES - 1)],
      details: { one_node_mib: one, all_nodes_mib: many, nodes: NODES },
      note: `${context.pick(60, 10)} s after the start`,
    })
  } finally {
    for (const session of sessions) session.stop()
    await context.scope.remove(folder)
  }
}
