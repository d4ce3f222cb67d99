/** Bytes that rows work on: random, and log text of the rule `lcg-log` in test/vectors/README.md, fast enough for GiB. */
import { randomFillSync } from 'node:crypto'
import { open } from 'node:fs/promises'

export type Kind = 'random' | 'text'
export const KINDS = ['random', 'text'] as const

const PART_BYTES = 8 * 1024 * 1024
const LEVELS = ['debug', 'info', 'warn', 'error', 'trace']
const TEXT_SEED = 64

/** Writes on where the last part ended; every part is exactly `length` bytes. */
export function textSource(seed: number): (length: number) => Uint8Array {
  let [state, line, rest] = [seed, 0, new Uint8Array(0)]
  // The low 31 bits of the product are what the rule keeps, and Math.imul has them.
  const step = () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >>> 8
  return (length) => {
    const parts: string[] = []
    for (let size = rest.length; size < length; line++) {
      const [a, b, c] = [step(), step(), step()]
      const level = LEVELS[b % 5]
      const text = `{"ts":${1700000000 + line},"level":"${level}","node":${a % 100000},"ms":${c % 1000},"msg":"chunk stored"}\n`
      parts.push(text)
      size += text.length
    }
    const whole = Buffer.concat([rest, Buffer.from(parts.join(''), 'latin1')])
    rest = Uint8Array.from(whole.subarray(length))
    return whole.subarray(0, length)
  }
}

export function bytesOf(kind: Kind, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  if (kind === 'text') bytes.set(textSource(TEXT_SEED)(length))
  // randomFillSync takes at most 2^31 - 1 bytes; chunks are far below.
  else randomFillSync(bytes)
  return bytes
}

export async function writeInput(path: string, kind: Kind, length: number, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'w')
  const text = textSource(TEXT_SEED)
  const random = new Uint8Array(PART_BYTES)
  for (let left = length; left > 0; ) {
    signal.throwIfAborted()
    const size = Math.min(left, PART_BYTES)
    await file.writeFile(kind === 'text' ? text(size) : randomFillSync(random).subarray(0, size))
    left -= size
  }
}
