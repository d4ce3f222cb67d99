/**
 * Texts that many messages bring, the same object for the same bytes as long as it is remembered: decoding one costs
 * more than all else that is done with it, and equal texts that are one object compare and hash at once.
 */

export interface KnownTextsOptions {
  /** A power of two. */
  readonly places: number
  /** Longer ones are decoded each time. */
  readonly longest: number
  /** No secret: who makes texts collide makes only himself slow. */
  hash(bytes: Uint8Array, at: number, length: number): number
  /** undefined: these bytes are no text. */
  decode(bytes: Uint8Array): string | undefined
}

/** Direct-mapped: a text that comes takes the place of the one before. */
export class KnownTexts {
  readonly #options: KnownTextsOptions
  readonly #bytes: Uint8Array
  readonly #lengths: Uint8Array
  readonly #texts: (string | undefined)[]

  constructor(options: KnownTextsOptions) {
    const { places, longest } = options
    this.#options = options
    this.#bytes = new Uint8Array(places * longest)
    this.#lengths = new Uint8Array(places)
    this.#texts = new Array(places)
  }

  /** The text of `length` bytes from `at` on, which are there; undefined when they are none. */
  of(bytes: Uint8Array, at: number, length: number): string | undefined {
    const { places, longest, hash, decode } = this.#options
    if (length > longest) return decode(bytes.subarray(at, at + length))
    const place = hash(bytes, at, length) & (places - 1)
    const known = this.#texts[place]
    if (known !== undefined && this.#lengths[place] === length && this.#holds(place * longest, bytes, at, length)) {
      return known
    }
    const key = bytes.subarray(at, at + length)
    const text = decode(key)
    if (text === undefined) return undefined
    this.#bytes.set(key, place * longest)
    this.#lengths[place] = length
    this.#texts[place] = text
    return text
  }

  #holds(from: number, bytes: Uint8Array, at: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== bytes[at + i]) return false
    return true
  }
}
