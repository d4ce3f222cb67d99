/** Compute on worker threads (Piscina). Touches threads and the machine's core count; nothing starts before it is used. */
import { availableParallelism } from 'node:os'
import type { Piscina } from 'piscina'
import { type Clock, messageOf, resolveOptions } from '../base/index.ts'
import type { Cancellation } from './cancellation.ts'
import type { Compute, Lane } from './compute.ts'
import { ComputeError } from './errors.ts'
import { type Dispatch, LanesCompute, type Reply } from './lanes.ts'
import type { ComputeMetrics } from './metrics.ts'
import { type ComputeOptions, computeDefaults } from './options.ts'
import { outgoing } from './transfer.ts'
import type { WorkerRequest } from './worker-entry.ts'

export interface PiscinaComputeDeps {
  readonly clock: Clock
  readonly metrics?: ComputeMetrics
}

/** One is enough for a process: all nodes in it may share it. */
export function createPiscinaCompute(deps: PiscinaComputeDeps, options?: Partial<ComputeOptions>): Compute {
  return new PiscinaCompute(deps, resolveOptions('compute', computeDefaults, options))
}

/** Beside this file, with its own extension: `.ts` in the repository, `.js` in the published package. */
const ENTRY = import.meta.url.replace(/piscina-compute(\.\w+)$/, 'worker-entry$1')

/** The little of an AbortSignal that Piscina asks for. */
class KillSwitch {
  #listener: (() => void) | undefined

  addEventListener(_name: 'abort', listener: () => void): void {
    this.#listener = listener
  }
  removeEventListener(): void {
    this.#listener = undefined
  }
  fire(): void {
    this.#listener?.()
  }
}

class PiscinaCompute extends LanesCompute {
  readonly #clock: Clock
  readonly #options: ComputeOptions
  readonly #pools = new Map<Lane, Promise<Piscina>>()

  constructor(deps: PiscinaComputeDeps, options: ComputeOptions) {
    super(deps, options.threads || availableParallelism(), options.maxWaiting)
    this.#clock = deps.clock
    this.#options = options
  }

  protected async dispatch({ task, input, lane, transfer, call }: Dispatch): Promise<Reply> {
    const pool = await this.#pool(lane)
    call.throwIfCancelled()
    const given = outgoing(input, transfer)
    const request: WorkerRequest = { url: task.url.href, input: given.value }
    const transferList = given.transfer as never
    const run = (kill?: KillSwitch) => pool.run(request, { transferList, ...(kill && { signal: kill }) })
    try {
      return (await (lane === 'bulk' ? this.#stoppable(call, run) : run())) as Reply
    } catch (cause) {
      const data = { task: task.name, lane }
      throw new ComputeError('COMPUTE_FAILED', `${task.name}: the worker gave no result: ${messageOf(cause)}`, {
        data,
        cause,
      })
    }
  }

  protected async close(): Promise<void> {
    for (const [lane, pool] of this.#pools) {
      this.#pools.delete(lane)
      await (await pool).destroy()
    }
  }

  /**
   * Piscina ends the thread of a running task when its signal fires, and the warm kernels with it. Tasks are as long as
   * one chunk, so an abandoned one may first end by itself.
   */
  #stoppable<T>(call: Cancellation, run: (kill: KillSwitch) => Promise<T>): Promise<T> {
    const kill = new KillSwitch()
    const running = run(kill)
    let over = false
    call.onCancel(() => {
      if (over) return
      const timer = this.#clock.timer(this.#options.abortGraceMs, () => kill.fire())
      running.catch(() => undefined).finally(() => timer.cancel())
    })
    return running.finally(() => (over = true))
  }

  #pool(lane: Lane): Promise<Piscina> {
    let pool = this.#pools.get(lane)
    if (!pool) this.#pools.set(lane, (pool = this.#start()))
    return pool
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina')
    const pool = new Piscina({
      filename: ENTRY,
      minThreads: 0,
      maxThreads: this.width,
      idleTimeout: this.#options.idleTimeoutMs,
      recordTiming: false,
    })
    // A thread that dies without a task has nobody to tell; the next task starts another one.
    pool.on('error', () => undefined)
    return pool
  }
}
