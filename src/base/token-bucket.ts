import { LruMap } from './lru.ts'

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
    this.#refill(now)
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  /** Whether anything is left. */
  isOpen(now: number): boolean {
    this.#refill(now)
    return this.#tokens > 0
  }

  /** Takes what is known afterwards only: there may be a debt then. */
  charge(now: number, cost: number): void {
    this.#refill(now)
    this.#tokens -= cost
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs)
    this.#at = now
  }
}

/** A bucket for each key; of more than `keys` the least recently used one is forgotten, and starts full again. */
export class TokenBuckets<K> {
  readonly #buckets: LruMap<K, TokenBucket>
  readonly #limit: { readonly burst: number; readonly perSecond: number }

  constructor(options: { burst: number; perSecond: number; keys: number }) {
    this.#limit = options
    this.#buckets = new LruMap(options.keys)
  }

  take(key: K, now: number): boolean {
    return this.#bucket(key, now).take(now)
  }

  /** Whether anything is left. */
  isOpen(key: K, now: number): boolean {
    return this.#buckets.get(key)?.isOpen(now) ?? true
  }

  /** As `TokenBucket.charge`. */
  charge(key: K, now: number, cost: number): void {
    this.#bucket(key, now).charge(now, cost)
  }

  #bucket(key: K, now: number): TokenBucket {
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      const { burst, perSecond } = this.#limit
      bucket = new TokenBucket({ burst, perSecond, now })
      this.#buckets.set(key, bucket)
    }
    return bucket
  }
}
