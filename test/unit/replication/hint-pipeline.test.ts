import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, hour, minute, randomBelow, second } from '../../../src/base/index.ts'
import type { ChunkAddress, PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS } from '../../../src/replication/options.ts'
import { type Facts, HintPipeline, type PipelineOptions } from '../../../src/replication/verify/hint-pipeline.ts'
import type { KeyResult } from '../../../src/replication/verify/verification-round.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

const [ALICE, BOB] = [peerAt(0x81), peerAt(0x82)]
/** Keys near 00 have self at the given rank. */
function world(rank: number, overrides: Partial<PipelineOptions> = {}) {
  const others = many(30, () => 0).map((_, i) => peerAt(i < rank ? i + 1 : i + 0x40))
  const self = peerAt(0x3f)
  const stored = new Set<ChunkAddress>()
  const paid = new Set<ChunkAddress>()
  const facts = {
    view: new OwnView(self, others),
    stored: (key: ChunkAddress) => stored.has(key),
    paid: (key: ChunkAddress) => paid.has(key),
    full: false,
    suspected: () => false,
  } satisfies Facts
  const pipeline = new HintPipeline(self, { ...REPLICATION_DEFAULTS, ...overrides })
  const hint = (source: PeerId, replica: ChunkAddress[], paidKeys: ChunkAddress[] = [], now = 0) =>
    pipeline.hint(source, { replica, paid: paidKeys }, facts, now)
  const result = (
    key: ChunkAddress,
    verdict: KeyResult['result'],
    sources: PeerId[] = [ALICE],
    counts: Partial<KeyResult> = {},
  ): KeyResult => ({
    ...{ key, result: verdict, sources, holders: sources.length, absent: 0, silent: 0, nearer: 0, unheard: 0 },
    ...counts,
  })
  return { pipeline, facts, stored, paid, hint, result }
}
const key = at(0)

test('a key that waits for busy sources is startable when one more peer hints it', () => {
  const { pipeline, facts, hint, result } = world(3)
  const keys = [at(0, '00'), at(0, '01'), at(0, '02')]
  hint(ALICE, keys)
  atOnce(pipeline.startRound(facts, 0))
  for (const each of keys) pipeline.decided(result(each, 'quorumVerified'), facts, 1)
  // Alice serves two at once; the third waits for her.
  for (let fetch = pipeline.nextFetch(facts, 1); fetch; fetch = pipeline.nextFetch(facts, 1));
  const fetching = keys.filter((each) => !pipeline.fetches.drop(each))
  assert.equal(fetching.length, 2)
  const waits = keys.find((each) => !fetching.includes(each)) as ChunkAddress
  hint(ALICE, [waits])
  atOnce(pipeline.startRound(facts, 2))
  pipeline.decided(result(waits, 'quorumVerified'), facts, 2)
  assert.equal(pipeline.nextFetch(facts, 2), undefined)
  assert.deepEqual(hint(BOB, [waits]), { admitted: [], ignored: 0, overCapacity: 0, startable: 1 })
  assert.deepEqual(pipeline.nextFetch(facts, 2), { key: waits, source: BOB, extended: false })
  assert.equal(hint(BOB, [fetching[0] as ChunkAddress]).startable, 0, 'it is under way')
})

test('scenario 3: unknown key, quorum passes: pending, verifying, queued, fetching, stored; learnt as paid', () => {
  const { pipeline, facts, hint, result } = world(3)
  assert.deepEqual(hint(ALICE, [key]), { admitted: [key], ignored: 0, overCapacity: 0, startable: 0 })
  const keys = atOnce(pipeline.startRound(facts, 0))
  assert.deepEqual(keys, [
    { key, paidLocally: false, held: false, counted: false, hinters: [{ peer: ALICE, replica: true }] },
  ])
  const decided = pipeline.decided(result(key, 'quorumVerified'), facts, 1)
  assert.deepEqual(decided, { learnPaid: true, lost: false, next: 'fetch' })
  const fetch = pipeline.nextFetch(facts, 1)
  assert.deepEqual(fetch, { key, source: ALICE, extended: false })
  assert.equal(pipeline.fetched({ key, source: ALICE, extended: false }, 'stored', 2), false)
  assert.ok(!pipeline.has(key))
})

test('scenario 4 and 22: a failed quorum removes the entry and fetches nothing', () => {
  const { pipeline, facts, hint, result } = world(3)
  hint(ALICE, [key])
  atOnce(pipeline.startRound(facts, 0))
  assert.deepEqual(pipeline.decided(result(key, 'quorumFailed'), facts, 1), {
    learnPaid: false,
    lost: false,
    next: 'end',
  })
  assert.ok(!pipeline.has(key) && !pipeline.nextFetch(facts, 1))
})

test('scenario 7: outside 20 and unknown is dropped; between 9 and 20 the key is learnt and never fetched', () => {
  const outside = world(20)
  assert.deepEqual(outside.hint(ALICE, [key]), { admitted: [], ignored: 1, overCapacity: 0, startable: 0 })
  outside.paid.add(key)
  assert.deepEqual(outside.hint(ALICE, [key]).admitted, [], 'paid already and not ours to keep: nothing to do')
  const between = world(12)
  assert.deepEqual(between.hint(ALICE, [key]).admitted, [key])
  atOnce(between.pipeline.startRound(between.facts, 0))
  const decided = between.pipeline.decided(between.result(key, 'paidListVerified'), between.facts, 1)
  assert.deepEqual(decided, { learnPaid: true, lost: false, next: 'end' })
  assert.equal(between.pipeline.nextFetch(between.facts, 1), undefined)
})

test('scenario 8: in both sets a key is a replica, once; a stored one is nothing new', () => {
  const { pipeline, hint, stored } = world(3)
  assert.deepEqual(hint(ALICE, [key, key], [key, key]), { admitted: [key], ignored: 0, overCapacity: 0, startable: 0 })
  assert.equal(pipeline.pending.get(key)?.pipeline, 'replica')
  stored.add(at(1))
  assert.equal(hint(ALICE, [at(1)]).ignored, 1)
  assert.deepEqual(hint(ALICE, [], [at(1)]).admitted, [at(1)], 'a stored key may still be unpaid')
})

test('scenario 20: in the own paid list: authorised, fetched from any source; no holder is reported once and retried', () => {
  const { pipeline, facts, hint, result, paid } = world(3)
  paid.add(key)
  hint(ALICE, [], [key])
  assert.equal(atOnce(pipeline.startRound(facts, 0))[0]?.paidLocally, true)
  const lost = pipeline.decided(result(key, 'authorised', []), facts, 0)
  assert.deepEqual(lost, { learnPaid: false, lost: true, next: 'retry' })
  atOnce(pipeline.startRound(facts, 15 * second))
  assert.equal(pipeline.decided(result(key, 'authorised', []), facts, 15 * second).lost, false)
  atOnce(pipeline.startRound(facts, 45 * second))
  const found = pipeline.decided(result(key, 'authorised', [BOB]), facts, 45 * second)
  assert.deepEqual(found, { learnPaid: false, lost: false, next: 'fetch' })
})

test('scenario 42 and 21: a paid-only key in width 9 that is verified is learnt and fetched', () => {
  const { pipeline, facts, hint, result } = world(8)
  hint(ALICE, [], [key])
  atOnce(pipeline.startRound(facts, 0))
  assert.equal(pipeline.decided(result(key, 'paidListVerified', [BOB]), facts, 0).next, 'fetch')
})

test('section 23: a full disk defers probes of paid keys and fetches by 5 min; learning and ends go on', () => {
  const { pipeline, facts, hint, result, paid } = world(3)
  const full = { ...facts, full: true }
  paid.add(at(0, '01'))
  hint(ALICE, [key, at(0, '01'), at(0, '02')])
  const keys = atOnce(pipeline.startRound(full, 0)).map((each) => each.key)
  assert.deepEqual(keys, [key, at(0, '02')])
  assert.deepEqual(pipeline.decided(result(key, 'quorumVerified'), full, 0), {
    learnPaid: true,
    ...{ lost: false, next: 'blocked' },
  })
  assert.equal(pipeline.decided(result(at(0, '02'), 'quorumFailed'), full, 0).next, 'end')
  assert.equal(pipeline.pending.nextDueAt, 5 * minute)
  atOnce(pipeline.startRound(facts, 5 * minute))
  pipeline.decided(result(key, 'authorised'), facts, 5 * minute)
  assert.equal(pipeline.nextFetch(full, 5 * minute), undefined)
  assert.ok(
    pipeline.pending.has(key) && !pipeline.fetches.has(key),
    'the queue does not hold what the disk cannot take',
  )
})

test('scenario 10: all sources failed: one failure each, back with back-off, gone after 30 minutes', () => {
  const { pipeline, facts, hint, result } = world(3)
  hint(ALICE, [key])
  atOnce(pipeline.startRound(facts, 0))
  pipeline.decided(result(key, 'quorumVerified', [ALICE, BOB]), facts, 0)
  let blamed = 0
  for (let fetch = pipeline.nextFetch(facts, 0); fetch; fetch = pipeline.nextFetch(facts, 0))
    blamed += pipeline.fetched(fetch, 'sourceFailed', 0) ? 1 : 0
  assert.equal(blamed, 2)
  assert.equal(pipeline.pending.nextDueAt, 15 * second)
  assert.deepEqual(atOnce(pipeline.startRound(facts, 30 * minute)), [])
  assert.ok(!pipeline.has(key))
})

test('12.1 hints over capacity mark the source until it sent a message that was taken whole', () => {
  const { pipeline, hint } = world(3, { pendingEntries: 1 })
  const { overCapacity } = hint(ALICE, [key, at(0, '01')])
  pipeline.hintsEnd(ALICE, overCapacity)
  assert.deepEqual([overCapacity, pipeline.pending.capacityRejected(ALICE)], [1, true])
  pipeline.pending.delete(key)
  pipeline.hintsEnd(ALICE, hint(ALICE, [at(0, '01')]).overCapacity)
  assert.ok(!pipeline.pending.capacityRejected(ALICE))
})

test('inconclusive learns nothing and waits; a result for a key that left, or that nobody asked about, changes nothing', () => {
  const { pipeline, facts, hint, result } = world(3)
  const nothing = { learnPaid: false, lost: false }
  assert.deepEqual(pipeline.decided(result(key, 'quorumVerified'), facts, 0), { ...nothing, next: 'end' })
  hint(ALICE, [key])
  assert.deepEqual(pipeline.decided(result(key, 'quorumVerified'), facts, 0), { ...nothing, next: 'end' })
  assert.ok(pipeline.has(key))
  atOnce(pipeline.startRound(facts, 0))
  assert.deepEqual(pipeline.decided(result(key, 'quorumInconclusive'), facts, 0), { ...nothing, next: 'retry' })
  assert.equal(pipeline.pending.nextDueAt, 15 * second)
  atOnce(pipeline.startRound(facts, 15 * second))
  pipeline.abandonRound([key, at(9)], 15 * second)
  assert.equal(pipeline.pending.nextDueAt, 45 * second)
})

test('what needs no round any more ends before it: paid and held, or paid and not ours', () => {
  for (const change of ['held', 'moved'] as const) {
    const { pipeline, facts, hint, paid, stored } = world(3)
    hint(ALICE, [], [key])
    paid.add(key)
    if (change === 'held') stored.add(key)
    const later = change === 'moved' ? { ...facts, view: world(12).facts.view } : facts
    assert.deepEqual([atOnce(pipeline.startRound(later, 0)), pipeline.has(key)], [[], false])
  }
})

test('a paid key of others is fetched when few of those nearer hold it, not for a moment only', () => {
  for (const { why, counts, end } of [
    { why: 'a bare quorum at most', counts: { absent: 3, nearer: 6 }, end: 'fetch' },
    { why: 'more may hold it', counts: { absent: 2, nearer: 2 }, end: 'end' },
    { why: 'others stand in', counts: { absent: 3, nearer: 7 }, end: 'end' },
    { why: 'the silent may lack it', counts: { absent: 2, silent: 1, nearer: 2, unheard: 1 }, end: 'unknown' },
    { why: 'the silent may hold it', counts: { absent: 3, nearer: 6, unheard: 1 }, end: 'unknown' },
  ]) {
    const { pipeline, facts, hint, paid, result } = world(12)
    paid.add(key)
    assert.deepEqual(hint(ALICE, [key]).admitted, [key])
    const hinters = [{ peer: ALICE, replica: true }]
    assert.deepEqual(atOnce(pipeline.startRound(facts, 0)), [
      { key, paidLocally: true, held: false, counted: true, hinters },
    ])
    const decide = (now: number) => pipeline.decided(result(key, 'authorised', [ALICE], counts), facts, now).next
    if (end !== 'fetch') {
      assert.equal(decide(1), 'end', why)
      const again = hint(BOB, [key], [], hour)
      assert.deepEqual([again.ignored, again.admitted.length], end === 'end' ? [1, 0] : [0, 1], why)
      assert.deepEqual(hint(BOB, [key], [], 1 + hour).admitted.length, end === 'end' ? 1 : 0, why)
      continue
    }
    assert.equal(decide(1), 'retry', 'they may be fetching it')
    assert.equal(pipeline.pending.nextDueAt, 1 + 3 * minute)
    assert.equal(atOnce(pipeline.startRound(facts, 1 + 3 * minute)).length, 1)
    assert.equal(decide(1 + 3 * minute), 'fetch', why)
    assert.deepEqual(pipeline.nextFetch(facts, 4 * minute), { key, source: ALICE, extended: true })
  }
})

test('of one neighbour so many keys of others are asked about in an hour', () => {
  const { hint, paid } = world(12, { extendHints: 2 })
  const keys = [at(0, '01'), at(0, '02'), at(0, '03')]
  for (const each of keys) paid.add(each)
  assert.equal(hint(ALICE, keys).admitted.length, 2)
  assert.equal(hint(ALICE, keys.slice(2), [], hour - 1).admitted.length, 0)
  assert.equal(hint(ALICE, keys.slice(2), [], hour).admitted.length, 1)
})

test('a key of others is not asked about when it was hinted as paid only, or beyond the acceptance width', () => {
  const { hint, paid } = world(12)
  paid.add(key)
  assert.equal(hint(ALICE, [], [key]).ignored, 1)
  const far = world(25)
  far.paid.add(key)
  assert.equal(far.hint(ALICE, [key]).ignored, 1)
})

test('a full fetch queue keeps the key pending, capacity-blocked', () => {
  const { pipeline, facts, hint, result } = world(3, { fetchQueue: 1 })
  hint(ALICE, [key, at(0, '01')])
  atOnce(pipeline.startRound(facts, 0))
  assert.equal(pipeline.decided(result(key, 'quorumVerified'), facts, 0).next, 'fetch')
  assert.equal(pipeline.decided(result(at(0, '01'), 'quorumVerified'), facts, 0).next, 'blocked')
  assert.ok(pipeline.has(key) && pipeline.pending.has(at(0, '01')))
  assert.equal(pipeline.pending.nextDueAt, 5 * minute)
  assert.equal(hint(BOB, [key]).ignored, 1)
  assert.deepEqual(pipeline.nextFetch(facts, 0), { key, source: ALICE, extended: false })
  pipeline.fetched({ key, source: ALICE, extended: false }, 'timeout', 0)
  assert.deepEqual(
    pipeline.nextFetch(facts, 0),
    { key, source: BOB, extended: false },
    'the later hinter is a source too',
  )
})

test('a key that became held, or left width 9, while it waited is not fetched', () => {
  for (const change of ['stored', 'moved'] as const) {
    const { pipeline, facts, hint, result, stored } = world(3)
    hint(ALICE, [key])
    atOnce(pipeline.startRound(facts, 0))
    pipeline.decided(result(key, 'quorumVerified'), facts, 0)
    if (change === 'stored') stored.add(key)
    const later = change === 'moved' ? { ...facts, view: world(9).facts.view } : facts
    assert.equal(pipeline.nextFetch(later, 0), undefined)
    assert.ok(!pipeline.has(key))
  }
})

test('any story: a key is in one place only, all counters end at zero', () => {
  forSeeds(40, (random) => {
    const { pipeline, facts, stored, paid, hint, result } = world(randomBelow(random, 12), {
      ...{ pendingEntries: 20, fetchQueue: 6, fetchParallel: 2 },
    })
    const keys = many(50, () => at(0, address(random).slice(0, 2)))
    const peers = many(5, () => peerId(random))
    const verdicts = ['quorumVerified', 'paidListVerified', 'quorumFailed', 'quorumInconclusive', 'authorised'] as const
    let now = 0
    let running: NonNullable<ReturnType<HintPipeline['nextFetch']>>[] = []
    for (let step = 0; step < 300; step++) {
      now += randomBelow(random, 20) * second
      const state = { ...facts, full: randomBelow(random, 5) === 0 }
      hint(
        pick(random, peers),
        many(2, () => pick(random, keys)),
        many(2, () => pick(random, keys)),
        now,
      )
      for (const { key: each } of atOnce(pipeline.startRound(state, now))) {
        const sources = many(randomBelow(random, 3), () => pick(random, peers))
        const { learnPaid } = pipeline.decided(result(each, pick(random, verdicts), sources), state, now)
        if (learnPaid) paid.add(each)
      }
      for (let fetch = pipeline.nextFetch(state, now); fetch; fetch = pipeline.nextFetch(state, now))
        running.push(fetch)
      running = running.filter((fetch) => {
        if (randomBelow(random, 3) > 0) return true
        const outcome = pick(random, ['stored', 'sourceFailed', 'timeout', 'localWriteFailed'] as const)
        if (outcome === 'stored') stored.add(fetch.key)
        pipeline.fetched(fetch, outcome, now)
        return false
      })
      for (const each of keys) assert.ok(!(pipeline.pending.has(each) && pipeline.fetches.has(each)))
      const held = peers.reduce((sum, peer) => sum + pipeline.pending.heldBy(peer), 0)
      assert.equal(held, pipeline.pending.size)
    }
    for (let i = 0; i < 50 && (running.length > 0 || pipeline.fetches.size > 0); i++) {
      for (const fetch of running.splice(0)) pipeline.fetched(fetch, 'stored', now)
      for (let fetch = pipeline.nextFetch(facts, now); fetch; fetch = pipeline.nextFetch(facts, now))
        running.push(fetch)
    }
    atOnce(pipeline.startRound(facts, now + 31 * minute))
    assert.deepEqual([pipeline.pending.size, pipeline.pending.sources], [0, 0])
    assert.deepEqual([pipeline.fetches.size, pipeline.fetches.busyPeers], [0, 0])
  })
})
