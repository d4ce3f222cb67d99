/** Work off the event loop. The pool runs task files and knows nothing of what is in them. */

/** `interactive`: live messages. `bulk`: self-encryption, audits. */
export type Lane = 'interactive' | 'bulk'

/** A task file's default export: plain data in, plain data out (structured clone; listed buffers are moved). */
export interface Task<Input, Output> {
  /** URL of the `*.task.ts` module that exports `run(input): output`. */
  readonly url: URL
  readonly name: string
  /** Phantom types. */
  readonly types?: { readonly input: Input; readonly output: Output }
}

export function defineTask<Input, Output>(url: string | URL, name: string): Task<Input, Output> {
  return { url: new URL(url), name }
}

export interface RunOptions {
  readonly signal: AbortSignal
  readonly lane: Lane
  /** Buffers moved to the worker: detached for the caller. */
  readonly transfer?: readonly ArrayBuffer[]
}

export interface Compute {
  /** Throws what the task threw (code and data kept), ComputeError, or the signal's reason. */
  run<Input, Output>(task: Task<Input, Output>, input: Input, options: RunOptions): Promise<Output>
  /** Threads that the lane may use. */
  readonly width: number
  stop(): Promise<void>
}
