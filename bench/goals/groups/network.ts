/** Ten node processes as a user meets them: start, idle cost, files and chunks there and back, memory of both ends. */
import { join } from 'node:path'
import type { Context, Group } from '../context.ts'
import { median, percentile } from '../goal.ts'
import { writeInput } from '../inputs.ts'
import { clientWork, LocalNetwork, refuseWithoutProcesses } from '../local-network.ts'
import { cpuMs, peakRssMiB, resetPeak, rssMiB } from '../process-figures.ts'

const NODES = 10
const MB = 1_000_000
const CHUNK = 4 * 1024 * 1024

const IDLE = ['node-idle-rss', 'node-idle-cpu']
const CHUNKS = ['put-4mib-p50', 'get-4mib-p50']
const FILES = ['put-100mb', 'get-100mb', 'client-memory', 'node-peak-rss', 'node-rss-after']

export const network: Group = {
  ids: ['start-10', ...IDLE, ...CHUNKS, ...FILES, 'file-600mb'],
  async run(context) {
    refuseWithoutProcesses()
    const folder = await context.scope.folder()
    let net: LocalNetwork | undefined
    try {
      const starts: number[] = []
      // The last one stays.
      for (let left = context.wants('start-10') ? context.pick(3, 1) : 1; left > 0; left--) {
        await net?.stop()
        net = await LocalNetwork.start(context, folder, NODES)
        starts.push(net.startSeconds)
      }
      context.measured('start-10', { samples: starts })
      const running = net as LocalNetwork
      if (context.wants(...IDLE)) await idle(context, running)
      if (context.wants(...CHUNKS)) await chunks(context, running)
      if (context.wants(...FILES, 'file-600mb')) await files(context, running, folder)
    } finally {
      await net?.stop()
      await context.scope.remove(folder)
    }
  },
}

async function idle(context: Context, net: LocalNetwork): Promise<void> {
  const [waitS, spanS] = [context.pick(120, 15), context.pick(60, 15)]
  await context.sleep(waitS * 1000)
  context.measured('node-idle-rss', {
    samples: await net.each(rssMiB),
    note: `the samples are the ${NODES} nodes, ${waitS} s after the start, run from ${context.program === undefined ? 'the sources: stripping types costs a process 27 MiB' : 'a build'}`,
  })
  if (!context.wants('node-idle-cpu')) return
  const before = await net.each(cpuMs)
  const began = performance.now()
  await context.sleep(spanS * 1000)
  const ms = performance.now() - began
  const after = await net.each(cpuMs)
  context.measured('node-idle-cpu', {
    samples: after.map((cpu, i) => ((cpu - (before[i] as number)) / ms) * 100),
    note: `the samples are the ${NODES} nodes, over ${spanS} s`,
  })
}

async function chunks(context: Context, net: LocalNetwork): Promise<void> {
  const client = await net.client()
  try {
    const [puts, gets]: [number[], number[]] = [[], []]
    for (let left = context.pick(30, 12) + 1; left > 0; left--) {
      context.signal.throwIfAborted()
      const put = await client.ask('put', CHUNK)
      puts.push(Number(put['ms']))
      gets.push(await client.figure('ms', 'get', String(put['address'])))
    }
    for (const [id, all] of [
      ['put-4mib-p50', puts],
      ['get-4mib-p50', gets],
    ] as const) {
      // The first one opens connections.
      const samples = all.slice(1)
      const details = { n: samples.length, p95: percentile(samples, 0.95), first: all[0] as number }
      context.measured(id, { samples, details, note: 'one after another, by one client' })
    }
    await client.ask('leave')
  } finally {
    client.stop()
  }
}

interface Transfer {
  readonly mb: number
  readonly up: number
  readonly down: number
  readonly upMiB: number
  readonly downMiB: number
}

async function files(context: Context, net: LocalNetwork, folder: string): Promise<void> {
  const transfers: Transfer[] = []
  const peaks: number[] = []
  const rounds = context.pick(3, 1)
  if (context.wants(...FILES)) {
    for (let round = 0; round < rounds; round++) {
      const isLast = round === rounds - 1
      const between = async () => {
        peaks.push(Math.max(...(await net.each(peakRssMiB))))
        if (!isLast || !context.wants('node-rss-after')) return
        const seconds = context.pick(60, 20)
        await context.sleep(seconds * 1000)
        const after = Math.max(...(await net.each(rssMiB)))
        context.measured('node-rss-after', { samples: [after], note: `${seconds} s after the last upload` })
      }
      await net.each(resetPeak)
      transfers.push(await transfer(context, net, folder, 100, between))
    }
    const speeds = (which: 'up' | 'down') => ({ samples: transfers.map((each) => each[which]) })
    const note = 'free payment, nodes replicate meanwhile; a fresh client each, connecting left out'
    context.measured('put-100mb', { ...speeds('up'), note })
    context.measured('get-100mb', { ...speeds('down'), note })
    context.measured('node-peak-rss', { samples: peaks, note: 'largest of the ten, in each upload' })
  }
  if (context.wants('file-600mb') || (context.wants('client-memory') && !context.quick)) {
    if (context.quick) context.notMeasured('file-600mb', 'left out of --quick')
    else {
      const large = await transfer(context, net, folder, 600)
      transfers.push(large)
      context.measured('file-600mb', {
        samples: [1],
        details: { up_mb_per_s: large.up, down_mb_per_s: large.down },
        note: 'SHA-256 of what came back is that of the file',
      })
    }
  }
  const memory = transfers.flatMap(({ upMiB, downMiB }) => [upMiB, downMiB])
  if (memory.length > 0)
    context.measured('client-memory', {
      samples: [Math.max(...memory)],
      curve: transfers.map(({ mb, upMiB, downMiB }) => ({ n: mb, up_mib: upMiB, down_mib: downMiB })),
      details: {
        up_median_mib: median(transfers.map((t) => t.upMiB)),
        largest_file_mb: Math.max(...transfers.map((t) => t.mb)),
      },
      note: 'the largest of all transfers; the curve is by size in MB',
    })
}

async function transfer(
  context: Context,
  net: LocalNetwork,
  folder: string,
  mb: number,
  between?: () => Promise<void>,
): Promise<Transfer> {
  const [source, copy] = [join(folder, 'source'), join(folder, 'copy')]
  await writeInput(source, 'random', mb * MB, context.signal)
  const up = await clientWork(net, 'upload', source)
  await between?.()
  const down = await clientWork(net, 'download', String(up.answer['address']), copy)
  const checker = await net.client()
  try {
    const sum = async (path: string) => (await checker.ask('sha256', path))['sha256']
    if ((await sum(source)) !== (await sum(copy))) throw new Error(`${mb} MB came back as other bytes`)
  } finally {
    checker.stop()
  }
  const speed = (ms: number) => (mb * 1000) / ms
  return { mb, up: speed(up.ms), down: speed(down.ms), upMiB: up.aboveIdleMiB, downMiB: down.aboveIdleMiB }
}
