/** Things that start and stop. Both calls may come twice; `stop` resolves when every loop and handle is closed. */
export interface Startable {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Starts a list in order and stops it in reverse; when one fails to start, the ones before it are stopped again. */
export class Lifecycle implements Startable, AsyncDisposable {
  readonly #parts: readonly Startable[]
  #started: Startable[] = []

  constructor(parts: readonly Startable[]) {
    this.#parts = parts
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#started.length > 0) return
    for (const part of this.#parts) {
      try {
        signal.throwIfAborted()
        await part.start(signal)
        this.#started.push(part)
      } catch (error) {
        await part.stop().catch(() => undefined)
        await this.stop()
        throw error
      }
    }
  }

  async stop(): Promise<void> {
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
