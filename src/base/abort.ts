/** Cancellation scopes. Whoever makes a signal here gets its listeners removed again. */
import type { Clock } from './clock.ts'
import { CodedError } from './errors.ts'

export class DeadlineExceeded extends CodedError<'DEADLINE_EXCEEDED'> {
  constructor(ms: number, what: string) {
    super('DEADLINE_EXCEEDED', `${what}: no result within ${ms} ms`, { data: { ms } })
  }
}

export class Aborted extends CodedError<'ABORTED'> {
  constructor(reason: string) {
    super('ABORTED', reason)
  }
}

/** Runs `work` with a signal that aborts with `signal`, or with DeadlineExceeded after `ms`. */
export function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const end = () => {
      timer.cancel()
      signal.removeEventListener('abort', follow)
    }
    const abort = (reason: unknown) => {
      end()
      controller.abort(reason)
      reject(reason)
    }
    const follow = () => abort(signal.reason)
    const timer = clock.timer(ms, () => abort(new DeadlineExceeded(ms, what)))
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
    started(work, controller.signal).then(
      (value) => {
        end()
        resolve(value)
      },
      (error) => {
        end()
        reject(error)
      },
    )
  })
}

/** What it throws at once is a rejection as well. */
async function started<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return work(signal)
}

/**
 * Runs `work` with a controller of its own that follows `parent`. `over`: the reason with which it ends what is left of
 * the work once that has its result; a constant, since an exception for each costs more than the end.
 */
export async function withScope<T>(
  parent: AbortSignal,
  work: (controller: AbortController) => Promise<T>,
  over?: Error,
): Promise<T> {
  const controller = new AbortController()
  const follow = () => controller.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener('abort', follow, { once: true })
  try {
    return await work(controller)
  } finally {
    parent.removeEventListener('abort', follow)
    if (over) controller.abort(over)
  }
}

/** Settles with the promise, or rejects with the signal's reason when that comes first. */
export function raceAbort<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) {
      promise.catch(() => undefined)
      return onAbort()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * A signal that never aborts, for top-level calls and tests. It takes no listeners: it lives as long as the process, and
 * so would everybody who listens and is never told to stop.
 */
export const never: AbortSignal = Object.assign(new AbortController().signal, {
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
})
