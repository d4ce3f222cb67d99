import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { noise } from '../inputs.ts'

const PIECE = 4 * 1024 * 1024

/** A file of random bytes, in pieces, so that its size is not held in memory. */
export function writeNoise(path: string, size: number): Promise<void> {
  function* pieces() {
    for (let left = size; left > 0; left -= PIECE) yield noise(Math.min(PIECE, left))
  }
  return pipeline(Readable.from(pieces()), createWriteStream(path))
}
