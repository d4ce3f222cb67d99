/** What real nodes do on this machine: four processes on loopback and a client in this one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../base/index.ts'
import type { Client } from '../../client/index.ts'
import { type Devnet, startDevnet } from '../../devnet/index.ts'
import { createClientNode, type Tuning } from '../../node/index.ts'
import { type ChunkAddress, parseMultiaddr } from '../../protocol/index.ts'
import { selfProgram } from '../self-program.ts'
import { type Figure, type Figures, figureOf } from './judge.ts'
import type { Round } from './local.ts'

export type NodeFigures = Pick<Figures, 'stored' | 'served' | 'idleBytes' | 'idleCpu' | 'burstBytes'>

/** A put waits for four nodes: with four each of them stores every chunk. */
const NODES = 4
const ROUNDS = 5
const CHUNK_BYTES = 4 * 1024 * 1024
/** Chunks under way at once: what one client of the network keeps busy. */
const IN_FLIGHT = 4

export interface NetworkRounds {
  readonly idle: Round
  readonly put: Round
  readonly get: Round
}

/** Everything that was started is stopped, and the folder is empty again, whatever happens. */
export async function measureNodes(rounds: NetworkRounds, tuning: Tuning, folder: string): Promise<NodeFigures> {
  const { signal } = rounds.idle
  const network = await startDevnet(
    {
      ...{ nodes: NODES, dataDir: join(folder, 'network'), inProcess: false, detached: false, keep: false },
      ...{ logLevel: 'error', program: selfProgram() },
    },
    signal,
  )
  try {
    const idle = await measureIdle(rounds.idle, network)
    const seeds = network.nodes.map(({ address }) => parseMultiaddr(address))
    const node = await createClientNode({ seeds, allowLoopback: true, clock: systemClock, tuning })
    try {
      await node.start(signal)
      return { ...idle, ...(await measureChunks(rounds, network, node.client)) }
    } finally {
      await node.stop()
    }
  } finally {
    await network.stop()
  }
}

async function measureIdle(
  { ms, signal, onRound }: Round,
  network: Devnet,
): Promise<Pick<NodeFigures, 'idleBytes' | 'idleCpu'>> {
  // Joining is work; a node that has joined waits.
  await systemClock.sleep(ms / 4, signal)
  const began = systemClock.monotonic()
  const before = await Promise.all(network.nodes.map(({ pid }) => processOf(pid)))
  for (let done = 0; done < ROUNDS; done++) {
    await systemClock.sleep((ms * 3) / 4 / ROUNDS, signal)
    onRound(done + 1, ROUNDS)
  }
  const seconds = (systemClock.monotonic() - began) / 1000
  const after = await Promise.all(network.nodes.map(({ pid }) => processOf(pid)))
  const cpu = after.flatMap((now, i) => {
    const then = before[i]
    return now && then ? [(now.cpuSeconds - then.cpuSeconds) / seconds] : []
  })
  const nowhere: Figure = { kind: 'unknown', reason: 'this system does not tell what a process uses' }
  return {
    idleBytes: cpu.length === 0 ? nowhere : figureOf(after.flatMap((now) => (now ? [now.ownBytes] : []))),
    idleCpu: cpu.length === 0 ? nowhere : figureOf(cpu),
  }
}

async function measureChunks(
  rounds: NetworkRounds,
  network: Devnet,
  client: Client,
): Promise<Pick<NodeFigures, 'stored' | 'served' | 'burstBytes'>> {
  const idle = await Promise.all(network.nodes.map(({ pid }) => processOf(pid)))
  const addresses: ChunkAddress[] = []
  const content = systemRandom.bytes(CHUNK_BYTES)
  let number = 0
  const stored = await rate(rounds.put, async (signal) => {
    const chunk = content.slice()
    new DataView(chunk.buffer).setUint32(0, ++number)
    const { address, acks } = await client.putChunk(chunk, { signal })
    addresses.push(address)
    return acks
  })
  let turn = 0
  const served = await rate(rounds.get, async (signal) => {
    await client.getChunk(addresses[turn++ % addresses.length] as ChunkAddress, { signal })
    return 1
  })
  const peaks = await Promise.all(network.nodes.map(({ pid }) => processOf(pid)))
  const grown = peaks.flatMap((now, i) =>
    now ? [Math.max(0, now.peakRssBytes - (idle[i]?.rssBytes ?? now.peakRssBytes))] : [],
  )
  const burstBytes: Figure =
    grown.length === 0
      ? { kind: 'unknown', reason: 'this system does not tell what a process uses' }
      : { kind: 'measured', value: Math.max(...grown), low: Math.min(...grown), high: Math.max(...grown) }
  return { stored, served, burstBytes }
}

/** What `work` adds up to in a second, several at a time; each round ends when its last piece does. */
async function rate({ ms, signal, onRound }: Round, work: (signal: AbortSignal) => Promise<number>): Promise<Figure> {
  await work(signal)
  const samples: number[] = []
  for (let done = 0; done < ROUNDS; done++) {
    let sum = 0
    const began = systemClock.monotonic()
    const loop = async () => {
      do sum += await work(signal)
      while (systemClock.monotonic() - began < ms / ROUNDS)
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop))
    samples.push(sum / ((systemClock.monotonic() - began) / 1000))
    onRound(done + 1, ROUNDS)
  }
  return figureOf(samples)
}

interface ProcessUse {
  /** Its own pages, and its share of those that several processes have (PSS); RSS where that is not told. */
  readonly ownBytes: number
  readonly rssBytes: number
  readonly peakRssBytes: number
  readonly cpuSeconds: number
}

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** undefined where there is no /proc, and for a process that is gone. */
async function processOf(pid: number): Promise<ProcessUse | undefined> {
  try {
    const [status, stat, rollup] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''),
    ])
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
    // After the name in parentheses: fields 14 and 15, time in user and kernel mode (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    const pss = /^Pss:\s+(\d+)/m.exec(rollup)?.[1]
    const rssBytes = kib('VmRSS') * 1024
    return {
      ownBytes: pss === undefined ? rssBytes : Number(pss) * 1024,
      rssBytes,
      peakRssBytes: kib('VmHWM') * 1024,
      cpuSeconds: ticks / TICKS_PER_SECOND,
    }
  } catch {
    return undefined
  }
}
