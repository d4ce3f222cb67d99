/**
 * Runs targets against random, cut and mutated input: only errors of their own room may come out, nothing may be
 * allocated on the word of a length, and what is accepted must survive a round through the encoder.
 * MYRMEX_FUZZ_RUNS and MYRMEX_FUZZ_SEED make it longer or different.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, MiB, randomBelow, seededRandom, toHex } from '../../../src/base/index.ts'
import { HOSTILE_VARINTS, hostileEncoding } from '../hostile-input.ts'
import type { FuzzTarget } from './target.ts'

export const RUNS = Number(process.env['MYRMEX_FUZZ_RUNS'] ?? 10_000)
export const SEED = Number(process.env['MYRMEX_FUZZ_SEED'] ?? 20_260)
/** Far above what a decoder needs for inputs of this size, far below what a believed length would take. */
const MAX_BUFFER_GROWTH = 8 * MiB

/** Whether an error is what the room says when bytes make no sense. */
export type IsRefusal = (error: unknown) => boolean

export function fuzz(targets: readonly FuzzTarget[], isRefusal: IsRefusal): void {
  for (const target of targets) {
    test(`${target.name}: ${RUNS} odd inputs`, () => oddInputs(target, isRefusal))
    test(`${target.name}: a length is not believed before the bytes are there`, () => lyingLengths(target, isRefusal))
  }
}

async function oddInputs({ corpus, decode, encode, isNothing }: FuzzTarget, isRefusal: IsRefusal): Promise<void> {
  assert.ok(corpus.length > 0, 'nothing to damage')
  const random = seededRandom(SEED)
  const pick = () => corpus[randomBelow(random, corpus.length)] as Uint8Array
  let accepted = 0
  for (let run = 0; run < RUNS; run++) {
    const input = hostileEncoding(random, pick(), pick())
    const where = () => `seed ${SEED}, run ${run}, input ${toHex(input.subarray(0, 200))}`
    let value: unknown
    try {
      value = decode(input)
    } catch (error) {
      if (!isRefusal(error)) throw new Error(`no refusal of its room: ${where()}`, { cause: error })
      continue
    }
    if (isNothing?.(value as never)) continue
    accepted++
    const encoded = await encode?.(value as never)
    if (encoded !== undefined) assert.deepEqual(decode(encoded), value, where())
  }
  assert.ok(accepted > 0 && accepted < RUNS, `${accepted} accepted: the inputs are all good or all bad`)
  for (const good of corpus) assert.ok(!isNothing?.(decode(good) as never), 'a good input gives nothing')
}

function lyingLengths({ name, corpus, decode }: FuzzTarget, isRefusal: IsRefusal): void {
  const bombs = HOSTILE_VARINTS.slice(0, 2)
  for (const source of corpus) {
    const step = Math.max(1, Math.floor(source.length / 200))
    for (let at = 0; at < source.length; at += step) {
      for (const bomb of bombs) {
        const before = process.memoryUsage().arrayBuffers
        try {
          decode(concat([source.subarray(0, at), bomb, source.subarray(at)]))
        } catch (error) {
          assert.ok(isRefusal(error), `${name} at ${at}: ${error}`)
        }
        const growth = process.memoryUsage().arrayBuffers - before
        assert.ok(growth < MAX_BUFFER_GROWTH, `${name} at ${at} took ${growth} bytes`)
      }
    }
  }
}
