/** One direction of a host's line: bytes leave one after another at a fixed rate. Pure. */
export class Line {
  readonly #bytesPerMs: number
  readonly #smallBytes: number
  #freeAt = 0
  #bytes = 0

  constructor(bytesPerSecond: number, smallBytes: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#smallBytes = smallBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes the time for `bytes` from `now` on and returns when the last one is through. Small messages use up the line
   * but do not queue: streams are interleaved, and nobody waits for a whole chunk to pass.
   */
  reserve(now: number, bytes: number): number {
    this.#bytes += bytes
    const duration = bytes / this.#bytesPerMs
    const start = Math.max(now, this.#freeAt)
    this.#freeAt = start + duration
    return bytes < this.#smallBytes ? now + duration : this.#freeAt
  }
}
