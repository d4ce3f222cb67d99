/** A local network of node processes for rows, and clients in processes of their own. */
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Devnet, startDevnet } from '../../src/devnet/index.ts'
import { quicAvailability } from '../../src/transport/index.ts'
import { nodeCommand } from '../node-program.ts'
import { type Context, NotMeasured } from './context.ts'
import { hasProc, peakRssMiB, resetPeak, rssMiB } from './process-figures.ts'
import type { Answer, Session } from './session.ts'
import type { Lateness } from './workers/lateness.ts'

const PROBED = join(import.meta.dirname, 'workers/node-program.ts')
const METERED = join(import.meta.dirname, 'workers/metered-node.mjs')
/** Nodes that a client is told of. */
const SEEDS = 3

/** Throws NotMeasured where node processes cannot run or be looked at. */
export function refuseWithoutProcesses(): void {
  if (!quicAvailability().available) throw new NotMeasured('the QUIC endpoint is not there (native addon)')
  if (!hasProc) throw new NotMeasured('figures of a process are read from /proc, which is not here')
}

export class LocalNetwork {
  readonly devnet: Devnet
  /** From the first process to the first accepted put. */
  readonly startSeconds: number
  readonly #context: Context

  private constructor(context: Context, devnet: Devnet, startSeconds: number) {
    this.#context = context
    this.devnet = devnet
    this.startSeconds = startSeconds
  }

  /** `probed`: nodes that can be looked into (they cost a little more than plain ones); `metered`: with metrics. */
  static async start(
    context: Context,
    folder: string,
    nodes: number,
    kind: 'plain' | 'probed' | 'metered' = 'plain',
  ): Promise<LocalNetwork> {
    const began = performance.now()
    const devnet = await startDevnet(
      {
        ...{ nodes, dataDir: join(folder, 'net'), inProcess: false, detached: false, keep: false, logLevel: 'warn' },
        program: programOf(kind, context.program),
      },
      context.signal,
    )
    return new LocalNetwork(context, devnet, (performance.now() - began) / 1000)
  }

  stop(): Promise<void> {
    return this.devnet.stop()
  }

  get pids(): number[] {
    return this.devnet.nodes.map(({ pid }) => pid)
  }

  each<T>(read: (pid: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.pids.map(read))
  }

  /** A client that is connected. */
  async client(): Promise<Session> {
    const seeds = this.devnet.nodes.slice(0, SEEDS).map(({ address }) => address)
    const session = this.#context.node('workers/client-worker.ts', 'file', ...seeds)
    await session.ask('ready')
    return session
  }

  /** Chunk files of this size and more on each node. */
  async chunksHeld(addresses: ReadonlySet<string>): Promise<number[]> {
    const count = async (root: string) => {
      const names = await readdir(join(root, 'chunks'), { recursive: true })
      return names.filter((name) => addresses.has(name.slice(-64))).length
    }
    return Promise.all(this.devnet.nodes.map(({ root_dir }) => count(root_dir)))
  }

  /** Every probed node: `begin` collects and watches the JS memory outside the heap, `end` says what it grew to. */
  probe(question: 'begin' | 'end'): Promise<ProcessMemory[]> {
    return this.#askAll<ProcessMemory>(question)
  }

  /** From now on every probed node measures how late its event loop is. */
  async watchLateness(): Promise<void> {
    await this.#askAll('watch-lateness')
  }

  /** What they measured since. */
  lateness(): Promise<Lateness[]> {
    return this.#askAll<Lateness>('lateness')
  }

  #askAll<T>(question: string): Promise<T[]> {
    return Promise.all(
      this.devnet.nodes.map(async ({ root_dir }) => {
        const { probe } = await ports(root_dir)
        return JSON.parse(await ask(probe, question)) as T
      }),
    )
  }
}

function programOf(kind: 'plain' | 'probed' | 'metered', built: string | undefined): string[] {
  if (kind === 'probed') return [process.execPath, '--expose-gc', PROBED]
  const [node, program] = nodeCommand(built)
  return kind === 'metered' ? [node, METERED, program] : [node, program]
}

export interface ProcessMemory {
  readonly base: number
  readonly peak: number
}

async function ports(rootDir: string): Promise<{ probe: number }> {
  return JSON.parse(await readFile(`${rootDir}.probe.json`, 'utf8')) as { probe: number }
}

function ask(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    connect(port, '127.0.0.1')
      .on('data', (part) => (text += part))
      .on('end', () => resolve(text))
      .on('error', reject)
      .write(question)
  })
}

/** One piece of work of a fresh client, with what its process takes above what it took when connected. */
export async function clientWork(
  network: LocalNetwork,
  ...words: readonly string[]
): Promise<{ answer: Answer; ms: number; aboveIdleMiB: number }> {
  const client = await network.client()
  try {
    const idle = await rssMiB(client.pid)
    await resetPeak(client.pid)
    const answer = await client.ask(...words)
    const aboveIdleMiB = (await peakRssMiB(client.pid)) - idle
    await client.ask('leave')
    return { answer, ms: Number(answer['ms']), aboveIdleMiB }
  } finally {
    client.stop()
  }
}
