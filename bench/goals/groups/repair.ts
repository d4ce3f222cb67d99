/**
 * Ten node processes that replicate: files go up and come straight back, the nodes' own counters say what moved for
 * them, then three of them die at once and copies are counted in the folders of the others.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { countCopies } from '../../../src/devnet/index.ts'
import type { Context, Group } from '../context.ts'
import { metricsOf, sumOf } from '../counters.ts'
import type { CurvePoint } from '../goal.ts'
import { writeInput } from '../inputs.ts'
import { clientWork, LocalNetwork, refuseWithoutProcesses } from '../local-network.ts'
import { peakRssMiB, resetPeak } from '../process-figures.ts'

const NODES = 10
const DEAD = 3
/** Not the first three, by which clients come in. */
const FIRST_DEAD = 3
const WANTED = 7
const MB = 1_000_000
const FILE_MB = 100
const LOOK_MS = 500
/** No copy was made for so long: replication is over. */
const QUIET_MS = 20_000
const REPAIR_LIMIT_MS = 180_000
/** Chunk bytes that come in: with puts, with offers and with fetches. */
const BYTES_IN = ['myrmex_chunk_server_put_bytes_total', 'myrmex_replication_received_bytes_total']

const IDS = ['put-replicated', 'get-right-after', 'bytes-moved', 'repair-three-dead', 'repair-peak-rss']

export const repair: Group = {
  ids: IDS,
  async run(context) {
    refuseWithoutProcesses()
    const folder = await context.scope.folder()
    const net = await LocalNetwork.start(context, folder, NODES, 'metered')
    try {
      await measure(context, net, folder)
    } finally {
      await net.stop()
      await context.scope.remove(folder)
    }
  },
}

async function measure(context: Context, net: LocalNetwork, folder: string): Promise<void> {
  const { up, ratios, moved, held } = await transfers(context, net, folder)
  context.measured('put-replicated', { samples: up, note: `${FILE_MB} MB each, a fresh client` })
  context.measured('get-right-after', { samples: ratios, note: 'speed of the first over speed of the second' })
  context.measured('bytes-moved', {
    samples: moved,
    details: { chunks: held.size, copies: copiesIn(held) },
    note: 'chunk bytes that nodes received by their own counters, puts included, for each encrypted byte of the file',
  })
  if (!context.wants('repair-three-dead', 'repair-peak-rss')) return
  const { repairedMs, curve } = await killAndWatch(context, net, [...held.keys()])
  context.measured('repair-three-dead', {
    samples: [repairedMs / 1000],
    curve,
    note: `until each of ${held.size} chunks is on all seven that live; the curve is the fewest copies by seconds`,
  })
  const left = net.pids.toSpliced(FIRST_DEAD, DEAD)
  const peaks = await Promise.all(left.map(peakRssMiB))
  context.measured('repair-peak-rss', { samples: [Math.max(...peaks)], note: 'metrics on, which takes 14 MiB of it' })
}

interface Transfers {
  readonly up: number[]
  readonly ratios: number[]
  readonly moved: number[]
  /** All chunks of all files at the end. */
  readonly held: ReadonlyMap<string, Held>
}

/** Up, straight back, and back once more when nothing is copied any more. */
async function transfers(context: Context, net: LocalNetwork, folder: string): Promise<Transfers> {
  const [source, copy] = [join(folder, 'source'), join(folder, 'copy')]
  const all: Transfers = { up: [], ratios: [], moved: [], held: new Map() }
  let [held, stored] = [all.held, 0]
  await net.each(resetPeak)
  for (let left = context.pick(3, 1); left > 0; left--) {
    await writeInput(source, 'random', FILE_MB * MB, context.signal)
    const before = await bytesIn(context, net)
    const up = await clientWork(net, 'upload', source)
    const down = () => clientWork(net, 'download', String(up.answer['address']), copy)
    const rightAfter = await down()
    held = await settled(context, net)
    const now = [...held.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    all.moved.push(((await bytesIn(context, net)) - before) / (now - stored))
    stored = now
    const quiet = await down()
    all.up.push((FILE_MB * 1000) / up.ms)
    all.ratios.push(quiet.ms / rightAfter.ms)
  }
  return { ...all, held }
}

async function bytesIn(context: Context, { devnet }: LocalNetwork): Promise<number> {
  const texts = await Promise.all(devnet.nodes.map(({ root_dir }) => metricsOf(root_dir, context.signal)))
  return texts.flatMap((text) => BYTES_IN.map((name) => sumOf(text, name))).reduce((sum, count) => sum + count, 0)
}

interface Held {
  readonly bytes: number
  readonly holders: number
}

/** Chunk files by address. */
async function heldBy(roots: readonly string[]): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>()
  for (const root of roots) {
    const folder = join(root, 'chunks')
    for (const name of await readdir(folder, { recursive: true })) {
      const address = name.slice(-64)
      if (!/^[0-9a-f]{64}$/.test(address)) continue
      const known = held.get(address)
      const bytes = known?.bytes ?? (await stat(join(folder, name))).size
      held.set(address, { bytes, holders: (known?.holders ?? 0) + 1 })
    }
  }
  return held
}

function copiesIn(held: ReadonlyMap<string, Held>): number {
  return [...held.values()].reduce((sum, { holders }) => sum + holders, 0)
}

/** When nothing was copied for a while. */
async function settled(context: Context, { devnet }: LocalNetwork): Promise<ReadonlyMap<string, Held>> {
  const roots = devnet.nodes.map(({ root_dir }) => root_dir)
  let held = await heldBy(roots)
  for (let quiet = 0; quiet < QUIET_MS; quiet += LOOK_MS) {
    await context.sleep(LOOK_MS)
    const now = await heldBy(roots)
    if (copiesIn(now) !== copiesIn(held)) quiet = 0
    held = now
  }
  return held
}

async function killAndWatch(
  context: Context,
  { devnet }: LocalNetwork,
  addresses: readonly string[],
): Promise<{ repairedMs: number; curve: CurvePoint[] }> {
  const dead = devnet.nodes.slice(FIRST_DEAD, FIRST_DEAD + DEAD)
  const left = devnet.nodes.filter((node) => !dead.includes(node))
  for (const { pid } of dead) process.kill(pid, 'SIGKILL')
  const began = performance.now()
  const curve: CurvePoint[] = []
  for (;;) {
    const fewest = Math.min(...(await countCopies(left, addresses)))
    const ms = performance.now() - began
    if (fewest !== curve.at(-1)?.['copies']) curve.push({ n: ms / 1000, copies: fewest })
    if (fewest >= WANTED) return { repairedMs: ms, curve }
    if (ms > REPAIR_LIMIT_MS) throw new Error(`after ${REPAIR_LIMIT_MS / 1000} s a chunk still has ${fewest} copies`)
    await context.sleep(LOOK_MS)
  }
}
