/**
 * Texts of keys, the same object for the same bytes as long as it is remembered: a message names dozens of peers and
 * chunks, and a map finds a text that it has seen many times faster than one that was made a moment ago.
 */
import { toHex } from '../base/index.ts'

const KEY_BYTES = 32
/** Two to the 15th; 2 MiB of keys and texts when all are taken. */
const PLACES = 32_768

/** Direct-mapped by the first bytes: keys are hashes. Who makes keys collide makes only himself slow. */
export class KeyTexts {
  readonly #keys = new Uint8Array(PLACES * KEY_BYTES)
  readonly #texts: (string | undefined)[] = new Array(PLACES)

  /** 64 lower-case hex digits of the 32 bytes at `at`. */
  of(bytes: Uint8Array, at = 0): string {
    if (at + KEY_BYTES > bytes.length) return toHex(bytes.subarray(at))
    const place = ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) & (PLACES - 1)
    const known = this.#texts[place]
    if (known !== undefined && this.#holds(place, bytes, at)) return known
    const key = bytes.subarray(at, at + KEY_BYTES)
    const text = toHex(key)
    this.#keys.set(key, place * KEY_BYTES)
    this.#texts[place] = text
    return text
  }

  #holds(place: number, bytes: Uint8Array, at: number): boolean {
    const from = place * KEY_BYTES
    for (let i = 0; i < KEY_BYTES; i++) if (this.#keys[from + i] !== bytes[at + i]) return false
    return true
  }
}
