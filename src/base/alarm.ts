/** A sleeper that can be woken: for loops that have a next moment and may be told of something sooner. */
import type { Clock } from './clock.ts'

export class Alarm {
  #wake: (() => void) | undefined
  #rung = false

  /** Ends the wait that runs, or the next one at once. */
  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at `monotonic`, or when it rings; undefined: only when it rings. Rejects with the signal's reason. */
  until(clock: Clock, monotonic: number | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const settle = (end: () => void) => {
        timer?.cancel()
        this.#wake = undefined
        this.#rung = false
        signal.removeEventListener('abort', onAbort)
        end()
      }
      const onAbort = () => settle(() => reject(signal.reason))
      const done = () => settle(resolve)
      const timer = monotonic === undefined ? undefined : clock.timer(Math.max(0, monotonic - clock.monotonic()), done)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#wake = done
      if (this.#rung) done()
    })
  }
}
