/** Rate limit (pure: `now` is an argument, milliseconds of one clock). */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #at: number

  constructor(options: { burst: number; perSecond: number; now: number }) {
    this.#burst = options.burst
    this.#perMs = options.perSecond / 1000
    this.#tokens = options.burst
    this.#at = options.now
  }

  /** Takes `cost` tokens if they are there. */
  take(now: number, cost = 1): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }
}
