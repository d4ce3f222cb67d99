/** Input generators of the golden vectors (test/vectors/README.md, "Conventions"). */
import { blake3 } from '@noble/hashes/blake3.js'
import { type Bytes, concat, fromHex, utf8 } from '../../src/base/index.ts'

export type VectorInput =
  | { gen: 'blake3-xof'; label: string; length: number }
  | { gen: 'repeat'; text: string; times: number }
  | { gen: 'zeros'; length: number }
  | { gen: 'hex'; hex: string }
  | { gen: 'affine'; length: number }
  | { gen: 'lcg-log'; seed: number; length: number }
  | { gen: 'concat'; parts: VectorInput[] }
  | { gen: 'repeat-byte'; byte: number; length: number }
  | { prefix: string; pad_zeros_to: number }

export function vectorBytes(input: VectorInput | string): Bytes {
  if (typeof input === 'string') return unhex(input)
  if ('prefix' in input) {
    const padded = new Uint8Array(input.pad_zeros_to)
    padded.set(unhex(input.prefix))
    return padded
  }
  switch (input.gen) {
    case 'blake3-xof':
      return blake3(utf8(input.label), { dkLen: input.length }) as Bytes
    case 'repeat':
      return utf8(input.text.repeat(input.times))
    case 'zeros':
      return new Uint8Array(input.length)
    case 'hex':
      return unhex(input.hex)
    case 'affine':
      return Uint8Array.from({ length: input.length }, (_, i) => (7 * i + 13 * (i >> 8) + 31 * (i >> 16)) & 255)
    case 'lcg-log':
      return lcgLog(input.seed, input.length)
    case 'concat':
      return concat(input.parts.map(vectorBytes))
    case 'repeat-byte':
      return new Uint8Array(input.length).fill(input.byte)
  }
}

function lcgLog(seed: number, length: number): Bytes {
  const levels = ['debug', 'info', 'warn', 'error', 'trace']
  let state = BigInt(seed)
  const step = () => Number((state = (state * 1103515245n + 12345n) & 0x7fffffffn) >> 8n)
  const lines: string[] = []
  for (let i = 0, size = 0; size < length; i++) {
    const [a, b, c] = [step(), step(), step()]
    const line = `{"ts":${1700000000 + i},"level":"${levels[b % 5]}","node":${a % 100000},"ms":${c % 1000},"msg":"chunk stored"}\n`
    lines.push(line)
    size += line.length
  }
  return utf8(lines.join('')).slice(0, length)
}

function unhex(hex: string): Bytes {
  const bytes = fromHex(hex)
  if (!bytes) throw new Error(`not hex: ${hex.slice(0, 40)}`)
  return bytes
}
