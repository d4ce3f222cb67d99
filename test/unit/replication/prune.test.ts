import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, day, hour, minute, randomBelow } from '../../../src/base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { PaidPrune, paidConfirmationsNeeded } from '../../../src/replication/prune/prune-paid.ts'
import { type PruneChallenge, proofsNeeded, RecordPrune } from '../../../src/replication/prune/prune-records.ts'
import { HintIndex } from '../../../src/replication/view/hint-index.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { address, at, forSeeds, many, peerAt, peerId } from './support/seeds.ts'
import { Timers } from './support/timers.ts'

const key = at(0)
/** For keys near 00 self stands behind `closer` others, with some more behind it. */
const viewOf = (closer: number, behind = 0) =>
  new OwnView(peerAt(0x70), [
    ...many(closer, () => 0).map((_, i) => peerAt(i + 1)),
    ...many(behind, () => 0).map((_, i) => peerAt(i + 0x80)),
  ])
const uncommitted = (_key: ChunkAddress) => false

function open(keys: readonly ChunkAddress[] = [key], overrides = {}) {
  const index = new HintIndex()
  for (const each of keys) index.add(each, 'stored')
  const timers = new Timers()
  const prune = new RecordPrune({ ...options, ...overrides }, timers)
  const keysAfter = (after: ChunkAddress | undefined, limit: number) => index.keysAfter(after, 'stored', limit)
  const plan = (view: OwnView, now: number, { drained = true, committed = uncommitted } = {}) =>
    atOnce(
      prune.plan(keysAfter, () => Math.max(1, Math.floor(Math.sqrt(index.count('stored')))), drained, {
        view,
        now,
        committed,
      }),
    )
  const settle = (view: OwnView, now: number, committed: (key: ChunkAddress) => boolean = uncommitted) =>
    atOnce(prune.settle({ view, now, committed }))
  return { index, timers, prune, plan, settle }
}
const judge = (prune: RecordPrune, challenge: PruneChallenge, proved: boolean) =>
  prune.judged(
    challenge,
    proved
      ? { kind: 'pass', proved: challenge.keys }
      : { kind: 'failed', failures: challenge.keys.map((key) => ({ key })), proved: [] },
  )

test('scenario 13 and 50: nothing is deleted before 3 days out of range, fast delete included', () => {
  for (const closer of [9, 20]) {
    const { plan, settle } = open()
    const view = viewOf(closer)
    for (const now of [0, day, 3 * day - 1]) {
      assert.deepEqual(plan(view, now), [])
      assert.deepEqual(settle(view, now).deletable, [])
    }
    const challenged = plan(view, 3 * day).length
    assert.deepEqual([challenged, settle(view, 3 * day).deletable], closer === 20 ? [0, [key]] : [7, []])
  }
})

test('28.1 fast delete: 20 closer members and 3 days, no audit; not when the 20th is missing', () => {
  const { plan, settle } = open()
  plan(viewOf(20), 0)
  assert.deepEqual(plan(viewOf(20), 3 * day), [])
  assert.deepEqual(settle(viewOf(19), 3 * day).deletable, [], 'judged anew at the end')
  assert.deepEqual(plan(viewOf(19, 10), 3 * day).length, 7)
})

test('28.1 prune confirmation: at exactly n-1 proofs deleted, one below kept; nothing without proofs', () => {
  for (const [proofs, deleted] of [
    [0, false],
    [5, false],
    [6, true],
    [7, true],
  ] as const) {
    const { plan, settle, prune } = open()
    const view = viewOf(12)
    plan(view, 0)
    const challenges = plan(view, 3 * day)
    for (const [i, challenge] of challenges.entries()) judge(prune, challenge, i < proofs)
    const verdict = settle(view, 3 * day)
    assert.deepEqual(verdict.deletable, deleted ? [key] : [])
    assert.equal(verdict.failures.length, 7 - proofs)
  }
  assert.deepEqual([0, 1, 2, 3, 7].map(proofsNeeded), [0, 1, 2, 2, 6])
})

test('28.6 proofs of peers that left the group do not count, a peer counts once', () => {
  const { plan, settle, prune } = open()
  plan(viewOf(12), 0)
  const challenges = plan(viewOf(12), 3 * day)
  for (const challenge of challenges.slice(0, 6)) {
    judge(prune, challenge, true)
    judge(prune, challenge, true)
  }
  const others = new OwnView(
    peerAt(0x70),
    many(12, () => 0).map((_, i) => peerAt(i + 3)),
  )
  assert.deepEqual(settle(others, 3 * day).deletable, [])
  assert.deepEqual(settle(viewOf(12), 3 * day).deletable, [key])
})

test('28.1 prune veto: a committed key is kept, its timer runs on', () => {
  const { plan, settle } = open()
  const committed = (each: ChunkAddress) => each === key
  plan(viewOf(20), 0, { committed })
  plan(viewOf(20), 4 * day, { committed })
  assert.deepEqual(settle(viewOf(20), 4 * day).deletable, [])
  plan(viewOf(20), 5 * day)
  assert.deepEqual(settle(viewOf(20), 5 * day, committed).deletable, [], 'committed meanwhile')
  assert.deepEqual(settle(viewOf(20), 5 * day).deletable, [key])
})

test('12.2 a node that is not drained audits nobody and deletes nothing, but timers run', () => {
  const { plan, settle } = open()
  plan(viewOf(20), 0, { drained: false })
  plan(viewOf(20), 3 * day, { drained: false })
  assert.deepEqual(settle(viewOf(20), 3 * day).deletable, [])
  plan(viewOf(20), 3 * day)
  assert.deepEqual(settle(viewOf(20), 3 * day).deletable, [key])
})

test('scenario 51: back in range clears the timer; leaving again starts at zero', () => {
  const { plan, settle, timers } = open()
  plan(viewOf(20), 0)
  plan(viewOf(8), 2 * day)
  assert.ok(!timers.running('record', key))
  plan(viewOf(20), 3 * day)
  assert.deepEqual([settle(viewOf(20), 3 * day).deletable, timers.running('record', key)], [[], true])
  plan(viewOf(20), 6 * day)
  assert.deepEqual(settle(viewOf(20), 6 * day).deletable, [key])
})

test('scenario 19 and 53: a failure once a pass, only of peers still in the 7 closest; timeouts too; claims to the tracker', () => {
  const keys = [at(0, '00'), at(0, '01'), at(0, '02')]
  const { plan, settle, prune } = open(keys)
  plan(viewOf(12), 0)
  const challenges = plan(viewOf(12), 3 * day)
  const [first, second, third, fourth] = viewOf(12).closest(keyOf(key), 4) as [PeerId, PeerId, PeerId, PeerId]
  for (const challenge of challenges) {
    if (challenge.peer === first) judge(prune, challenge, false)
    if (challenge.peer === second) prune.judged(challenge, { kind: 'timeout' })
    if (challenge.peer === third) prune.judged(challenge, { kind: 'bootstrapping' })
    if (challenge.peer === fourth) judge(prune, challenge, true)
  }
  const verdict = settle(viewOf(12), 3 * day)
  assert.deepEqual(verdict, { deletable: [], failures: [first, second], claims: [third], answered: [first, fourth] })
  const without = new OwnView(
    peerAt(0x70),
    viewOf(12).peers.filter((peer) => peer !== first),
  )
  assert.deepEqual(settle(without, 3 * day).failures, [second])
})

test('budgets: keys a challenge, requests and keys a pass; the cursor moves past what it saw, every key has its turn', () => {
  forSeeds(5, (random) => {
    const self = peerId(random)
    const view = new OwnView(
      self,
      many(60, () => peerId(random)),
    )
    const keys = many(2000, () => address(random))
    const limits = { pruneKeys: 100, pruneRequests: 40, pruneScan: 300 }
    const { plan, timers } = open(keys, limits)
    // The view has no 20 closer members for keys near self only: shrink the width of the fast rule out of the way.
    const seen = new Set<ChunkAddress>()
    for (let pass = 0; pass < 8; pass++) plan(view, pass * minute)
    const out = keys.filter((each) => view.rank(keyOf(each), self) >= 9)
    assert.ok(
      out.every((each) => timers.running('record', each)),
      'each key was looked at',
    )
    for (let pass = 0; pass < 40; pass++) {
      const challenges = plan(view, 4 * day + pass * minute)
      assert.ok(challenges.length <= 40)
      for (const challenge of challenges) {
        assert.ok(challenge.keys.length > 0 && challenge.keys.length <= 44)
        for (const each of challenge.keys) seen.add(each)
      }
    }
    const near = out.filter((each) => view.rank(keyOf(each), self) < 20)
    assert.ok(near.length > 0 && [...seen].every((each) => near.includes(each)))
    assert.ok(seen.size >= Math.min(near.length, 100))
  })
})

test('budgets are met exactly: 7 targets need 7 requests; 2 keys of a pass; a pass that has its keys goes on with timers', () => {
  const keys = many(10, () => 0).map((_, i) => at(0, `0${i}`))
  const count = (limits: object) => {
    const { plan, timers } = open(keys, limits)
    plan(viewOf(12), 0)
    const challenges = plan(viewOf(12), 3 * day)
    assert.ok(keys.every((each) => timers.running('record', each)))
    return [challenges.length, new Set(challenges.flatMap((challenge) => challenge.keys)).size]
  }
  // Of 10 keys a challenge takes 3.
  assert.deepEqual(count({ pruneRequests: 7 }), [7, 3])
  assert.deepEqual(count({ pruneRequests: 6 }), [0, 0])
  assert.deepEqual(count({ pruneRequests: 28 }), [28, 10])
  assert.deepEqual(count({ pruneKeys: 2 }), [7, 2])
})

test('a failure of the eighth closest is none, of the seventh one', () => {
  for (const [joined, punished] of [
    [1, false],
    [0, true],
  ] as const) {
    const { plan, settle, prune } = open()
    const others = many(12, () => 0).map((_, i) => peerAt(i + 2))
    const view = new OwnView(peerAt(0x70), others)
    plan(view, 0)
    const challenges = plan(view, 3 * day)
    const seventh = view.closest(keyOf(key), 7)[6] as PeerId
    for (const challenge of challenges) judge(prune, challenge, challenge.peer !== seventh)
    const later = new OwnView(peerAt(0x70), [...others, ...(joined ? [peerAt(1)] : [])])
    assert.deepEqual(settle(later, 3 * day).failures, punished ? [seventh] : [])
  }
})

test('no key ever goes without reason, whatever the views do', () => {
  forSeeds(30, (random) => {
    const self = peerId(random)
    const crowd = many(40, () => peerId(random))
    const keys = many(60, () => address(random))
    const { plan, settle, prune, index } = open(keys)
    let others = crowd.slice()
    const outSince = new Map<ChunkAddress, number>()
    let now = 0
    for (let pass = 0; pass < 60; pass++) {
      now += randomBelow(random, 20) * hour
      if (randomBelow(random, 4) === 0) others = crowd.filter(() => randomBelow(random, 5) > 0)
      const view = new OwnView(self, others)
      for (const each of keys) {
        if (view.rank(keyOf(each), self) < 9) outSince.delete(each)
        else if (!outSince.has(each)) outSince.set(each, now)
      }
      const proofs = new Map<ChunkAddress, number>()
      for (const challenge of plan(view, now)) {
        const proved = randomBelow(random, 10) > 0
        judge(prune, challenge, proved)
        if (proved) for (const each of challenge.keys) proofs.set(each, (proofs.get(each) ?? 0) + 1)
      }
      for (const each of settle(view, now).deletable) {
        assert.ok(now - (outSince.get(each) ?? now) >= 3 * day)
        assert.ok(view.rank(keyOf(each), self) >= 20 || (proofs.get(each) ?? 0) >= 6)
        index.remove(each, 'stored')
      }
    }
  })
})

function openPaid(keys: readonly ChunkAddress[] = [key], overrides = {}) {
  const index = new HintIndex()
  for (const each of keys) index.add(each, 'paid')
  const timers = new Timers()
  const prune = new PaidPrune({ ...options, ...overrides }, timers)
  const keysAfter = (after: ChunkAddress | undefined, limit: number) => index.keysAfter(after, 'paid', limit)
  return {
    prune,
    timers,
    plan: (view: OwnView, now: number, drained = true) => atOnce(prune.plan(keysAfter, drained, view, now)),
  }
}

test('scenario 23 and 28.1: a paid entry goes after 3 days out of 20 with 15 of 20 confirmations, 14 keep it', () => {
  assert.deepEqual([1, 4, 8, 20].map(paidConfirmationsNeeded), [1, 3, 6, 15])
  for (const confirmations of [14, 15]) {
    const { plan, prune } = openPaid()
    const view = viewOf(20)
    assert.deepEqual(plan(view, 0), [])
    assert.deepEqual(plan(view, 3 * day, false), [])
    const questions = plan(view, 3 * day)
    assert.equal(questions.length, 20)
    for (const [i, { peer, keys, paidListCheckIndices }] of questions.entries()) {
      assert.deepEqual([keys, paidListCheckIndices], [[key], [0]])
      prune.answered(peer, i < confirmations ? [{ key, present: false, paid: true }] : undefined)
    }
    assert.deepEqual(prune.settle(view, 3 * day), confirmations === 15 ? [key] : [])
    assert.deepEqual(prune.settle(viewOf(19), 3 * day), [], 'back in the group meanwhile')
  }
})

test('paid entries: 32 and 32 distinct peers a pass, overlapping groups share the peers', () => {
  forSeeds(10, (random) => {
    const keys = many(
      200,
      (): ChunkAddress => (randomBelow(random, 2) === 0 ? at(0, address(random).slice(0, 2)) : address(random)),
    )
    const view = new OwnView(
      peerId(random),
      many(200, () => peerId(random)),
    )
    const { plan } = openPaid(keys)
    plan(view, 0)
    const questions = plan(view, 3 * day)
    assert.ok(questions.length <= 32 && questions.length >= 20)
    assert.ok(new Set(questions.flatMap((question) => question.keys)).size <= 32)
  })
})

test('paid entries: exactly 32 peers are asked when that many are wanted, and each key has its turn', () => {
  const view = viewOf(22)
  const few = openPaid([key], { paidPrunePeers: 20 })
  few.plan(view, 0)
  assert.equal(few.plan(view, 3 * day).length, 20)
  const none = openPaid([key], { paidPrunePeers: 19 })
  none.plan(view, 0)
  assert.equal(none.plan(view, 3 * day).length, 0)
  const keys = many(9, () => 0).map((_, i) => at(0, `0${i}`))
  const { plan } = openPaid(keys, { pruneScan: 4 })
  for (let pass = 0; pass < 3; pass++) plan(view, 0)
  const asked = many(3, () => new Set(plan(view, 3 * day).flatMap((question) => question.keys)).size)
  assert.deepEqual(asked, [4, 4, 1])
})

test('scenario 52: record and paid timers do not influence each other; a deleted record starts the paid one', () => {
  const { prune, timers, plan } = open()
  plan(viewOf(22), 0)
  assert.deepEqual([timers.running('record', key), timers.running('paid', key)], [true, false])
  prune.deleted(key, true, 4 * day)
  assert.deepEqual([timers.running('record', key), timers.out('paid', key, 5 * day)], [false, day])
  prune.deleted(at(7), false, 4 * day)
  assert.equal(timers.running('paid', at(7)), false, 'no timer for what is not listed')
})

test('what is deletable is judged once more at its turn: members die and commitments are made meanwhile', () => {
  for (const closer of [9, 20]) {
    const { plan, settle, prune } = open()
    plan(viewOf(closer), 0)
    for (const challenge of plan(viewOf(closer), 3 * day)) judge(prune, challenge, true)
    assert.deepEqual(settle(viewOf(closer), 3 * day).deletable, [key])
    const facts = { view: viewOf(closer), now: 3 * day, committed: uncommitted }
    assert.equal(prune.mayStillGo(key, facts), true)
    assert.equal(prune.mayStillGo(key, { ...facts, committed: () => true }), false)
    assert.equal(prune.mayStillGo(key, { ...facts, view: viewOf(8) }), false, 'we are among the nine again')
  }
})
