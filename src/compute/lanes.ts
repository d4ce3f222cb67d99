/** What both drivers share: bounded lanes, cancellation, the end of everything, counting. */
import { Aborted, type Clock, fromPlain, type PlainError, Semaphore, SemaphoreFull } from '../base/index.ts'
import { Cancellation } from './cancellation.ts'
import type { Compute, Lane, RunOptions, Task } from './compute.ts'
import { ComputeError } from './errors.ts'
import type { ComputeMetrics } from './metrics.ts'

/** Errors travel as data: an Error posted from a thread loses its name, code and data. */
export type Reply =
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: PlainError }

export interface Dispatch {
  readonly task: { readonly url: URL; readonly name: string; readonly run?: unknown }
  readonly input: unknown
  readonly lane: Lane
  readonly transfer: readonly ArrayBuffer[]
  /** The caller's. */
  readonly signal: AbortSignal
  /** Cancelled when nobody waits for the result any more. */
  readonly call: Cancellation
}

export interface LanesDeps {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly metrics?: ComputeMetrics
}

/** Subclasses run one task; here it waits for its place, and the caller is let go as soon as the signal fires. */
export abstract class LanesCompute implements Compute {
  readonly width: number
  protected readonly deps: LanesDeps
  readonly #maxWaiting: number
  readonly #lanes: Readonly<Record<Lane, Semaphore>>
  readonly #calls = new Set<Cancellation>()
  #stopped: Promise<void> | undefined

  constructor(deps: LanesDeps, width: number, maxWaiting: number) {
    this.deps = deps
    this.width = width
    this.#maxWaiting = maxWaiting
    this.#lanes = { interactive: new Semaphore(width, maxWaiting), bulk: new Semaphore(width, maxWaiting) }
  }

  protected abstract dispatch(work: Dispatch): Promise<Reply>
  protected abstract close(): Promise<void>

  async run<Input, Output>(task: Task<Input, Output>, input: Input, options: RunOptions): Promise<Output> {
    const { lane, signal, transfer = [] } = options
    if (this.#stopped) throw stopped()
    const call = new Cancellation()
    const follow = () => call.cancel(signal.reason)
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
    this.#calls.add(call)
    try {
      const output = await this.#race({ task, input, lane, transfer, signal, call })
      this.#count(lane, 'done')
      return output as Output
    } catch (error) {
      this.#count(lane, signal.aborted ? 'aborted' : isBusy(error) ? 'busy' : 'failed')
      throw error
    } finally {
      this.#calls.delete(call)
      signal.removeEventListener('abort', follow)
    }
  }

  /** Settles with the task, or with what cancels the call when that comes first. */
  #race(work: Dispatch): Promise<unknown> {
    return new Promise((resolve, reject) => {
      work.call.onCancel(reject)
      this.#place(work).then(resolve, reject)
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    for (const call of this.#calls) call.cancel(stopped())
    await this.close()
  }

  /** The place is kept until the task has really ended, also when its caller is gone. */
  async #place(work: Dispatch): Promise<unknown> {
    const { clock, metrics } = this.deps
    const { lane } = work
    const called = clock.monotonic()
    const release = this.#lanes[lane].tryAcquire() ?? (await this.#acquire(work))
    try {
      work.call.throwIfCancelled()
      const begun = clock.monotonic()
      metrics?.waitSeconds.observe((begun - called) / 1000, { lane })
      const reply = await this.dispatch(work)
      metrics?.runSeconds.observe((clock.monotonic() - begun) / 1000, { lane })
      if (reply.kind === 'failed') throw fromPlain(reply.error)
      return reply.output
    } finally {
      release()
    }
  }

  async #acquire({ lane, task, signal }: Dispatch): Promise<() => void> {
    try {
      return await this.#lanes[lane].acquire(signal)
    } catch (error) {
      if (!(error instanceof SemaphoreFull)) throw error
      const limit = this.#maxWaiting
      throw new ComputeError('COMPUTE_BUSY', `${task.name}: ${limit} tasks wait in the ${lane} lane already`, {
        data: { task: task.name, lane, limit },
        cause: error,
      })
    }
  }

  #count(lane: Lane, outcome: string): void {
    this.deps.metrics?.tasks.add(1, { lane, outcome })
  }
}

function stopped(): ComputeError {
  return new ComputeError('COMPUTE_STOPPED', 'the compute pool was stopped', { cause: new Aborted('stopped') })
}

function isBusy(error: unknown): boolean {
  return error instanceof ComputeError && error.code === 'COMPUTE_BUSY'
}
