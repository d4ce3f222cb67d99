/** Background work that starts, is aborted and is awaited together. A Startable owns one group. */
import { Aborted } from './abort.ts'

export class TaskGroup {
  readonly #controller = new AbortController()
  readonly #running = new Map<Promise<void>, string>()
  readonly #onError: (error: unknown, name: string) => void

  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }
  get size(): number {
    return this.#running.size
  }

  /** Of what runs, each once. */
  names(): string[] {
    return [...new Set(this.#running.values())]
  }

  /** Starts `work`; a failure after the abort is silence, any other goes to `onError`. */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.signal.aborted) return
    const run = (async () => {
      try {
        await work(this.signal)
      } catch (error) {
        if (!this.signal.aborted) this.#onError(error, name)
      }
    })()
    this.#running.set(run, name)
    void run.then(() => this.#running.delete(run))
  }

  async stop(): Promise<void> {
    if (!this.signal.aborted) this.#controller.abort(new Aborted('stopped'))
    while (this.#running.size > 0) await Promise.all(this.#running.keys())
  }
}
