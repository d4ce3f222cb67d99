/** Who is asked, in which order, and how long an answer is waited for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../../../src/base/index.ts'
import { keyOf, type PeerId } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { VerificationRound } from '../../../src/replication/verify/verification-round.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { anyone, ask, hint, key, saying, viewOf } from './support/rounds.ts'
import { address, at, forSeeds, many, peerId, pick } from './support/seeds.ts'

test('a quorum among the nearest asks nobody beyond them, and only its lack does', () => {
  const view = viewOf(30)
  const group = view.closest(keyOf(key), 20).slice(1)
  const second = at(0, '01')
  const round = atOnce(VerificationRound.over([hint(), hint({ key: second })], view, options, anyone))
  const asked = ask(round, ({ peer, keys }) =>
    keys.map((each) => ({ key: each, present: each === second && group.slice(0, 4).includes(peer), paid: false })),
  )
  assert.deepEqual(
    asked.map(({ keys }) => keys.length),
    [...new Array(6).fill(2), ...new Array(13).fill(1)],
  )
  const results = new Map(round.end().results.map((each) => [each.key, each.result]))
  assert.deepEqual([results.get(key), results.get(second)], ['quorumFailed', 'quorumVerified'])
})

test('with some of the nearest silent the others are asked when there was time to answer', () => {
  const view = viewOf(30)
  const group = view.closest(keyOf(key), 20).slice(1)
  const round = atOnce(VerificationRound.over([hint()], view, options, anyone))
  assert.equal(many(20, () => round.next()).filter((question) => question !== undefined).length, 6)
  assert.ok(!round.exhausted, 'they may still answer')
  atOnce(round.widen())
  const others = many(20, () => round.next()).filter((question) => question !== undefined)
  assert.deepEqual(
    others.map(({ peer }) => peer),
    group.slice(6),
  )
  for (const { peer } of others) atOnce(round.answered(peer, [{ key, present: false, paid: true }]))
  // One of them is far enough to count for nothing more: 9 of 16 near ones and all 4 at the edge.
  assert.deepEqual(
    round.takeSettled().map(({ result }) => result),
    [],
    'nobody is known to hold it',
  )
  round.hurry()
  atOnce(round.answered(group[0] as PeerId, [{ key, present: true, paid: true }]))
  assert.deepEqual(
    round.takeSettled().map(({ result, sources }) => [result, sources]),
    [['paidListVerified', [group[0]]]],
  )
})

test('who is busy is asked when it is free; when time is short it is unresolved', () => {
  const view = viewOf(6)
  const group = view.closest(keyOf(key), 7).slice(1)
  const busy = new Set(group.slice(0, 3))
  const round = () =>
    atOnce(VerificationRound.over([hint()], view, options, { ...anyone, busy: (peer) => busy.has(peer) }))
  const patient = round()
  const first = many(6, () => patient.next()).filter((question) => question !== undefined)
  assert.deepEqual(
    first.map(({ peer }) => peer),
    group.slice(3),
  )
  for (const { peer } of first) atOnce(patient.answered(peer, [{ key, present: true }]))
  assert.ok(!patient.allSettled && !patient.exhausted)
  busy.delete(group[0] as PeerId)
  assert.equal(patient.next()?.peer, group[0])
  atOnce(patient.answered(group[0] as PeerId, [{ key, present: true }]))
  assert.equal(patient.takeSettled()[0]?.result, 'quorumVerified')
  const pressed = round()
  for (let question = pressed.next(); question; question = pressed.next())
    atOnce(pressed.answered(question.peer, [{ key, present: false }]))
  assert.ok(!pressed.allSettled)
  busy.add(group[0] as PeerId)
  pressed.hurry()
  assert.ok(pressed.allSettled || pressed.exhausted)
})

test('a silent peer holds up only the keys that need its answer', () => {
  const view = viewOf(30)
  const group = view.closest(keyOf(key), 20).slice(1)
  const second = at(0, '01')
  const round = atOnce(
    VerificationRound.over([hint(), hint({ key: second, paidLocally: true })], view, options, anyone),
  )
  const asked = many(40, () => round.next()).filter((question) => question !== undefined)
  const answer = (peer: PeerId) =>
    atOnce(
      round.answered(
        peer,
        asked.find((question) => question.peer === peer)?.keys.map((each) => ({ key: each, present: true })),
      ),
    )
  answer(group[0] as PeerId)
  assert.deepEqual(round.takeSettled(), [])
  answer(group[1] as PeerId)
  assert.deepEqual(
    round.takeSettled().map((each) => [each.key, each.result]),
    [[second, 'authorised']],
  )
  answer(group[2] as PeerId)
  answer(group[3] as PeerId)
  assert.deepEqual(
    round.takeSettled().map((each) => [each.key, each.result]),
    [[key, 'quorumVerified']],
  )
  assert.ok(round.allSettled)
  assert.equal([...round.awaited].length, 2)
  assert.deepEqual(round.end(), { results: [], failures: [] })
})

test('one source is enough in a hurry; none is not while others may answer', () => {
  const view = viewOf(30)
  const round = atOnce(VerificationRound.over([hint({ paidLocally: true })], view, options, anyone))
  const asked = many(6, () => round.next()?.peer as PeerId)
  round.hurry()
  atOnce(round.answered(asked[0] as PeerId, [{ key, present: false }]))
  assert.ok(!round.allSettled)
  atOnce(round.answered(asked[1] as PeerId, [{ key, present: true }]))
  assert.deepEqual(round.takeSettled()[0]?.sources, [asked[1]])
})

test('who is suspect is not asked, and is unresolved without delay', () => {
  const view = viewOf(6)
  const group = view.closest(keyOf(key), 7).slice(1)
  const run = (silent: number) => {
    const askable = (peer: PeerId) => !group.slice(0, silent).includes(peer)
    const round = atOnce(VerificationRound.over([hint()], view, options, { ...anyone, askable }))
    const asked = ask(round, saying(group))
    assert.equal(asked.length, 6 - silent)
    return round.end().results[0]?.result
  }
  assert.deepEqual([run(2), run(3), run(6)], ['quorumVerified', 'quorumInconclusive', 'quorumInconclusive'])
})

test('no more than 32 requests at a time, and an answer nobody asked for is ignored', () => {
  forSeeds(5, (random) => {
    const view = new OwnView(
      peerId(random),
      many(300, () => peerId(random)),
    )
    const keys = many(100, () => hint({ key: address(random) }))
    const round = atOnce(VerificationRound.over(keys, view, options, anyone))
    const outstanding = new Set<PeerId>()
    atOnce(round.answered(peerId(random), []))
    while (!round.allSettled) {
      for (let question = round.next(); question; question = round.next()) outstanding.add(question.peer)
      assert.ok(outstanding.size <= 32)
      if (round.exhausted) atOnce(round.widen())
      if (outstanding.size === 0) continue
      const done = pick(random, [...outstanding])
      outstanding.delete(done)
      atOnce(round.answered(done, undefined))
    }
    assert.equal(round.end().results.length, 100)
  })
})
