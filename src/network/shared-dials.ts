/**
 * One piece of work a key, shared by everybody who asks meanwhile. It is aborted when the last of them gives up, so a
 * slot is never held by nobody.
 */
import { Aborted, raceAbort } from '../base/index.ts'

interface Shared<T> {
  readonly promise: Promise<T>
  readonly controller: AbortController
  readonly settle: (value: T) => void
  waiting: number
}

/** A constant: the stack of an error for each dial costs more than the abort. */
const ABANDONED = new Aborted('nobody waits for this dial any more')

export class SharedDials<K, T> {
  readonly #running = new Map<K, Shared<T>>()

  get size(): number {
    return this.#running.size
  }

  has(key: K): boolean {
    return this.#running.has(key)
  }

  async join(key: K, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const shared = this.#running.get(key) ?? this.#start(key, work)
    shared.waiting++
    try {
      return await raceAbort(signal, shared.promise)
    } finally {
      if (--shared.waiting === 0) {
        shared.controller.abort(ABANDONED)
        if (this.#running.get(key) === shared) this.#running.delete(key)
      }
    }
  }

  /** Gives the work's outcome from elsewhere and ends it: the peer connected to us meanwhile. */
  settle(key: K, value: T): void {
    this.#running.get(key)?.settle(value)
  }

  #start(key: K, work: (signal: AbortSignal) => Promise<T>): Shared<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const controller = new AbortController()
    const shared: Shared<T> = { promise, controller, settle: resolve, waiting: 0 }
    promise.catch(() => undefined)
    this.#running.set(key, shared)
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => {
        if (this.#running.get(key) === shared) this.#running.delete(key)
      })
    return shared
  }
}
