/** When subtree audits start, and what their outcomes cost. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { hour, minute, type Random, second, seededRandom } from '../../../src/base/index.ts'
import { type PeerId, peerIdOf } from '../../../src/protocol/index.ts'
import { printedSeed } from './world.ts'

const random = seededRandom(printedSeed('audit triggers'))
const peers = (count: number): PeerId[] => Array.from({ length: count }, () => peerIdOf(random.bytes(32)))
/** Dice that always show the same. */
const always = (value: number): Random => ({ bytes: random.bytes, uint32: () => value * 2 ** 32, float: () => value })
const NOW = 1_800_000_000_000

describe('gossip', () => {
  const scene = () => {
    const launches = new audit.LaunchStamps()
    return { launches, trigger: new audit.GossipTrigger(launches), peer: peers(1)[0] as PeerId }
  }
  test('one try a window: losing the lottery uses it up', () => {
    const { trigger, peer } = scene()
    assert.equal(trigger.audits(peer, 0, always(0.2)), false)
    for (let now = 1; now < 30 * minute; now += minute) assert.equal(trigger.audits(peer, now, always(0)), false)
    assert.equal(trigger.audits(peer, 30 * minute, always(0.19)), true)
  })
  test('launches are thirty minutes apart, whoever made the last one', () => {
    const { trigger, launches, peer } = scene()
    assert.ok(launches.take(peer, 20 * minute))
    assert.equal(trigger.audits(peer, 40 * minute, always(0)), false)
    assert.ok(trigger.audits(peer, 70 * minute, always(0)))
    assert.equal(launches.take(peer, 99 * minute), false)
    assert.ok(launches.take(peer, 100 * minute))
  })
  test('about one in five', () => {
    const { trigger } = scene()
    const hits = peers(3000).filter((peer) => trigger.audits(peer, 0, random)).length
    assert.ok(hits > 450 && hits < 750, `${hits} of 3000`)
  })
})

describe('first audits', () => {
  const nomination = (peer: PeerId, keyCount = 10, quotedAt = NOW): audit.Nomination => ({
    peer,
    pin: audit.pinOf(random.bytes(32)),
    keyCount,
    quotedAt,
  })
  const scene = () => {
    const launches = new audit.LaunchStamps()
    const first = new audit.FirstAudits(NOW, launches)
    const launch = (now: number) => {
      const next = first.next(now, random)
      return next.kind === 'launch' ? next.nomination.peer : next
    }
    return { launches, first, launch }
  }
  test('two at once, then one every five minutes, two in flight', () => {
    const { first, launch } = scene()
    const all = peers(5)
    for (const peer of all) assert.ok(first.nominate(nomination(peer), NOW, random))
    assert.equal(launch(NOW), all[4])
    assert.equal(launch(NOW), all[0])
    assert.deepEqual(launch(NOW), { kind: 'wait', ms: minute }, 'two are in flight')
    first.finished(all[4] as PeerId)
    assert.deepEqual(launch(NOW), { kind: 'wait', ms: 5 * minute })
    assert.equal(launch(NOW + 5 * minute), all[3], 'newest and oldest in turn')
    first.finished(all[0] as PeerId)
    assert.equal(launch(NOW + 10 * minute), all[1])
    assert.equal(first.inFlight, 2)
  })
  test('idle without nominations; starts after up to thirty seconds', () => {
    const { first, launch } = scene()
    assert.deepEqual(launch(NOW), { kind: 'idle' })
    const delays = new Set<number>()
    for (const peer of peers(20)) {
      const fresh = new audit.FirstAudits(NOW, new audit.LaunchStamps())
      fresh.nominate(nomination(peer), NOW, random)
      const next = fresh.next(NOW, random)
      assert.ok(next.kind === 'launch' && next.delayMs >= 0 && next.delayMs < 30 * second)
      delays.add(next.delayMs)
    }
    assert.ok(delays.size > 15)
    assert.equal(first.queued, 0)
  })
  test('quotes of another time are ignored, also those that aged in the queue', () => {
    const { first, launch } = scene()
    const [a, b, c, d, e] = peers(5) as [PeerId, PeerId, PeerId, PeerId, PeerId]
    assert.equal(first.nominate(nomination(a, 10, NOW + 30 * minute + 1), NOW, random), false)
    assert.ok(first.nominate(nomination(b, 10, NOW + 30 * minute), NOW, random))
    assert.equal(first.nominate(nomination(c, 10, NOW - 2.5 * hour), NOW, random), false)
    assert.ok(first.nominate(nomination(d, 10, NOW - 2.5 * hour + 1), NOW, random))
    assert.ok(first.nominate(nomination(e), NOW, random))
    assert.equal(launch(NOW + 1), e)
    assert.equal(launch(NOW + 1), b, 'the oldest one aged away')
    assert.equal(first.queued, 0)
  })
  test('one a peer: the higher count wins', () => {
    const { first } = scene()
    const [peer] = peers(1) as [PeerId]
    assert.ok(first.nominate(nomination(peer, 10), NOW, random))
    assert.equal(first.nominate(nomination(peer, 10), NOW, random), false)
    assert.equal(first.nominate(nomination(peer, 9), NOW, random), false)
    const higher = nomination(peer, 11)
    assert.ok(first.nominate(higher, NOW, random))
    assert.equal(first.queued, 1)
    const next = first.next(NOW, random)
    assert.ok(next.kind === 'launch')
    assert.equal(next.nomination.pin, higher.pin)
    // It counts as new from then on.
    const [a, b] = peers(2) as [PeerId, PeerId]
    for (const [of, count] of [
      [a, 10],
      [b, 10],
      [a, 20],
    ] as const)
      first.nominate(nomination(of, count), NOW, random)
    first.finished(peer)
    assert.deepEqual(
      [first.next(NOW, random)].map((it) => it.kind === 'launch' && it.nomination.peer),
      [b],
      'the oldest',
    )
  })
  test('thirty-one peers wait; beyond that one goes by chance, and the one that came stays', () => {
    const evicted = new Set<number>()
    for (let run = 0; run < 200; run++) {
      const { first } = scene()
      const all = peers(32)
      for (const peer of all) first.nominate(nomination(peer), NOW, random)
      assert.equal(first.queued, 31)
      // Who is still queued refuses the same count again.
      const gone = all.findIndex((peer) => first.nominate(nomination(peer, 10), NOW, random))
      assert.notEqual(gone, 31)
      evicted.add(gone)
    }
    assert.ok(evicted.size > 20, `${evicted.size} different places`)
  })
  test('not again within two hours, unless the count grew by more than half', () => {
    const { first, launch } = scene()
    const [peer] = peers(1) as [PeerId]
    first.nominate(nomination(peer, 100), NOW, random)
    assert.equal(launch(NOW), peer)
    first.finished(peer)
    const later = (ms: number, count: number) => first.nominate(nomination(peer, count, NOW + ms), NOW + ms, random)
    assert.equal(later(hour, 150), false)
    assert.ok(later(hour, 151))
    assert.equal(launch(NOW + hour), peer)
    first.finished(peer)
    assert.equal(later(3 * hour - 1, 151), false)
    assert.ok(later(3 * hour, 1))
  })
  test('a peer that was audited by gossip waits for its spacing while others go on', () => {
    const { first, launches, launch } = scene()
    const [a, b] = peers(2) as [PeerId, PeerId]
    launches.take(b, NOW)
    first.nominate(nomination(a), NOW, random)
    first.nominate(nomination(b), NOW, random)
    assert.equal(launch(NOW), a)
    first.finished(a)
    assert.deepEqual(launch(NOW), { kind: 'wait', ms: minute })
    assert.equal(first.queued, 1)
    assert.equal(launch(NOW + 30 * minute), b)
    assert.equal(launches.allows(a, NOW + 30 * minute - 1), false, 'its own launches are stamped too')
  })
})

describe('grading', () => {
  const grade = (round: 1 | 2, kind: string) =>
    audit.gradeSubtreeAudit({ round, verdict: { kind, fault: 'root' } } as audit.SubtreeOutcome)
  const table: readonly [1 | 2, string, audit.SubtreeGrade['trust'], number, audit.SubtreeGrade['credit']][] = [
    [2, 'pass', 'success', 1, 'record'],
    [1, 'silent', 'none', 0, 'keep'],
    [1, 'transient', 'none', 0, 'revokePin'],
    [1, 'unknownCommitment', 'failure', 5, 'dropAll'],
    [1, 'protocol', 'failure', 5, 'dropAll'],
    [1, 'commitment', 'failure', 5, 'dropAll'],
    [1, 'structure', 'failure', 5, 'dropAll'],
    [1, 'malformed', 'failure', 5, 'dropAll'],
    [1, 'bootstrapping', 'none', 0, 'keep'],
    [2, 'silent', 'none', 0, 'revokePin'],
    [2, 'transient', 'none', 0, 'revokePin'],
    [2, 'unknownCommitment', 'failure', 5, 'dropAll'],
    [2, 'protocol', 'failure', 5, 'dropAll'],
    [2, 'bootstrapping', 'failure', 5, 'dropAll'],
    [2, 'keyAbsent', 'failure', 5, 'dropAll'],
    [2, 'digestMismatch', 'failure', 5, 'dropAll'],
    [2, 'malformed', 'failure', 5, 'dropAll'],
  ]
  for (const [round, kind, trust, weight, credit] of table) {
    test(`round ${round}: ${kind}`, () => {
      const { claim, ...rest } = grade(round, kind)
      assert.deepEqual(rest, { trust, weight, credit })
      const answered = trust !== 'none'
      assert.equal(claim, round === 1 && kind === 'bootstrapping' ? 'observe' : answered ? 'clear' : 'keep')
    })
  }
})
