/** What files are made of, for benches: noise that does not compress, and log lines that do. */
import { randomBytes } from 'node:crypto'
import { randomBelow, seededRandom } from '../src/base/index.ts'

export function noise(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length))
}

/** Log lines of a node, the same every time: they compress about seven to one. */
export function logText(length: number): Uint8Array {
  const dice = seededRandom(64)
  const levels = ['debug', 'info', 'warn', 'error', 'trace']
  const text = Buffer.alloc(length)
  for (let at = 0, line = 0; at < length; line++) {
    const level = levels[randomBelow(dice, levels.length)]
    at += text.write(
      `{"ts":${1_700_000_000 + line},"level":"${level}","node":${randomBelow(dice, 100_000)},"ms":${randomBelow(dice, 1000)},"msg":"chunk stored"}\n`,
      at,
    )
  }
  return new Uint8Array(text)
}
