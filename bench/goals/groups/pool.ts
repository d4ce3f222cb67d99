/** What the worker pool costs, and what a second worker brings. */
import { availableParallelism } from 'node:os'
import { equal, never, systemClock } from '../../../src/base/index.ts'
import { type Compute, createPiscinaCompute } from '../../../src/compute/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type Context, type Group, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import { bytesOf } from '../inputs.ts'
import { asyncCallNs, callNs } from '../timing.ts'
import { type KernelInput, type KernelOutput, kernelTask } from '../workers/kernel.task.ts'

const LARGE = 4 * 1024 * 1024
const TINY = 4096
const CHUNK = 4_190_208
/** Verifications in one task: alone one is shorter than the way to a worker. */
const VERIFIES = 64
const HASHES = 16
/** About a second each. */
const TASKS_PER_WORKER = { hash: 90, seal: 24, verify: 100 }

type Kernel = keyof typeof TASKS_PER_WORKER

export const pool: Group = {
  ids: ['pool-overhead', 'pool-no-copy', 'workers2-hash', 'workers2-seal', 'workers2-verify'],
  async run(context) {
    if (context.wants('pool-overhead', 'pool-no-copy')) {
      const compute = createPiscinaCompute({ clock: systemClock }, { threads: 1 })
      try {
        if (context.wants('pool-overhead')) await overhead(context, compute)
        if (context.wants('pool-no-copy')) await noCopy(context, compute)
      } finally {
        await compute.stop()
      }
    }
    for (const kernel of ['hash', 'seal', 'verify'] as const)
      if (context.wants(`workers2-${kernel}`)) await twoWorkers(context, kernel)
  },
}

/** The payload moves there and back; the box holds what came back. */
function caller(compute: Compute, kernel: KernelInput['kernel'], bytes: number) {
  let payload: Uint8Array<ArrayBuffer> = bytesOf('random', bytes)
  return {
    get payload() {
      return payload
    },
    async call(): Promise<KernelOutput> {
      const input = { kernel, payload }
      const options = { signal: never, lane: 'bulk' as const, transfer: [payload.buffer] }
      const output = await compute.run(kernelTask, input, options)
      payload = output.payload as Uint8Array<ArrayBuffer>
      return output
    },
  }
}

/** The kernel inline and on a worker, on the same bytes in turn: the difference is what the pool adds. */
async function overhead(context: Context, compute: Compute): Promise<void> {
  const { signal } = context
  const worker = caller(compute, 'hash', LARGE)
  const { digest } = await worker.call()
  if (!equal(digest, backend().blake3(worker.payload))) throw new Error('the worker gives another hash')
  const ms = context.pick(300, 150)
  const turns = await takeTurns(
    context.pick(9, 5),
    signal,
    () => asyncCallNs(ms, worker.call),
    () => callNs(ms, () => backend().blake3(worker.payload)),
  )
  const nothing = caller(compute, 'nothing', LARGE)
  await nothing.call()
  context.measured('pool-overhead', {
    samples: turns.ours.map((ns, i) => (ns - (turns.theirs[i] as number)) / 1000),
    details: {
      pool_us: median(turns.ours) / 1000,
      inline_us: median(turns.theirs) / 1000,
      empty_task_us: (await asyncCallNs(ms, nothing.call)) / 1000,
    },
    note: 'BLAKE3 of 4 MiB on a worker, minus the same on this thread; a task that does nothing is in the details',
  })
}

/**
 * If the payload were copied, 4 MiB would take longer than 4 KiB by the time of that copy. (Not with 64 MiB: so much
 * external memory at once makes V8 collect at every task, and that is what one would time.)
 */
async function noCopy(context: Context, compute: Compute): Promise<void> {
  const ms = context.pick(300, 150)
  const [large, small] = [caller(compute, 'nothing', LARGE), caller(compute, 'nothing', TINY)]
  const [before, view] = [large.payload, large.payload.subarray(0, 8)]
  const mark = Uint8Array.from(view)
  await large.call()
  if (before.byteLength !== 0) throw new Error('the payload is still with its sender: it was not moved')
  if (!equal(large.payload.subarray(0, 8), mark)) throw new Error('other bytes came back')
  const target = new Uint8Array(LARGE)
  target.set(large.payload)
  const turns = await takeTurns(
    context.pick(7, 3),
    context.signal,
    () => asyncCallNs(ms, large.call),
    () => asyncCallNs(ms, small.call),
  )
  const copyNs = callNs(ms, () => target.set(large.payload))
  context.measured('pool-no-copy', {
    samples: turns.ours.map((ns, i) => Math.max(0, (ns - (turns.theirs[i] as number)) / copyNs)),
    details: {
      task_4mib_us: median(turns.ours) / 1000,
      task_4kib_us: median(turns.theirs) / 1000,
      one_copy_of_4mib_us: copyNs / 1000,
    },
  })
}

async function twoWorkers(context: Context, kernel: Kernel): Promise<void> {
  if (availableParallelism() < 2) return context.notMeasured(`workers2-${kernel}`, 'there is one core only')
  const [one, two] = [1, 2].map((threads) => createPiscinaCompute({ clock: systemClock }, { threads }))
  const tasks = Math.ceil(TASKS_PER_WORKER[kernel] / context.pick(1, 3))
  try {
    const turns = await takeTurns(
      context.pick(5, 3),
      context.signal,
      () => tasksPerSecond(two as Compute, 2, kernel, tasks),
      () => tasksPerSecond(one as Compute, 1, kernel, tasks),
    )
    context.measured(`workers2-${kernel}`, {
      samples: turns.ratios,
      details: { one_per_s: median(turns.theirs), two_per_s: median(turns.ours) },
    })
  } finally {
    await one?.stop()
    await two?.stop()
  }
}

/** So many tasks for each worker, two of them in line for every one. */
async function tasksPerSecond(compute: Compute, workers: number, kernel: Kernel, tasks: number): Promise<number> {
  const inputs = Array.from({ length: workers * 2 }, () => inputOf(kernel))
  let left = workers * tasks
  const lane = async (input: KernelInput) => {
    let { payload } = input
    while (left-- > 0) {
      const transfer = [payload.buffer as ArrayBuffer]
      const output = await compute.run(kernelTask, { ...input, payload }, { signal: never, lane: 'bulk', transfer })
      payload = output.payload
    }
  }
  const began = performance.now()
  await Promise.all(inputs.map(lane))
  return (workers * tasks * 1000) / (performance.now() - began)
}

function inputOf(kernel: Kernel): KernelInput {
  switch (kernel) {
    case 'hash':
      return { kernel, payload: bytesOf('random', LARGE), times: HASHES }
    case 'seal': {
      const payload = bytesOf('random', CHUNK)
      const [source, hash] = [backend().blake3(payload), new Uint8Array(32).fill(1)]
      return { kernel, payload, keys: { source, neighbour1: hash, neighbour2: hash, index: 0, level: 0 } }
    }
    case 'verify': {
      const pair = backend().mlDsaKeyPair(new Uint8Array(32).fill(5))
      const payload = bytesOf('random', 104)
      const signature = backend().mlDsaSign(pair.secretKey, payload)
      return { kernel, payload, times: VERIFIES, publicKey: pair.publicKey, signature }
    }
  }
}
