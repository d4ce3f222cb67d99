import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { Aborted, codeOf, never, Registry, systemClock } from '../../src/base/index.ts'
import {
  type Compute,
  type ComputeOptions,
  computeMetrics,
  createInlineCompute,
  createPiscinaCompute,
  defineTask,
  type Lane,
  type RunOptions,
} from '../../src/compute/index.ts'
import { type ContractInput, run as runHere } from './compute.task.ts'

// biome-ignore lint/suspicious/noExplicitAny: the tasks answer in many shapes
type Answer = any
const url = new URL('./compute.task.ts', import.meta.url)
const task = defineTask<ContractInput, Answer>(url, 'contract')
const bulk: RunOptions = { lane: 'bulk', signal: never }

const drivers: Record<string, (options: Partial<ComputeOptions>) => Compute> = {
  inline: ({ maxWaiting }) => createInlineCompute({}, maxWaiting === undefined ? {} : { maxWaiting }),
  piscina: (options) => createPiscinaCompute({ clock: systemClock }, { threads: 1, ...options }),
}

const opened: Compute[] = []
const gates: Int32Array[] = []
function open(driver: string, options: Partial<ComputeOptions> = {}): Compute {
  const compute = (drivers[driver] as (options: Partial<ComputeOptions>) => Compute)(options)
  opened.push(compute)
  return compute
}

/** A task that says that it has begun and ends when the gate opens. */
function gate(): { input: ContractInput; entered(count: number): Promise<void>; open(): void } {
  const shared = new SharedArrayBuffer(8)
  const cells = new Int32Array(shared)
  gates.push(cells)
  return {
    input: { kind: 'gate', gate: shared },
    async entered(count) {
      for (let seen = Atomics.load(cells, 0); seen < count; seen = Atomics.load(cells, 0))
        await Atomics.waitAsync(cells, 0, seen).value
    },
    open() {
      Atomics.store(cells, 1, 1)
      Atomics.notify(cells, 1)
    },
  }
}

afterEach(async () => {
  for (const cells of gates.splice(0)) {
    Atomics.store(cells, 1, 1)
    Atomics.notify(cells, 1)
  }
  for (const compute of opened.splice(0)) await compute.stop()
})

for (const driver of Object.keys(drivers)) {
  describe(`compute on ${driver}`, () => {
    for (const lane of ['interactive', 'bulk'] as Lane[]) {
      test(`${lane}: gives the task's result`, async () => {
        const compute = open(driver)
        const values = [1, 2, 3, 4, 5]
        const runs = values.map((value) => compute.run(task, { kind: 'double', value }, { lane, signal: never }))
        assert.deepEqual(await Promise.all(runs), [2, 4, 6, 8, 10])
      })
    }

    test('an error keeps its name, code, data and cause', async () => {
      const error = await open(driver)
        .run(task, { kind: 'fail' }, bulk)
        .catch((thrown) => thrown)
      assert.equal(error.name, 'CodedError')
      assert.equal(error.code, 'CONTRACT_FAILED')
      assert.deepEqual(error.data, { limit: 7 })
      assert.equal(error.message, 'on purpose')
      assert.equal(error.cause.code, 'CONTRACT_CAUSE')
    })

    test('whatever is thrown arrives as an error', async () => {
      await assert.rejects(open(driver).run(task, { kind: 'throw-text' }, bulk), /only a text/)
    })

    test('listed buffers are moved, the result is whole', async () => {
      const bytes = Uint8Array.from([1, 2, 3])
      const result = await open(driver).run(task, { kind: 'reverse', bytes }, { ...bulk, transfer: [bytes.buffer] })
      assert.deepEqual([...result.bytes], [3, 2, 1])
      assert.equal(bytes.buffer.detached, true)
    })

    test('buffers that are not listed stay with the caller', async () => {
      const bytes = Uint8Array.from([1, 2, 3])
      const result = await open(driver).run(task, { kind: 'reverse', bytes }, bulk)
      assert.deepEqual([...result.bytes], [3, 2, 1])
      assert.deepEqual([...bytes], [1, 2, 3])
    })

    test('an aborted signal: its reason, nothing runs, nothing is moved', async () => {
      const bytes = Uint8Array.from([1])
      const reason = new Aborted('before')
      const options = { ...bulk, signal: AbortSignal.abort(reason), transfer: [bytes.buffer] }
      const run = open(driver).run(task, { kind: 'reverse', bytes }, options)
      assert.equal(await run.catch((error) => error), reason)
      assert.equal(bytes.buffer.detached, false)
    })

    for (const lane of ['interactive', 'bulk'] as Lane[]) {
      test(`${lane}: an abort while the task runs lets the caller go, the lane serves on`, async () => {
        const compute = open(driver)
        const controller = new AbortController()
        const held = gate()
        const run = compute.run(task, held.input, { lane, signal: controller.signal })
        await held.entered(1)
        controller.abort(new Aborted('during'))
        await assert.rejects(run, /during/)
        held.open()
        assert.equal(await compute.run(task, { kind: 'double', value: 4 }, { lane, signal: never }), 8)
      })

      test(`${lane}: an abort while the task waits, and the others keep their places`, async () => {
        const compute = open(driver)
        const controller = new AbortController()
        const held = gate()
        const first = compute.run(task, held.input, { lane, signal: never })
        const second = compute.run(task, { kind: 'double', value: 1 }, { lane, signal: controller.signal })
        const third = compute.run(task, { kind: 'double', value: 2 }, { lane, signal: never })
        await held.entered(1)
        controller.abort(new Aborted('in line'))
        await assert.rejects(second, /in line/)
        held.open()
        assert.deepEqual(await Promise.all([first, third]), ['through', 4])
      })
    }

    test('a full line is COMPUTE_BUSY, moves nothing, and frees itself', async () => {
      const compute = open(driver, { maxWaiting: 2 })
      const held = gate()
      const runs = [1, 2, 3].map(() => compute.run(task, held.input, bulk))
      const bytes = Uint8Array.from([9])
      const busy = compute.run(task, { kind: 'reverse', bytes }, { ...bulk, transfer: [bytes.buffer] })
      const error = await busy.catch((thrown) => thrown)
      assert.equal(error.code, 'COMPUTE_BUSY')
      assert.equal(error.data.limit, 2)
      assert.equal(bytes.buffer.detached, false)
      const other = compute.run(task, { kind: 'double', value: 3 }, { lane: 'interactive', signal: never })
      assert.equal(await other, 6, 'the other lane is free')
      held.open()
      assert.deepEqual(await Promise.all(runs), ['through', 'through', 'through'])
      assert.equal(await compute.run(task, { kind: 'double', value: 5 }, bulk), 10)
    })

    test('stop ends what runs and what waits, refuses what comes later, and may come twice', async () => {
      const compute = open(driver)
      const held = gate()
      const running = compute.run(task, held.input, bulk)
      const waiting = compute.run(task, { kind: 'double', value: 1 }, bulk)
      const ends = Promise.allSettled([running, waiting])
      await held.entered(1)
      await Promise.all([compute.stop(), compute.stop()])
      const later = compute.run(task, { kind: 'double', value: 1 }, bulk)
      for (const outcome of [...(await ends), ...(await Promise.allSettled([later]))]) {
        assert.equal(outcome.status === 'rejected' && codeOf(outcome.reason), 'COMPUTE_STOPPED')
      }
    })
  })
}

describe('compute on piscina, threads', () => {
  test('inputs that are parts of a buffer travel alone', async () => {
    const large = new Uint8Array(1 << 20)
    const result = await open('piscina').run(task, { kind: 'reverse', bytes: large.subarray(4, 8) }, bulk)
    assert.equal(result.behind, 4, 'the megabyte behind the view was not cloned')
  })

  test('a result that cannot be cloned and a thread that dies are COMPUTE_FAILED; the next task runs', async () => {
    for (const lane of ['interactive', 'bulk'] as Lane[]) {
      const compute = open('piscina')
      for (const kind of ['uncloneable', 'die'] as const) {
        const error = await compute.run(task, { kind }, { lane, signal: never }).catch((thrown) => thrown)
        assert.equal(error.code, 'COMPUTE_FAILED')
      }
      assert.equal(await compute.run(task, { kind: 'double', value: 6 }, { lane, signal: never }), 12)
    }
  })

  test('a bulk task that outlives its grace loses its thread, the lane goes on', async () => {
    const compute = open('piscina', { abortGraceMs: 0 })
    const controller = new AbortController()
    const held = gate()
    const stuck: ContractInput = { kind: 'block', gate: (held.input as { gate: SharedArrayBuffer }).gate }
    const run = compute.run(task, stuck, { lane: 'bulk', signal: controller.signal })
    await held.entered(1)
    controller.abort(new Aborted('too long'))
    await assert.rejects(run, /too long/)
    assert.equal(await compute.run(task, { kind: 'double', value: 7 }, bulk), 14, 'the gate never opened')
  })

  test('no thread before the first task, none after the idle time', async () => {
    const workers: Worker[] = []
    const onWorker = (worker: Worker) => workers.push(worker)
    process.on('worker', onWorker)
    try {
      const compute = open('piscina', { idleTimeoutMs: 1 })
      assert.equal(workers.length, 0)
      const run = compute.run(task, { kind: 'double', value: 1 }, bulk)
      const exits = new Promise((resolve) => process.once('worker', (worker) => worker.once('exit', resolve)))
      assert.equal(await run, 2)
      await exits
      assert.equal(workers.length, 1)
      assert.equal(await compute.run(task, { kind: 'double', value: 2 }, bulk), 4)
    } finally {
      process.off('worker', onWorker)
    }
  })

  test('two threads run two tasks at once', async () => {
    const compute = open('piscina', { threads: 2 })
    assert.equal(compute.width, 2)
    const held = gate()
    const runs = [0, 1].map(() => compute.run(task, held.input, bulk))
    await held.entered(2)
    held.open()
    assert.deepEqual(await Promise.all(runs), ['through', 'through'])
  })
})

describe('compute inline', () => {
  test('a definition that carries its function needs no import', async () => {
    const here = defineTask(new URL('./not-there.task.ts', import.meta.url), 'here', runHere)
    assert.equal(await open('inline').run(here, { kind: 'double', value: 2 }, bulk), 4)
  })
})

test('tasks, waits and runs are counted by lane and outcome', async () => {
  const registry = new Registry()
  const compute = createPiscinaCompute({ clock: systemClock, metrics: computeMetrics(registry) }, { threads: 1 })
  opened.push(compute)
  await compute.run(task, { kind: 'double', value: 2 }, bulk)
  await compute.run(task, { kind: 'fail' }, bulk).catch(() => undefined)
  const text = registry.render()
  assert.match(text, /myrmex_compute_tasks_total\{lane="bulk",outcome="done"\} 1\n/)
  assert.match(text, /myrmex_compute_tasks_total\{lane="bulk",outcome="failed"\} 1\n/)
  assert.match(text, /myrmex_compute_run_seconds_count\{lane="bulk"\} 2\n/)
})
