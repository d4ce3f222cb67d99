/** Seeded properties: a failing run names its seed, and MYRMEX_TEST_SEED runs that seed alone. */
import { type Random, randomBelow, seededRandom, toHex } from '../../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../../src/protocol/index.ts'

const only = process.env['MYRMEX_TEST_SEED']

export function forSeeds(count: number, body: (random: Random, seed: number) => void): void {
  const seeds = only === undefined ? Array.from({ length: count }, (_, i) => 1000 + i) : [Number(only)]
  for (const seed of seeds) {
    try {
      body(seededRandom(seed), seed)
    } catch (error) {
      console.log(`# failed with MYRMEX_TEST_SEED=${seed}`)
      throw error
    }
  }
}

export const address = (random: Random): ChunkAddress => toHex(random.bytes(32)) as ChunkAddress
export const peerId = (random: Random): PeerId => toHex(random.bytes(32)) as PeerId
export const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
export const pick = <T>(random: Random, items: readonly T[]): T => items[randomBelow(random, items.length)] as T

/** An address whose first byte is given: places are easy to see. */
export const at = (first: number, rest = '00'): ChunkAddress =>
  (first.toString(16).padStart(2, '0') + rest.repeat(31)) as ChunkAddress
export const peerAt = (first: number): PeerId => at(first) as string as PeerId
