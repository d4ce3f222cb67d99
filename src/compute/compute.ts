/** Work off the event loop. The pool runs task files and knows nothing of what is in them. */

/** `interactive`: live messages. `bulk`: self-encryption, audits. */
export type Lane = 'interactive' | 'bulk'

/**
 * A task file's `run` export: plain data in, plain data out (structured clone; Uint8Arrays of the result are moved). The
 * input is the task's only until it has returned: its memory is taken back then.
 */
export type TaskFunction<Input, Output> = (input: Input) => Output | Promise<Output>

export interface Task<Input, Output> {
  /** URL of the `*.task.ts` module that exports `run(input): output`. */
  readonly url: URL
  readonly name: string
  /** The same function on this thread; without it the inline driver imports the module, which takes real time. */
  readonly run?: TaskFunction<Input, Output>
  /** Phantom types. */
  readonly types?: { readonly input: Input; readonly output: Output }
}

/** In a task file: `export const sealTask = defineTask(import.meta.url, 'seal', run)`. */
export function defineTask<Input, Output>(
  url: string | URL,
  name: string,
  run?: TaskFunction<Input, Output>,
): Task<Input, Output> {
  return { url: new URL(url), name, ...(run === undefined ? {} : { run }) }
}

export interface RunOptions {
  /** Rejects at once with its reason; a task that already runs is left to end (see `abortGraceMs` of the options). */
  readonly signal: AbortSignal
  readonly lane: Lane
  /** Buffers moved to the worker: detached for the caller. */
  readonly transfer?: readonly ArrayBuffer[]
}

export interface Compute {
  /** Throws what the task threw (name, code and data kept), ComputeError, or the signal's reason. */
  run<Input, Output>(task: Task<Input, Output>, input: Input, options: RunOptions): Promise<Output>
  /** Tasks of one lane that run at the same time. */
  readonly width: number
  /** Ends every thread; calls that wait or run fail with COMPUTE_STOPPED, so does every later one. */
  stop(): Promise<void>
}
