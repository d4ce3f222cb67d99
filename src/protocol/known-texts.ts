/**
 * Texts that many messages bring (topics, user agents, addresses), the same object for the same bytes as long as it is
 * remembered: decoding one costs more than all else that is done with it, and equal texts that are one object compare
 * and hash at once.
 */
import { fromUtf8 } from '../base/index.ts'

/** 256 KiB of bytes when all are taken. */
const PLACES = 4096
const LONGEST = 64

/** Direct-mapped by a hash that is no secret: who makes texts collide makes only himself slow. */
export class KnownTexts {
  readonly #bytes = new Uint8Array(PLACES * LONGEST)
  readonly #texts: (string | undefined)[] = new Array(PLACES)
  readonly #lengths = new Uint8Array(PLACES)

  /** The text of these UTF-8 bytes; undefined when they are none. */
  of(bytes: Uint8Array, at: number, length: number): string | undefined {
    if (length > LONGEST) return fromUtf8(bytes.subarray(at, at + length))
    const place = hashOf(bytes, at, length) & (PLACES - 1)
    const known = this.#texts[place]
    if (known !== undefined && this.#lengths[place] === length && this.#holds(place, bytes, at, length)) return known
    const key = bytes.subarray(at, at + length)
    const text = fromUtf8(key)
    if (text === undefined) return undefined
    this.#bytes.set(key, place * LONGEST)
    this.#lengths[place] = length
    this.#texts[place] = text
    return text
  }

  #holds(place: number, bytes: Uint8Array, at: number, length: number): boolean {
    const from = place * LONGEST
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== bytes[at + i]) return false
    return true
  }
}

/** FNV-1a (Fowler, Noll, Vo). */
function hashOf(bytes: Uint8Array, at: number, length: number): number {
  let hash = 0x811c9dc5
  for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash ^ (hash >>> 15)
}
