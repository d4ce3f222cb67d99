import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { decide, type PaidVotes, paidNeeded, quorumNeeded } from '../../../src/replication/verify/quorum.ts'
import { forSeeds } from './support/seeds.ts'

const noPresence = { targets: 0, positive: 0, unresolved: 0 }
const paidOf = (votes: Partial<PaidVotes>): PaidVotes => ({
  ...{ members: 0, confirmed: 0, unresolved: 0, edge: 0, edgeConfirmed: 0, edgeUnresolved: 0 },
  ...votes,
})

test('scenario 28: quorum_needed: 3 targets need 2, 7 need 4, none need none', () => {
  const needed = [0, 1, 2, 3, 4, 5, 6, 7, 20].map((targets) => quorumNeeded(targets, options))
  assert.deepEqual(needed, [0, 1, 2, 2, 3, 3, 4, 4, 4])
})

test('scenario 26: small paid group: 8 members need 5', () => {
  const decided = (confirmed: number) => decide(noPresence, paidOf({ members: 8, confirmed, unresolved: 0 }), options)
  assert.equal(decided(4), 'quorumFailed')
  assert.equal(decided(5), 'paidListVerified')
  assert.deepEqual(
    [1, 2, 3, 4, 5, 8, 19].map((members) => paidNeeded(members, 0, options)),
    [1, 2, 3, 3, 3, 5, 10],
  )
})

test('edge members count only when they confirm: a full group needs 9 without, 11 with all four', () => {
  const full = (confirmed: number, edgeConfirmed: number) =>
    decide(noPresence, paidOf({ members: 20, edge: 4, confirmed, edgeConfirmed }), options)
  assert.equal(full(8, 0), 'quorumFailed')
  assert.equal(full(9, 0), 'paidListVerified')
  assert.equal(full(10, 4), 'quorumFailed')
  assert.equal(full(11, 4), 'paidListVerified')
})

test('unreachable members stay in the denominator; edge members that may still confirm count as yes', () => {
  const silent = (confirmed: number, unresolved: number, edgeUnresolved: number) =>
    decide(noPresence, paidOf({ members: 20, edge: 4, confirmed, unresolved, edgeUnresolved }), options)
  assert.equal(silent(8, 11, 4), 'quorumInconclusive')
  assert.equal(silent(8, 1, 0), 'quorumInconclusive')
  // 6 + 4 = 10 confirmations, but with the edge 11 are needed.
  assert.equal(silent(6, 4, 4), 'quorumFailed')
  assert.equal(silent(7, 4, 4), 'quorumInconclusive')
})

test('presence beats paid when both hold; nobody to ask and nobody paid is a failure', () => {
  const both = paidOf({ members: 8, confirmed: 8 })
  assert.equal(decide({ targets: 6, positive: 4, unresolved: 0 }, both, options), 'quorumVerified')
  assert.equal(decide({ targets: 6, positive: 3, unresolved: 0 }, both, options), 'paidListVerified')
  assert.equal(decide(noPresence, paidOf({}), options), 'quorumFailed')
  assert.equal(decide(noPresence, paidOf({ members: 1, confirmed: 1 }), options), 'paidListVerified')
})

test('scenario 16: what may still pass is inconclusive, and an answer never turns failed into verified', () => {
  assert.equal(
    decide({ targets: 6, positive: 0, unresolved: 6 }, paidOf({ members: 8 }), options),
    'quorumInconclusive',
  )
  assert.equal(
    decide({ targets: 6, positive: 2, unresolved: 2 }, paidOf({ members: 8 }), options),
    'quorumInconclusive',
  )
  assert.equal(decide({ targets: 6, positive: 2, unresolved: 1 }, paidOf({ members: 8 }), options), 'quorumFailed')
  forSeeds(300, (random) => {
    // Answers come in one by one; the verdict may only move from inconclusive to something final.
    const targets = randomBelow(random, 8)
    const members = 1 + randomBelow(random, 20)
    const edge = members === 20 ? 4 : 0
    let presence = { targets, positive: 0, unresolved: targets }
    let paid = paidOf({ members, edge, unresolved: members - 1, edgeUnresolved: edge })
    let verdict = decide(presence, paid, options)
    while (presence.unresolved > 0 || paid.unresolved > 0) {
      const yes = randomBelow(random, 2)
      if (presence.unresolved > 0 && randomBelow(random, 2) === 0)
        presence = { ...presence, unresolved: presence.unresolved - 1, positive: presence.positive + yes }
      else if (paid.unresolved > 0) {
        const atEdge = paid.edgeUnresolved > 0 && randomBelow(random, paid.unresolved) < paid.edgeUnresolved ? 1 : 0
        paid = {
          ...{ members, edge, unresolved: paid.unresolved - 1, confirmed: paid.confirmed + yes },
          edgeUnresolved: paid.edgeUnresolved - atEdge,
          edgeConfirmed: paid.edgeConfirmed + yes * atEdge,
        }
      }
      const next = decide(presence, paid, options)
      if (verdict === 'quorumFailed') assert.equal(next, 'quorumFailed')
      if (verdict === 'quorumVerified') assert.equal(next, 'quorumVerified')
      verdict = next
    }
    assert.notEqual(verdict, 'quorumInconclusive')
  })
})
