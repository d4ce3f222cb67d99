/** Bounded stages: how many bytes are held, how many jobs run, what became of them. Memory is flat for any file size. */
import { assert, SemaphoreFull } from '../base/index.ts'

export interface ByteBudgetOptions {
  /** Holders at once: a small one counts as this part of the budget at least. */
  readonly maxHolders?: number
  /** Waiters; the next one fails with SemaphoreFull. */
  readonly maxWaiting?: number
}

/** Bytes that may be held at once; waiters are served in order. */
export class ByteBudget {
  readonly #limit: number
  readonly #least: number
  readonly #maxWaiting: number
  #used = 0
  readonly #waiting: Array<{ readonly bytes: number; grant(): void }> = []

  constructor(limit: number, { maxHolders, maxWaiting = Number.POSITIVE_INFINITY }: ByteBudgetOptions = {}) {
    assert(limit > 0, 'a byte budget needs a limit')
    this.#limit = limit
    this.#least = maxHolders === undefined ? 0 : limit / maxHolders
    this.#maxWaiting = maxWaiting
  }

  get used(): number {
    return this.#used
  }
  get waiting(): number {
    return this.#waiting.length
  }

  /** The result gives the bytes back, once. More than the whole budget is granted when nothing else is held. */
  acquire(bytes: number, signal: AbortSignal): Promise<() => void> {
    const wanted = Math.min(Math.max(bytes, this.#least), this.#limit)
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#waiting.length >= this.#maxWaiting)
        return reject(new SemaphoreFull('SEMAPHORE_FULL', `more than ${this.#maxWaiting} are waiting`))
      const entry = {
        bytes: wanted,
        grant: () => {
          signal.removeEventListener('abort', onAbort)
          this.#used += wanted
          resolve(this.#releaser(wanted))
        },
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(signal.reason)
        this.#serve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(entry)
      this.#serve()
    })
  }

  #serve(): void {
    for (;;) {
      const next = this.#waiting[0]
      // What many small holders add up to is not exactly whole: half a byte is no reason to wait.
      if (!next || this.#used + next.bytes > this.#limit + 0.5) return
      this.#waiting.shift()
      next.grant()
    }
  }

  #releaser(bytes: number): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#used -= bytes
      this.#serve()
    }
  }
}

/**
 * Jobs that run beside the one who submits them. A failure ends the pipeline: what runs is awaited by `settle`, what
 * comes later is refused with the failure.
 */
export class JobPool {
  readonly #running = new Set<Promise<void>>()
  readonly #limit: number
  #failure: { readonly error: unknown } | undefined
  #freed: (() => void) | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get running(): number {
    return this.#running.size
  }

  /** Resolves when the job has begun. One submitter at a time. */
  async submit(job: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#freed = resolve
      })
    }
    if (this.#failure) throw this.#failure.error
    const run = job()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#running.delete(run)
        this.#freed?.()
      })
    this.#running.add(run)
  }

  /** Waits for everything that runs; never throws. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Waits for everything and throws the first failure. */
  async drain(): Promise<void> {
    await this.settle()
    if (this.#failure) throw this.#failure.error
  }
}
