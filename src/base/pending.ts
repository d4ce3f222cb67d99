/**
 * Replies awaited by key: at most `limit` at once, each with a deadline and a signal, every exit path frees its key.
 * Plain topics correlate by (sender, id), `/rr/` by message id; both use this table.
 */
import { Aborted, DeadlineExceeded } from './abort.ts'
import type { Clock } from './clock.ts'
import { CodedError } from './errors.ts'

export class PendingFull extends CodedError<'PENDING_FULL'> {}

interface Waiting<Reply> {
  settle(reply: Reply): void
  fail(error: unknown): void
}

export class PendingReplies<Reply> {
  readonly #clock: Clock
  readonly #limit: number
  readonly #waiting = new Map<string, Waiting<Reply>>()

  constructor(clock: Clock, limit: number) {
    this.#clock = clock
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Registers the key at once, so that a reply cannot arrive before it is awaited. */
  expect(key: string, options: { timeoutMs: number; signal: AbortSignal; what: string }): Promise<Reply> {
    const { timeoutMs, signal, what } = options
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#waiting.size >= this.#limit) {
        return reject(new PendingFull('PENDING_FULL', `${what}: ${this.#limit} replies are awaited already`))
      }
      if (this.#waiting.has(key)) return reject(new PendingFull('PENDING_FULL', `${what}: the id is already in use`))
      const finish = () => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
        this.#waiting.delete(key)
      }
      const onAbort = () => {
        finish()
        reject(signal.reason)
      }
      const timer = this.#clock.timer(timeoutMs, () => {
        finish()
        reject(new DeadlineExceeded(timeoutMs, what))
      })
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(key, {
        settle: (reply) => {
          finish()
          resolve(reply)
        },
        fail: (error) => {
          finish()
          reject(error)
        },
      })
    })
  }

  has(key: string): boolean {
    return this.#waiting.has(key)
  }

  /** Hands over a reply; false when nobody waits for it. */
  settle(key: string, reply: Reply): boolean {
    const waiting = this.#waiting.get(key)
    waiting?.settle(reply)
    return waiting !== undefined
  }

  /** Ends one wait with an error; false when nobody waits. */
  fail(key: string, error: unknown): boolean {
    const waiting = this.#waiting.get(key)
    waiting?.fail(error)
    return waiting !== undefined
  }

  failAll(error: unknown = new Aborted('stopped')): void {
    for (const waiting of [...this.#waiting.values()]) waiting.fail(error)
  }
}
