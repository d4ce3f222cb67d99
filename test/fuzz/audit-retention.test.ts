/**
 * The retention files, damaged in every way a disk or a hand can: reading ends in an AuditError or in slots that were
 * really signed by this node. MYRMEX_FUZZ_RUNS and MYRMEX_FUZZ_SEED make it longer or different.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as audit from '../../src/audit/index.ts'
import { type Bytes, concat, MiB, randomBelow, seededRandom, toHex } from '../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import { vectorBytes } from '../support/vector-input.ts'
import { HOSTILE_VARINTS, hostileEncoding } from './hostile-input.ts'

const RUNS = Number(process.env['MYRMEX_FUZZ_RUNS'] ?? 10_000)
const SEED = Number(process.env['MYRMEX_FUZZ_SEED'] ?? 20_261)
const MAX_BUFFER_GROWTH = 8 * MiB

const { retention } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/commitments.json'), 'utf8'),
).signed_commitment
const MAINS: readonly Bytes[] = [vectorBytes(retention.not_gossiped.hex), vectorBytes(retention.gossiped.hex)]
const POINTERS: readonly Bytes[] = [vectorBytes(retention.pointer_leaves.hex)]
const DECODERS = [
  ['main file', MAINS, audit.decodeRetention],
  ['pointer file', POINTERS, audit.decodeRetentionPointers],
] as const

for (const [name, corpus, decode] of DECODERS) {
  test(`${name}: ${RUNS} odd inputs`, () => {
    const random = seededRandom(SEED)
    const pick = () => corpus[randomBelow(random, corpus.length)] as Bytes
    let accepted = 0
    for (let run = 0; run < RUNS; run++) {
      const input = hostileEncoding(random, pick(), pick())
      try {
        decode(input)
        accepted++
      } catch (error) {
        const where = `seed ${SEED}, run ${run}, input ${toHex(input.subarray(0, 200))}`
        assert.ok(error instanceof audit.AuditError, `${error}: ${where}`)
        assert.equal(error.code, 'AUDIT_RETENTION_DECODE', where)
      }
    }
    assert.ok(accepted > 0 && accepted < RUNS, `${accepted} accepted: the inputs are all good or all bad`)
  })
  test(`${name}: a count is not believed before the bytes are there`, () => {
    for (const source of corpus) {
      for (let at = 0; at < source.length; at += Math.max(1, Math.floor(source.length / 300))) {
        for (const bomb of HOSTILE_VARINTS) {
          const before = process.memoryUsage().arrayBuffers
          try {
            decode(concat([source.subarray(0, at), bomb, source.subarray(at)]))
          } catch (error) {
            assert.ok(error instanceof audit.AuditError, `at ${at}: ${error}`)
          }
          const growth = process.memoryUsage().arrayBuffers - before
          assert.ok(growth < MAX_BUFFER_GROWTH, `at ${at}: ${growth} bytes`)
        }
      }
    }
  })
}

test('a damaged pair of files gives back nothing but what was signed', async () => {
  const random = seededRandom(SEED)
  const [good] = audit.decodeRetention(MAINS[1] as Bytes).slots
  assert.ok(good)
  const context = {
    self: good.commitment.peer,
    verifier: mlDsaVerifier(backend()),
    now: good.expiresAt ?? 0,
    breathe: async () => undefined,
  }
  const pick = () => MAINS[randomBelow(random, MAINS.length)] as Bytes
  let [kept, left] = [0, 0]
  const runs = 1000
  for (let run = 0; run < runs; run++) {
    const main = run % 3 === 0 ? pick() : hostileEncoding(random, pick(), pick())
    const [file] = POINTERS as readonly [Bytes]
    const pointers = run % 3 === 0 ? hostileEncoding(random, file, file) : file
    const loaded = await audit.loadRetention({ main, pointers }, context)
    for (const { signed } of loaded.retention.slots(context.now)) {
      assert.equal(signed.pin, retention.commitment_hash)
      assert.equal(toHex(signed.tree.root), toHex(good.commitment.root))
      kept++
    }
    if (loaded.faults.length > 0) left++
  }
  assert.ok(kept > 0 && left > runs / 3, `${kept} kept, ${left} with faults`)
})
