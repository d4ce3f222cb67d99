import { Aborted, withScope } from './abort.ts'

/** Things that start and stop. Both calls may come twice; `stop` resolves when every loop and handle is closed. */
export interface Startable {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a list in order and stops it in reverse. When one fails to start, or `stop` comes meanwhile, the ones before it
 * are stopped again.
 */
export class Lifecycle implements Startable, AsyncDisposable {
  readonly #parts: readonly Startable[]
  #started: Startable[] = []
  #starting: { readonly done: Promise<void>; readonly abort: () => void } | undefined

  constructor(parts: readonly Startable[]) {
    this.#parts = parts
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#starting) return this.#starting.done
    if (this.#started.length > 0) return
    let abort: () => void = () => undefined
    const done = withScope(signal, async (scope) => {
      abort = () => scope.abort(new Aborted('stopped while starting'))
      await this.#startAll(scope.signal)
    }).finally(() => {
      this.#starting = undefined
    })
    this.#starting = { done, abort }
    return done
  }

  async stop(): Promise<void> {
    const starting = this.#starting
    starting?.abort()
    await starting?.done.catch(() => undefined)
    await this.#stopAll()
  }

  async #startAll(signal: AbortSignal): Promise<void> {
    for (const part of this.#parts) {
      try {
        signal.throwIfAborted()
        await part.start(signal)
        this.#started.push(part)
      } catch (error) {
        await part.stop().catch(() => undefined)
        await this.#stopAll()
        throw error
      }
    }
    // A last part that did not look at the signal has started all the same.
    if (!signal.aborted) return
    await this.#stopAll()
    signal.throwIfAborted()
  }

  async #stopAll(): Promise<void> {
    const started = this.#started
    this.#started = []
    let failure: unknown
    for (const part of started.toReversed()) {
      try {
        await part.stop()
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
