/**
 * A node in a memory group of 512 MiB on one core, under more puts and gets than it can serve: is it killed, does a
 * queue grow without bound, what does it answer? Six other nodes, the loaders and the uploader are outside the group.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { codeOf, systemClock, systemRandom } from '../../src/base/index.ts'
import { startDevnet } from '../../src/devnet/index.ts'
import { createClientNode, readStatusFile } from '../../src/node/index.ts'
import { parseMultiaddr } from '../../src/protocol/index.ts'
import { sourceFromBytes } from '../../src/self-encryption/index.ts'
import type { LoadOrder } from './load.ts'
import { createMemoryGroup, type MemoryGroup } from './memory-group.ts'
import { type Answers, judge, type Limits, parseMetrics, type Sample, type Verdict } from './samples.ts'

export interface LowMemoryOptions {
  readonly seconds: number
  readonly limitBytes: number
  readonly otherNodes: number
  readonly loaders: number
  /** Requests that each loader keeps in flight: half puts, half gets. */
  readonly inFlight: number
  readonly sampleMs: number
  readonly onProgress?: (text: string) => void
}

export const LOW_MEMORY_DEFAULTS = {
  ...{ seconds: 600, limitBytes: 512 * 1024 * 1024, otherNodes: 6 },
  ...{ loaders: 3, inFlight: 40, sampleMs: 1000 },
} as const

export interface LowMemoryResult {
  readonly group: { readonly version: 1 | 2; readonly limitBytes: number; readonly oneCore: string }
  readonly profile: { readonly name: string; readonly reason: string }
  readonly limits: Limits
  readonly samples: readonly Sample[]
  readonly answers: Answers
  readonly uploads: Answers
  /** Messages that got no handler, by the node's own count. */
  readonly turnedAway: Answers
  readonly end: ReturnType<MemoryGroup['usage']>
  readonly rssAfterMiB: number
  readonly verdict: Verdict
}

const PROGRAM = [process.execPath, join(import.meta.dirname, '../../src/cli/main.ts')] as const
const LOADER = join(import.meta.dirname, 'load.ts')
const FRESH_BYTES = 1024 * 1024 * 1024
const UPLOAD_BYTES = 20_000_000

/** The result, or one sentence why no such run is possible here. */
export async function runLowMemory(options: LowMemoryOptions, signal: AbortSignal): Promise<LowMemoryResult | string> {
  const group = createMemoryGroup(options.limitBytes)
  if (typeof group === 'string') return group
  const work = await mkdtemp(join(tmpdir(), 'myrmex-low-memory-'))
  const children: ChildProcess[] = []
  try {
    return await run(options, group, work, children, signal)
  } finally {
    for (const child of children) await ended(child)
    group.remove()
    await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function run(
  options: LowMemoryOptions,
  group: MemoryGroup,
  work: string,
  children: ChildProcess[],
  signal: AbortSignal,
): Promise<LowMemoryResult> {
  const say = options.onProgress ?? (() => undefined)
  const base = { inProcess: false, detached: false, keep: false, logLevel: 'warn', program: PROGRAM }
  await using network = await startDevnet(
    { ...base, nodes: options.otherNodes, dataDir: join(work, 'network') },
    signal,
  )
  const seeds = network.nodes.slice(0, 3).map(({ address }) => parseMultiaddr(address))
  const bootstrap = seeds.map(({ socket }) => `${socket?.ip}:${socket?.port}`).join(',')
  const node = await startVictim(group, join(work, 'victim'), bootstrap, children, signal)
  say(
    `${options.otherNodes} nodes outside; one in ${group.path} (v${group.version}), pid ${node.pid}, ${group.oneCore}`,
  )

  const order: LoadOrder = {
    ...{ peer: node.peerId as LoadOrder['peer'], socket: node.socket },
    ...{ puts: options.inFlight / 2, gets: options.inFlight / 2, freshBytes: FRESH_BYTES },
  }
  const loaders = Array.from({ length: options.loaders }, () => startLoader(order, children))
  const over = new AbortController()
  const uploads: Record<string, number> = {}
  const uploading = keepUploading([node.multiaddr, ...seeds], uploads, AbortSignal.any([signal, over.signal]))
  const samples: Sample[] = []
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  while (seconds() < options.seconds && node.child.exitCode === null && node.child.signalCode === null) {
    await systemClock.sleep(options.sampleMs, signal)
    const sample = await sampleOf(seconds(), node, group).catch(() => undefined)
    if (!sample) continue
    samples.push(sample)
    if (samples.length % 10 === 0)
      say(
        `${sample.seconds.toFixed(0)} s: RSS ${mib(sample.rssBytes)} MiB, group ${mib(sample.groupBytes)} MiB, ${sample.queues['requests']} requests in the line`,
      )
  }
  over.abort(new Error('the run is over'))
  for (const { child } of loaders) child.stdin?.end()
  await uploading
  await Promise.all(loaders.map(({ done }) => done))
  const alive = node.child.exitCode === null && node.child.signalCode === null
  const metrics = await metricsOf(node.metricsPort).catch(() => new Map<string, number>())
  const away = 'myrmex_chunk_server_turned_away_total '
  const turnedAway = Object.fromEntries(
    [...metrics].filter(([name]) => name.startsWith(away)).map(([name, n]) => [name.slice(away.length), n]),
  )
  const answers = addUp(loaders.map(({ counts }) => counts()))
  // What is left once nobody asks any more: memory that was given back.
  if (alive) await systemClock.sleep(Math.min(30_000, options.seconds * 100), signal)
  const rssAfterMiB = alive ? mib((await rssOf(node.pid)) ?? 0) : 0
  const end = group.usage()
  const facts = { limitBytes: options.limitBytes, samples, limits: node.limits, answers, alive, oomKills: end.oomKills }
  return {
    group: { version: group.version, limitBytes: options.limitBytes, oneCore: group.oneCore },
    ...{ profile: node.profile, limits: node.limits, samples, answers, uploads, turnedAway, end, rssAfterMiB },
    verdict: judge(facts),
  }
}

interface Victim {
  readonly child: ChildProcess
  readonly pid: number
  readonly peerId: string
  readonly socket: { readonly ip: string; readonly port: number }
  readonly multiaddr: ReturnType<typeof parseMultiaddr>
  readonly metricsPort: number
  readonly profile: { readonly name: string; readonly reason: string }
  readonly limits: Limits
}

async function startVictim(
  group: MemoryGroup,
  rootDir: string,
  bootstrap: string,
  children: ChildProcess[],
  signal: AbortSignal,
): Promise<Victim> {
  // What it will choose for itself: asked of the doctor, in the same group.
  const doctor = await output(group.wrap([...PROGRAM, 'doctor', '--json']))
  const { profile } = JSON.parse(doctor) as {
    profile: { name: string; reason: string; settings: Record<string, { value: number }> }
  }
  const metricsPort = await freePort()
  const args = ['node', 'run', '--root-dir', rootDir, '--network-mode', 'development', '--payment', 'free']
  args.push('--bootstrap', bootstrap, '--metrics-port', String(metricsPort), '--log-level', 'warn')
  const [program, ...rest] = group.wrap([...PROGRAM, ...args, '--until-stdin-closes']) as [string, ...string[]]
  const child = spawn(program, rest, { stdio: ['pipe', 'inherit', 'inherit'] })
  children.push(child)
  for (let waited = 0; waited < 30_000; waited += 50) {
    const status = await readStatusFile(rootDir)
    if (status) {
      const multiaddr = parseMultiaddr(status.address)
      const at = (key: string) => profile.settings[key]?.value as number
      return {
        ...{ child, pid: status.pid, peerId: status.peer_id, multiaddr, metricsPort },
        socket: multiaddr.socket as Victim['socket'],
        profile: { name: profile.name, reason: profile.reason },
        limits: {
          requests: at('chunkServer.permits') + at('chunkServer.maxWaiting'),
          requestBytes: at('chunkServer.maxBytes'),
          running: at('chunkServer.permits'),
          queuedBytes: at('network.queueBytes'),
          queuedMessages: 256,
          // One message in the making may overdraw it.
          inboundBytes: at('quic.inboundBudgetBytes') + 10 * 1024 * 1024,
          handlers: at('network.maxRunningHandlers'),
        },
      }
    }
    if (child.exitCode !== null) break
    await systemClock.sleep(50, signal)
  }
  throw new Error('the node in the group did not start')
}

const QUEUES: Readonly<Record<string, string>> = {
  requests: 'myrmex_chunk_server_outstanding_requests',
  requestBytes: 'myrmex_chunk_server_outstanding_bytes',
  running: 'myrmex_chunk_server_running_requests',
  queuedMessages: 'myrmex_network_queued_messages',
  queuedBytes: 'myrmex_network_queued_bytes',
  handlers: 'myrmex_network_running_handlers',
  inboundBytes: 'myrmex_transport_inbound_bytes',
  connections: 'myrmex_transport_connections',
}

async function sampleOf(seconds: number, node: Victim, group: MemoryGroup): Promise<Sample> {
  const metrics = await metricsOf(node.metricsPort)
  const { currentBytes, anonBytes } = group.usage()
  const queues = Object.fromEntries(
    Object.entries(QUEUES).map(([name, metric]) => [name, metrics.get(metric) ?? Number.NaN]),
  )
  return { seconds, rssBytes: (await rssOf(node.pid)) ?? 0, groupBytes: currentBytes, anonBytes, queues }
}

async function metricsOf(port: number): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5000) })
  return parseMetrics(await response.text())
}

async function rssOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /VmRSS:\s+(\d+)/.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

function startLoader(
  order: LoadOrder,
  children: ChildProcess[],
): { child: ChildProcess; done: Promise<void>; counts: () => Answers } {
  const child = spawn(process.execPath, [LOADER, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  let latest: Answers = {}
  createInterface({ input: child.stdout }).on('line', (line) => (latest = JSON.parse(line) as Answers))
  const done = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { child, done, counts: () => latest }
}

/** Whole files through the client, as a user would send them: the node in the group is one of seven holders. */
async function keepUploading(
  seeds: Parameters<typeof createClientNode>[0]['seeds'],
  counts: Record<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const client = await createClientNode({ seeds, allowLoopback: true, clock: systemClock })
  const count = (name: string) => (counts[name] = (counts[name] ?? 0) + 1)
  try {
    await client.start(signal)
    while (!signal.aborted) {
      const source = sourceFromBytes(systemRandom.bytes(UPLOAD_BYTES))
      try {
        await client.client.uploadFile(source, { public: true, signal })
        count('file stored')
      } catch (error) {
        if (signal.aborted) return
        count(`file failed ${codeOf(error) ?? ''}`.trim())
        await systemClock.sleep(500, signal)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await client.stop()
  }
}

function addUp(all: readonly Answers[]): Answers {
  const sum: Record<string, number> = {}
  for (const answers of all) for (const [name, n] of Object.entries(answers)) sum[name] = (sum[name] ?? 0) + n
  return Object.fromEntries(Object.entries(sum).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function output([program, ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child
      .once('error', reject)
      .once('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${args.at(-2)} ended with ${code}`))))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** Stops a child for good: asked, then killed. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(timer)
}

export function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
