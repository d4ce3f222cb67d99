import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../../../src/base/index.ts'
import type { AuditResult } from '../../../src/protocol/index.ts'
import {
  type ChallengeAnswer,
  gradeChallenge,
  possessionConsequence,
} from '../../../src/replication/challenge-grade.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { PossessionSchedule } from '../../../src/replication/possession-schedule.ts'
import { address, at, forSeeds, many, peerAt } from './support/seeds.ts'

const right = new Uint8Array(32).fill(7)
const zero = new Uint8Array(32)
const sent = { challengeId: 5n, expected: [right] }
const digests = (...list: Uint8Array[]): AuditResult => ({ kind: 'digests', challengeId: 5n, digests: list })
const consequence = (answer: ChallengeAnswer) => possessionConsequence(gradeChallenge(sent, answer))

test('28.6 possession: each answer and what follows', () => {
  const failed = { failure: true, claim: 'clear' }
  const rows: [string, ChallengeAnswer, object][] = [
    ['matching digest', digests(right), { failure: false, claim: 'clear' }],
    ['zero digest', digests(zero), failed],
    ['forged digest', digests(right.map((byte) => byte ^ 1)), failed],
    ['wrong id', { ...digests(right), challengeId: 6n }, failed],
    ['wrong arity', digests(right, right), failed],
    ['no digests', digests(), failed],
    ['short digest', digests(right.slice(0, 31)), failed],
    ['rejected', { kind: 'rejected', challengeId: 5n, reason: '' }, failed],
    ['bootstrapping with the wrong id', { kind: 'bootstrapping', challengeId: 6n }, failed],
    ['malformed', 'malformed', failed],
    ['bootstrapping', { kind: 'bootstrapping', challengeId: 5n }, { failure: false, claim: 'observe' }],
    ['timeout', 'timeout', { failure: true, claim: 'keep' }],
  ]
  for (const [name, answer, expected] of rows) assert.deepEqual(consequence(answer), expected, name)
})

test('scenario 54: several keys give verdicts for each; a key we cannot read ourselves grades nobody', () => {
  const grade = gradeChallenge({ challengeId: 5n, expected: [right, right, undefined] }, digests(right, zero, zero))
  assert.deepEqual(grade, { kind: 'digests', verdicts: ['proved', 'wrong', 'unknown'] })
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
