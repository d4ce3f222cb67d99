/** Chance as a dependency: `systemRandom` in a real node, `seededRandom` in tests and simulation. */
import { getRandomValues } from 'node:crypto'
import { type Bytes, toHex } from './bytes.ts'

export interface Random {
  /** Fresh random bytes; from the operating system's secure source in `systemRandom`. */
  bytes(length: number): Bytes
  uint32(): number
  /** Uniform in [0, 1). */
  float(): number
}

class SystemRandom implements Random {
  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 65536) getRandomValues(bytes.subarray(i, Math.min(length, i + 65536)))
    return bytes
  }
  uint32(): number {
    return getRandomValues(new Uint32Array(1))[0] as number
  }
  float(): number {
    return this.uint32() / 2 ** 32
  }
}

/** xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32. Not for keys. */
class SeededRandom implements Random {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    let z = seed >>> 0
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97)
      this.#state[i] = (t ^ (t >>> 15)) >>> 0
    }
  }
  uint32(): number {
    const s = this.#state as unknown as [number, number, number, number]
    const scrambled = Math.imul(s[1], 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const t = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << 11) | (s[3] >>> 21)
    return result
  }
  float(): number {
    return this.uint32() / 2 ** 32
  }
  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 4) {
      const word = this.uint32()
      for (let j = 0; j < 4 && i + j < length; j++) bytes[i + j] = word >>> (8 * j)
    }
    return bytes
  }
}

export const systemRandom: Random = new SystemRandom()

export function seededRandom(seed: number): Random {
  return new SeededRandom(seed)
}

/** Uniform integer in [0, limit). */
export function randomBelow(random: Random, limit: number): number {
  return Math.floor(random.float() * limit)
}

/** Uniform in [min, max). */
export function randomBetween(random: Random, min: number, max: number): number {
  return min + random.float() * (max - min)
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const copy = items.slice()
  for (let i = copy.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1)
    const held = copy[i] as T
    copy[i] = copy[j] as T
    copy[j] = held
  }
  return copy
}

/** UUID version 4 text (RFC 9562, 5.4). */
export function randomUuid(random: Random): string {
  const b = random.bytes(16)
  b[6] = ((b[6] as number) & 0x0f) | 0x40
  b[8] = ((b[8] as number) & 0x3f) | 0x80
  const hex = toHex(b)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
