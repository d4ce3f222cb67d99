/** What the worker pool costs, and what a second worker brings. */
import { availableParallelism } from 'node:os'
import { never, systemClock } from '../../../src/base/index.ts'
import { type Compute, createPiscinaCompute } from '../../../src/compute/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type Context, type Group, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import { bytesOf } from '../inputs.ts'
import { type KernelInput, kernelTask } from '../workers/kernel.task.ts'
import { noCopy, overhead } from './pool-trip.ts'

const LARGE = 4 * 1024 * 1024
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
