/** Time as a dependency: whole nodes run on a virtual clock, so nobody else may read the real one. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, Unix milliseconds. */
  now(): number
  /** Wall clock, Unix nanoseconds, for address sequences. */
  nowNanos(): bigint
  /** Milliseconds that only grow; no relation to the wall clock. */
  monotonic(): number
  /** Calls back once after `ms` (at most 2^31 - 1). A pending timer keeps the process alive: whoever stops, cancels. */
  timer(ms: number, callback: () => void): Timer
  /** Resolves after `ms`, rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Milliseconds by which the wall clock is ahead of the monotonic one now: for what outlives a restart. */
export function wallAhead(clock: Pick<Clock, 'now' | 'monotonic'>): number {
  return clock.now() - clock.monotonic()
}

export abstract class BaseClock implements Clock {
  abstract now(): number
  abstract nowNanos(): bigint
  abstract monotonic(): number
  abstract timer(ms: number, callback: () => void): Timer

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const timer = this.timer(ms, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = () => {
        timer.cancel()
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

class SystemClock extends BaseClock {
  now(): number {
    return Date.now()
  }
  nowNanos(): bigint {
    return BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)
  }
  monotonic(): number {
    return performance.now()
  }
  timer(ms: number, callback: () => void): Timer {
    const handle = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
    return { cancel: () => clearTimeout(handle) }
  }
}

export const systemClock: Clock = new SystemClock()
