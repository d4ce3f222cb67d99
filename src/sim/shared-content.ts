/**
 * Content of files that lies on many simulated disks, kept once. Whoever holds it must not write into it. It is found
 * by its CRC-32 and compared byte by byte; what nobody holds any more is collected.
 */
import { crc32 } from 'node:zlib'
import { equal } from '../base/index.ts'

/** Smaller content is not worth an entry. */
const LEAST_BYTES = 512
const FIRST_SWEEP = 4096

export class SharedContent {
  readonly #held = new Map<number, WeakRef<Uint8Array>>()
  #sweepAt = FIRST_SWEEP

  get size(): number {
    return this.#held.size
  }

  /** The same bytes, in the memory that holds them already if there is any. */
  of(bytes: Uint8Array): Uint8Array {
    if (bytes.length < LEAST_BYTES) return bytes
    const sum = crc32(bytes)
    const held = this.#held.get(sum)?.deref()
    if (held !== undefined) return equal(held, bytes) ? held : bytes
    if (this.#held.size >= this.#sweepAt) this.#sweep()
    this.#held.set(sum, new WeakRef(bytes))
    return bytes
  }

  #sweep(): void {
    for (const [sum, content] of this.#held) if (content.deref() === undefined) this.#held.delete(sum)
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#held.size)
  }
}
