/**
 * Content of files that lies on many simulated disks, kept once. Whoever holds it must not write into it. It is found
 * by some of its bytes and compared by all; what nobody holds any more is collected.
 */
import { equal } from '../base/index.ts'

/** Smaller content is not worth an entry. */
const LEAST_BYTES = 512
const FIRST_SWEEP = 4096
/** Bytes that name content, evenly spread: chunks are random, so that these tell them apart. */
const SAMPLES = 64

export class SharedContent {
  readonly #held = new Map<number, WeakRef<Uint8Array>>()
  #sweepAt = FIRST_SWEEP

  get size(): number {
    return this.#held.size
  }

  /** The same bytes, in the memory that holds them already if there is any. */
  of(bytes: Uint8Array): Uint8Array {
    if (bytes.length < LEAST_BYTES) return bytes
    const name = nameOf(bytes)
    const held = this.#held.get(name)?.deref()
    if (held !== undefined) return equal(held, bytes) ? held : bytes
    if (this.#held.size >= this.#sweepAt) this.#sweep()
    this.#held.set(name, new WeakRef(bytes))
    return bytes
  }

  #sweep(): void {
    for (const [name, content] of this.#held) if (content.deref() === undefined) this.#held.delete(name)
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#held.size)
  }
}

/** FNV-1a (Fowler, Noll, Vo) over the length and the samples, twice for 52 bits. */
function nameOf(bytes: Uint8Array): number {
  let [low, high] = [0x811c9dc5 ^ bytes.length, 0x9e3779b9]
  for (let i = 0; i < SAMPLES; i++) {
    const byte = bytes[Math.floor((i * (bytes.length - 1)) / (SAMPLES - 1))] as number
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte ^ (low >>> 15), 0x85ebca6b)
  }
  return (high & 0xfffff) * 2 ** 32 + (low >>> 0)
}
