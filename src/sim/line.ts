/** One direction of a host's line: bytes leave one after another at a fixed rate. Pure. */
export class Line {
  readonly #bytesPerMs: number
  readonly #smallBytes: number
  #freeAt = 0
  #smallFreeAt = 0
  #bytes = 0

  constructor(bytesPerSecond: number, smallBytes: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#smallBytes = smallBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** What `bytes` take when nobody is before them. */
  durationMs(bytes: number): number {
    return bytes / this.#bytesPerMs
  }

  /**
   * Takes the time for `bytes` from `start` on and returns when the last one is through. Two queues, each in the order
   * of the calls: streams are interleaved, so that a small message never waits for a whole chunk to pass, but it waits
   * for the small ones before it. What they take is missing to the chunks behind them.
   */
  reserve(start: number, bytes: number): number {
    this.#bytes += bytes
    const duration = this.durationMs(bytes)
    this.#freeAt = Math.max(start, this.#freeAt) + duration
    if (bytes >= this.#smallBytes) return this.#freeAt
    this.#smallFreeAt = Math.max(start, this.#smallFreeAt) + duration
    return this.#smallFreeAt
  }
}
