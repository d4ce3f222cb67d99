/** Permits with a bounded waiting line. */
import { CodedError } from './errors.ts'

export class SemaphoreFull extends CodedError<'SEMAPHORE_FULL'> {}

export class Semaphore {
  #free: number
  readonly #maxWaiting: number
  readonly #waiting: Array<() => void> = []

  constructor(permits: number, maxWaiting: number) {
    this.#free = permits
    this.#maxWaiting = maxWaiting
  }

  get waiting(): number {
    return this.#waiting.length
  }
  get free(): number {
    return this.#free
  }

  /** Takes a permit if one is free; the result gives it back (once). */
  tryAcquire(): (() => void) | undefined {
    if (this.#free === 0) return undefined
    this.#free--
    return this.#releaser()
  }

  acquire(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const now = this.tryAcquire()
      if (now) return resolve(now)
      if (this.#waiting.length >= this.#maxWaiting) {
        return reject(new SemaphoreFull('SEMAPHORE_FULL', `more than ${this.#maxWaiting} are waiting`))
      }
      const grant = () => {
        signal.removeEventListener('abort', onAbort)
        resolve(this.#releaser())
      }
      const onAbort = () => {
        const index = this.#waiting.indexOf(grant)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal.reason)
      }
      this.#waiting.push(grant)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const release = (signal.aborted ? undefined : this.tryAcquire()) ?? (await this.acquire(signal))
    try {
      return await work()
    } finally {
      release()
    }
  }

  #releaser(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
