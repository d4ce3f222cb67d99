/** One task at a time on a worker: what the trip costs beside the work, and whether the payload is copied. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { equal, never } from '../../../src/base/index.ts'
import type { Compute } from '../../../src/compute/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type Context, takeTurns } from '../context.ts'
import { median } from '../goal.ts'
import { bytesOf } from '../inputs.ts'
import { asyncCallNs, callNs } from '../timing.ts'
import type { BareThread } from '../workers/bare-thread.ts'
import { type KernelInput, type KernelOutput, kernelTask } from '../workers/kernel.task.ts'

const LARGE = 4 * 1024 * 1024
const TINY = 4096

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

/**
 * The kernel inline and on a worker, on the same bytes in turn: the difference is what the pool adds. The yardstick stays
 * the kernel inline: on the worker it runs just as fast (429 and 430 us), so no cold cache of the other core is hidden in
 * the difference. What is: this thread and the worker sleep and are woken in turn. Where the worker has an idle core to
 * itself that takes 60 us and more, on a shared core 5. No pool can go below it, so the details say what a bare thread
 * with nothing but the wakes adds in the same run.
 */
export async function overhead(context: Context, compute: Compute): Promise<void> {
  const { signal } = context
  const worker = caller(compute, 'hash', LARGE)
  const { digest } = await worker.call()
  if (!equal(digest, backend().blake3(worker.payload))) throw new Error('the worker gives another hash')
  const ms = context.pick(300, 150)
  const bare = await bareThread(worker.payload, digest)
  const bareNs: number[] = []
  try {
    const turns = await takeTurns(
      context.pick(9, 5),
      signal,
      () => asyncCallNs(ms, worker.call),
      () => {
        bareNs.push(callNs(ms, bare.hash))
        return callNs(ms, () => backend().blake3(worker.payload))
      },
    )
    const nothing = caller(compute, 'nothing', LARGE)
    await nothing.call()
    const inline = median(turns.theirs)
    context.measured('pool-overhead', {
      samples: turns.ours.map((ns, i) => (ns - (turns.theirs[i] as number)) / 1000),
      details: {
        pool_us: median(turns.ours) / 1000,
        inline_us: inline / 1000,
        bare_thread_adds_us: (median(bareNs) - inline) / 1000,
        empty_task_us: (await asyncCallNs(ms, nothing.call)) / 1000,
      },
      note: 'BLAKE3 of 4 MiB on a worker, minus the same on this thread; a task that does nothing and a bare thread that is only woken are in the details',
    })
  } finally {
    await bare.stop()
  }
}

/** The same kernel on a thread with a copy of the bytes; nothing crosses but the two wakes. */
async function bareThread(
  payload: Uint8Array,
  expected: Uint8Array,
): Promise<{ hash: () => void; stop: () => Promise<unknown> }> {
  const cells = new Int32Array(new SharedArrayBuffer(8))
  const workerData: BareThread = { cells, payload }
  const thread = new Worker(new URL('../workers/bare-thread.ts', import.meta.url), { workerData })
  const [digest] = (await once(thread, 'message')) as [Uint8Array]
  if (!equal(digest, expected)) throw new Error('the bare thread gives another hash')
  let calls = 0
  return {
    hash() {
      Atomics.add(cells, 0, 1)
      Atomics.notify(cells, 0)
      Atomics.wait(cells, 1, calls++)
    },
    stop: () => thread.terminate(),
  }
}

/**
 * If the payload were copied, 4 MiB would take longer than 4 KiB by the time of that copy. (Not with 64 MiB: so much
 * external memory at once makes V8 collect at every task, and that is what one would time.)
 */
export async function noCopy(context: Context, compute: Compute): Promise<void> {
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
