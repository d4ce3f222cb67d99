/**
 * The curve of real processes that the simulator must match: ten nodes, chunks by a client, three killed at once, and
 * copies counted in the folders of the others until all are back. `myrmex sim ten-nodes-three-die --real FILE` lays it
 * over its own.
 *
 *   node bench/real-kill.ts --out FILE [--chunks 100] [--bytes 4096] [--kill 3] [--seconds 120] [--program dist/cli/main.js]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf, never, seededRandom, systemClock } from '../src/base/index.ts'
import { countCopies, type Devnet, startDevnet } from '../src/devnet/index.ts'
import { createClientNode } from '../src/node/index.ts'
import { parseMultiaddr } from '../src/protocol/index.ts'
import { UsageError } from './arguments.ts'
import { machineFacts } from './machine.ts'
import { builtProgram, nodeCommand, programName } from './node-program.ts'
import { userPath, writeText } from './result-file.ts'
import { median } from './stats.ts'

const NODES = 10
/** Where the scenario kills: both curves then lie on one axis. */
const KILLED_AT_MS = 120_000
const SPREAD_LIMIT_MS = 120_000
const LOOK_MS = 250
/** Seen before the kill, for the picture. */
const BEFORE_MS = 5000
const WANTED = 7
const SEED = 1

interface Plan {
  readonly chunks: number
  readonly bytes: number
  readonly kill: number
  readonly seconds: number
}

interface Point {
  readonly t: number
  readonly fewest: number
  readonly median: number
  readonly most: number
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function main(): Promise<number> {
  const { out, program, ...plan } = options()
  const work = await mkdtemp(join(tmpdir(), 'myrmex-real-kill-'))
  const lifetime = { inProcess: false, detached: false, keep: false } as const
  try {
    const network = await startDevnet(
      { nodes: NODES, dataDir: join(work, 'net'), ...lifetime, logLevel: 'warn', program: nodeCommand(program) },
      never,
    )
    try {
      const { points, backMs } = await story(network, plan)
      const value = { kind: 'myrmex-real-curve', ...plan, nodes: NODES, program: programName(program), backMs }
      writeText(out, `${JSON.stringify({ ...value, machine: machineFacts(), points })}\n`)
      const all =
        backMs === undefined ? `not back after ${plan.seconds} s` : `back after ${(backMs / 1000).toFixed(1)} s`
      console.log(`${out}: ${plan.kill} of ${NODES} killed, all copies ${all}`)
      return backMs === undefined ? 1 : 0
    } finally {
      await network.stop()
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function story(network: Devnet, plan: Plan): Promise<{ points: Point[]; backMs: number | undefined }> {
  const addresses = await putAll(network, plan)
  for (let waited = 0; (await look(network.nodes, addresses, 0)).fewest < WANTED; waited += LOOK_MS) {
    if (waited > SPREAD_LIMIT_MS) throw new Error('the chunks have not spread before the kill')
    await systemClock.sleep(LOOK_MS, never)
  }
  const points: Point[] = []
  const began = systemClock.monotonic()
  const at = () => KILLED_AT_MS - BEFORE_MS + systemClock.monotonic() - began
  while (at() < KILLED_AT_MS) {
    points.push(await look(network.nodes, addresses, at()))
    await systemClock.sleep(LOOK_MS, never)
  }
  // Not the first three, by which clients come in.
  const [dead, left] = [network.nodes.slice(3, 3 + plan.kill), network.nodes.toSpliced(3, plan.kill)]
  for (const { pid } of dead) process.kill(pid, 'SIGKILL')
  const killed = at()
  let backMs: number | undefined
  while (at() - killed < plan.seconds * 1000) {
    const point = await look(left, addresses, at())
    points.push(point)
    if (backMs === undefined && point.fewest >= WANTED) backMs = point.t - killed
    if (backMs !== undefined && point.t - killed > backMs + BEFORE_MS) break
    await systemClock.sleep(LOOK_MS, never)
  }
  return { points, backMs }
}

async function putAll(network: Devnet, { chunks, bytes }: Plan): Promise<string[]> {
  const dice = seededRandom(SEED)
  const seeds = network.nodes.slice(0, 3).map(({ address }) => parseMultiaddr(address))
  const node = await createClientNode({ seeds, allowLoopback: true, clock: systemClock })
  await node.start(never)
  try {
    const contents = Array.from({ length: chunks }, () => dice.bytes(bytes))
    return (await Promise.all(contents.map((content) => node.client.putChunk(content)))).map(({ address }) => address)
  } finally {
    await node.stop()
  }
}

async function look(nodes: Devnet['nodes'], addresses: readonly string[], t: number): Promise<Point> {
  const counts = await countCopies(nodes, addresses)
  return { t: Math.round(t), fewest: Math.min(...counts), median: median(counts), most: Math.max(...counts) }
}

function options(): Plan & { out: string; program: string | undefined } {
  const names = ['out', 'chunks', 'bytes', 'kill', 'seconds', 'program'] as const
  let values: Partial<Record<(typeof names)[number], string>>
  try {
    values = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])) }).values
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
  const number = (name: 'chunks' | 'bytes' | 'kill' | 'seconds', usual: number, most: number) => {
    const value = values[name] === undefined ? usual : Number(values[name])
    if (!Number.isInteger(value) || value < 1 || value > most) throw new UsageError(`--${name} takes 1 to ${most}`)
    return value
  }
  if (values.out === undefined) throw new UsageError('--out FILE is needed; see the head of bench/real-kill.ts')
  return {
    ...{ out: userPath(values.out), program: builtProgram(values.program) },
    ...{ chunks: number('chunks', 100, 10_000), bytes: number('bytes', 4096, 4_194_304) },
    ...{ kill: number('kill', 3, 6), seconds: number('seconds', 120, 3600) },
  }
}
