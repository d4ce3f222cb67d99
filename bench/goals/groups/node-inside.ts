/** Inside node processes: what a message takes of JS memory, how late the loop is, what one more node costs. */
import { join } from 'node:path'
import type { Context, Group } from '../context.ts'
import { median } from '../goal.ts'
import { writeInput } from '../inputs.ts'
import { clientWork, LocalNetwork, refuseWithoutProcesses } from '../local-network.ts'
import { rssMiB } from '../process-figures.ts'
import type { Session } from '../session.ts'
import type { Lateness } from '../workers/lateness.ts'

const NODES = 10
const CHUNK = 4 * 1024 * 1024
const MB = 1_000_000

export const nodeInside: Group = {
  ids: ['message-copies', 'loop-delay', 'loop-delay-own', 'node-in-process-rss'],
  async run(context) {
    refuseWithoutProcesses()
    if (context.wants('message-copies', 'loop-delay', 'loop-delay-own')) {
      const folder = await context.scope.folder()
      const net = await LocalNetwork.start(context, folder, NODES, 'probed')
      try {
        if (context.wants('message-copies')) await messageCopies(context, net)
        if (context.wants('loop-delay', 'loop-delay-own')) await loopDelay(context, net, folder)
      } finally {
        await net.stop()
        await context.scope.remove(folder)
      }
    }
    if (context.wants('node-in-process-rss')) await furtherNodes(context)
  },
}

/**
 * One chunk at a time is put, and each node tells by how much its JS memory outside the heap grew meanwhile at most. A
 * copy needs its source and its target at once, so this sees it, also when buffers are given back early. Nodes that
 * store none show what else happens in that time.
 */
async function messageCopies(context: Context, net: LocalNetwork): Promise<void> {
  const client = await net.client()
  const stored: number[] = []
  const idle: number[] = []
  try {
    await client.ask('put', CHUNK)
    for (let round = 0; round < context.pick(12, 5); round++) {
      context.signal.throwIfAborted()
      await net.probe('begin')
      const { address } = await client.ask('put', CHUNK)
      const grown = (await net.probe('end')).map(({ base, peak }) => peak - base)
      const held = await net.chunksHeld(new Set([String(address)]))
      for (const [i, bytes] of grown.entries()) {
        if (held[i] === 0) idle.push(bytes)
        else stored.push(bytes)
      }
    }
    await client.ask('leave')
  } finally {
    client.stop()
  }
  const besides = idle.length > 0 ? median(idle) : 0
  context.measured('message-copies', {
    samples: stored.map((bytes) => (bytes - besides) / CHUNK),
    details: { bytes_of_nodes_that_stored_none: besides, messages: stored.length },
    note: 'largest JS memory outside the heap while a 4 MiB message is received and stored, the buffer it came in included; native memory is not counted',
  })
}

/** Two clients put and get at once, as fast as the nodes let them. */
async function loopDelay(context: Context, net: LocalNetwork, folder: string): Promise<void> {
  const files = [0, 1].map((i) => join(folder, `load-${i}`))
  const worst: Lateness[] = []
  const middle: Lateness[] = []
  for (let round = 0; round < context.pick(3, 1); round++) {
    context.signal.throwIfAborted()
    // Chunks that are there already are not written again: every round needs fresh bytes.
    for (const file of files) await writeInput(file, 'random', 100 * MB, context.signal)
    await net.watchLateness()
    await Promise.all(
      files.map(async (file, i) => {
        const { answer } = await clientWork(net, 'upload', file)
        await clientWork(net, 'download', String(answer['address']), join(folder, `copy-${i}`))
      }),
    )
    const nodes = await net.lateness()
    const over = (join: (values: number[]) => number) => ({
      all: join(nodes.map(({ all }) => all)),
      own: join(nodes.map(({ own }) => own)),
    })
    worst.push(over((values) => Math.max(...values)))
    middle.push(over(median))
  }
  const note = 'two clients put and get 100 MB at once; ten nodes and the clients share the cores'
  context.measured('loop-delay', {
    samples: worst.map(({ all }) => all),
    details: { p99_of_the_median_node: median(middle.map(({ all }) => all)) },
    note: `${note}, so waiting for a core is in it`,
  })
  context.measured('loop-delay-own', {
    samples: worst.map(({ own }) => own),
    details: { p99_of_the_median_node: median(middle.map(({ own }) => own)) },
    note: `${note}; the time in which the thread was ready and had no core is taken off`,
  })
}

/** Two processes side by side, one with one node and one with several: the difference, by node. */
async function furtherNodes(context: Context): Promise<void> {
  const folder = await context.scope.folder()
  const sizes = [1, NODES]
  const sessions: Session[] = []
  try {
    for (const count of sizes)
      sessions.push(context.node('workers/in-process-nodes.ts', 'devnet', join(folder, String(count)), String(count)))
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
