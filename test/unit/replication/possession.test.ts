import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../../../src/base/index.ts'
import {
  type ChallengeVerdict,
  keyVerdicts,
  possessionConsequence,
} from '../../../src/replication/audits/challenge-verdict.ts'
import { PossessionSchedule } from '../../../src/replication/audits/possession-schedule.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { address, at, forSeeds, many, peerAt } from './support/seeds.ts'

const key = at(1)

function saidOf(verdict: ChallengeVerdict, about: typeof key): 'proved' | 'failed' | undefined {
  const { proved, failed } = keyVerdicts(verdict, [key, at(2)])
  assert.ok(!(proved.includes(about) && failed.includes(about)))
  if (proved.includes(about)) return 'proved'
  return failed.includes(about) ? 'failed' : undefined
}

test('28.6 possession: each verdict, what follows for the peer, and for the key', () => {
  const failed = { failure: true, claim: 'clear' }
  const fine = { failure: false, claim: 'clear' }
  const rows: [ChallengeVerdict, object, 'proved' | 'failed' | undefined][] = [
    [{ kind: 'pass', proved: [key] }, fine, 'proved'],
    [{ kind: 'idle' }, fine, undefined],
    [{ kind: 'unheard' }, { failure: false, claim: 'keep' }, undefined],
    [{ kind: 'failed', failures: [{ key }], proved: [] }, failed, 'failed'],
    [{ kind: 'malformed' }, failed, 'failed'],
    [{ kind: 'rejected' }, failed, 'failed'],
    [{ kind: 'bootstrapping' }, { failure: false, claim: 'observe' }, undefined],
    [{ kind: 'timeout' }, { failure: true, claim: 'keep' }, 'failed'],
  ]
  for (const [verdict, consequence, said] of rows) {
    assert.deepEqual(possessionConsequence(verdict), consequence, verdict.kind)
    assert.equal(saidOf(verdict, key), said, verdict.kind)
  }
  assert.equal(saidOf({ kind: 'failed', failures: [{ key: at(2) }], proved: [key] }, key), 'proved')
  // Our own copy could not be read to compare with: nothing is known of the peer's.
  assert.equal(saidOf({ kind: 'failed', failures: [{ key: at(2) }], proved: [] }, key), undefined)
  assert.equal(saidOf({ kind: 'pass', proved: [at(2)] }, key), undefined)
})

test('28.1 checks come due inside 5 to 15 min in the order of their time, and are bounded', () => {
  forSeeds(10, (random) => {
    const schedule = new PossessionSchedule({ ...options, possessionWaiting: 50 })
    const added = many(80, () => schedule.add({ key: address(random), peers: [peerAt(1)] }, 0, random))
    assert.equal(added.filter(Boolean).length, 50)
    assert.deepEqual(schedule.takeDue(5 * minute - 1, 10), [])
    assert.equal(schedule.takeDue(15 * minute, 20).length, 20)
    assert.equal(schedule.takeDue(15 * minute, 100).length, 30)
    assert.deepEqual([schedule.size, schedule.nextAt], [0, undefined])
    assert.equal(schedule.add({ key: at(1), peers: [] }, 0, random), false)
  })
})
