/**
 * The retention files, damaged in every way a disk or a hand can: reading ends in an AuditError or in slots that were
 * really signed by this node. MYRMEX_FUZZ_RUNS and MYRMEX_FUZZ_SEED make it longer or different.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as audit from '../../src/audit/index.ts'
import { type Bytes, randomBelow, seededRandom, toHex } from '../../src/base/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import { hostileEncoding } from './hostile-input.ts'
import { AUDIT_TARGETS, RETENTION_MAINS as MAINS, RETAINED_PIN, RETENTION_POINTERS } from './targets/audit.ts'
import { fuzz, SEED } from './targets/run.ts'

fuzz(AUDIT_TARGETS, (error) => error instanceof audit.AuditError && error.code === 'AUDIT_RETENTION_DECODE')

test('a damaged pair of files gives back nothing but what was signed', async () => {
  const random = seededRandom(SEED)
  const [good] = audit.decodeRetention(MAINS[1] as Bytes).slots
  assert.ok(good)
  const context = {
    self: good.commitment.peer,
    verifier: mlDsaVerifier(backend()),
    now: good.expiresAt ?? 0,
    wallAhead: 0,
    breathe: async () => undefined,
  }
  const pick = () => MAINS[randomBelow(random, MAINS.length)] as Bytes
  let [kept, left] = [0, 0]
  const runs = 1000
  for (let run = 0; run < runs; run++) {
    const main = run % 3 === 0 ? pick() : hostileEncoding(random, pick(), pick())
    const file = RETENTION_POINTERS
    const pointers = run % 3 === 0 ? hostileEncoding(random, file, file) : file
    const loaded = await audit.loadRetention({ main, pointers }, context)
    for (const { signed } of loaded.retention.slots(context.now)) {
      assert.equal(signed.pin, RETAINED_PIN)
      assert.equal(toHex(signed.tree.root), toHex(good.commitment.root))
      kept++
    }
    if (loaded.faults.length > 0) left++
  }
  assert.ok(kept > 0 && left > runs / 3, `${kept} kept, ${left} with faults`)
})
