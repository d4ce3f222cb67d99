/** Files to chunks and back: speed against the reference's crate on the same bytes, share of the kernel, memory. */
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Context, type Group, NotMeasured, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import { KINDS, type Kind, writeInput } from '../inputs.ts'
import { hasProc, peakRssMiB, resetPeak, rssMiB } from '../process-figures.ts'
import type { Answer, Session } from '../session.ts'

const GIB = 1024 ** 3
const WORKER = 'workers/file-worker.ts'
const SAMPLE_MS = 50

const speedIds = (kind: Kind) => [`encrypt-${kind}`, `encrypt-kernel-bound-${kind}`, `decrypt-${kind}`]

export const files: Group = {
  ids: [...KINDS.flatMap(speedIds), 'encrypt-memory', 'decrypt-memory'],
  async run(context) {
    for (const kind of KINDS) if (context.wants(...speedIds(kind))) await speed(context, kind)
    if (context.wants('encrypt-memory', 'decrypt-memory')) await memory(context)
  },
}

const rate = (bytes: number, ms: number) => bytes / 1000 / ms

async function speed(context: Context, kind: Kind): Promise<void> {
  const { signal } = context
  const folder = await context.scope.folder()
  const ours = context.node(WORKER)
  let rust: Session | undefined
  try {
    const [size, file, chunks] = [context.pick(GIB, GIB / 8), join(folder, 'file'), join(folder, 'chunks')]
    await writeInput(file, kind, size, signal)
    rust = await context.rust('file').catch((error: unknown) => {
      if (!(error instanceof NotMeasured)) throw error
      for (const id of [`encrypt-${kind}`, `decrypt-${kind}`]) context.notMeasured(id, error.message)
      return undefined
    })
    // Chunks for decrypting; and it warms the pool and the page cache.
    const made = await ours.ask('encrypt', file, chunks)
    if (context.wants(`encrypt-${kind}`, `encrypt-kernel-bound-${kind}`))
      await encryptRows(context, kind, { ours, rust, file, size, made })
    if (rust && context.wants(`decrypt-${kind}`)) await decryptRow(context, kind, { ours, rust, chunks, size, made })
  } finally {
    ours.stop()
    rust?.stop()
    await context.scope.remove(folder)
  }
}

interface Encrypting {
  readonly ours: Session
  readonly rust: Session | undefined
  readonly file: string
  readonly size: number
  readonly made: Answer
}

async function encryptRows(context: Context, kind: Kind, { ours, rust, file, size, made }: Encrypting): Promise<void> {
  // The reference takes 25 s for a GiB of text.
  const rounds = kind === 'text' ? context.pick(2, 1) : context.pick(3, 2)
  const kernel: number[] = []
  const speeds: number[] = []
  const oneOfOurs = async () => {
    const answer = await ours.ask('seal', file, context.pick(1000, 400))
    kernel.push(rate(Number(answer['bytes']), Number(answer['ns']) / 1e6))
    const speed = rate(size, await ours.figure('ms', 'encrypt', file))
    speeds.push(speed)
    return speed
  }
  const oneOfTheirs = async () => {
    if (!rust) return Number.NaN
    const answer = await rust.ask('encrypt', file)
    if (answer['names'] !== made['names'] || answer['chunks'] !== made['chunks'])
      throw new Error('the two sides make different chunks of the same file')
    return rate(size, Number(answer['ms']))
  }
  const turns = await takeTurns(rounds, context.signal, oneOfOurs, oneOfTheirs, false)
  const cores = availableParallelism()
  if (rust)
    context.measured(`encrypt-${kind}`, {
      samples: turns.ratios,
      details: { ours: median(turns.ours), yardstick: median(turns.theirs), figures_in: 'MB/s', bytes: size },
      note: 'both read the file and let the chunks go; both make the same addresses',
    })
  context.measured(`encrypt-kernel-bound-${kind}`, {
    samples: speeds.map((speed, i) => speed / ((kernel[i] as number) * cores)),
    details: { ours: median(speeds), kernel_one_thread: median(kernel), cores, figures_in: 'MB/s' },
  })
}

async function decryptRow(
  context: Context,
  kind: Kind,
  { ours, rust, chunks, size, made }: { ours: Session; rust: Session; chunks: string; size: number; made: Answer },
): Promise<void> {
  const map = join(chunks, 'map')
  for (const side of [ours, rust])
    if ((await side.ask('check', chunks, map))['content'] !== made['content'])
      throw new Error('a side decrypts to other content')
  const speed = (side: Session) => async () => rate(size, await side.figure('ms', 'decrypt', chunks, map))
  const turns = await takeTurns(context.pick(5, 3), context.signal, speed(ours), speed(rust))
  context.measured(`decrypt-${kind}`, {
    samples: turns.ratios,
    details: { ours: median(turns.ours), yardstick: median(turns.theirs), figures_in: 'MB/s', bytes: size },
    note: 'both read chunk files by address, check and let the content go',
  })
}

/** One large file there and back in a process of its own; its resident memory all the way. */
async function memory(context: Context): Promise<void> {
  if (!hasProc) throw new NotMeasured('memory of a process is read from /proc, which is not here')
  const folder = await context.scope.folder()
  const worker = context.node(WORKER)
  try {
    const size = context.pick(4 * GIB, GIB / 2)
    const [file, chunks] = [join(folder, 'file'), join(folder, 'chunks')]
    await writeInput(file, 'random', size, context.signal)
    await worker.ask('idle')
    const encrypting = await watched(worker.pid, () => worker.ask('encrypt', file, chunks))
    context.measured('encrypt-memory', memoryRow(encrypting, size))
    // Disk of a whole file is given back before the next one is made.
    await rm(file)
    if (!context.wants('decrypt-memory')) return
    const fresh = context.node(WORKER)
    try {
      await fresh.ask('idle')
      const map = join(chunks, 'map')
      const decrypting = await watched(fresh.pid, () => fresh.ask('decrypt', chunks, map))
      context.measured('decrypt-memory', memoryRow(decrypting, size))
    } finally {
      fresh.stop()
    }
  } finally {
    worker.stop()
    await context.scope.remove(folder)
  }
}

interface Watched {
  readonly idle: number
  readonly peak: number
  readonly curve: readonly { second: number; mib: number }[]
}

async function watched(pid: number, work: () => Promise<unknown>): Promise<Watched> {
  const idle = await rssMiB(pid)
  await resetPeak(pid)
  const curve: { second: number; mib: number }[] = []
  const began = performance.now()
  let over = false
  const watching = (async () => {
    while (!over) {
      curve.push({ second: (performance.now() - began) / 1000, mib: await rssMiB(pid) })
      await delay(SAMPLE_MS)
    }
  })()
  try {
    await work()
  } finally {
    over = true
    await watching
  }
  return { idle, peak: await peakRssMiB(pid), curve }
}

function memoryRow({ idle, peak, curve }: Watched, size: number) {
  const half = curve.length >> 1
  const largest = (part: Watched['curve']) => Math.max(...part.map(({ mib }) => mib)) - idle
  const step = Math.max(1, Math.floor(curve.length / 40))
  return {
    samples: [peak - idle],
    details: {
      bytes: size,
      idle_mib: idle,
      peak_mib: peak,
      first_half_mib: largest(curve.slice(0, half)),
      second_half_mib: largest(curve.slice(half)),
    },
    curve: curve.filter((_, i) => i % step === 0).map(({ second, mib }) => ({ n: second, mib: mib - idle })),
    note: 'flat when the second half stays at what the first one reached (details)',
  }
}
