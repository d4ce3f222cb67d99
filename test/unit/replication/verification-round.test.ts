import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBelow } from '../../../src/base/index.ts'
import type { PeerId, VerificationResult } from '../../../src/protocol/index.ts'
import { bytesOf } from '../../../src/replication/key-bytes.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { OwnView } from '../../../src/replication/own-view.ts'
import { type KeyToVerify, type PeerQuestion, VerificationRound } from '../../../src/replication/verification-round.ts'
import { address, at, forSeeds, many, peerAt, peerId, pick } from './support/seeds.ts'

const anyone = () => true
const key = at(0)
const hint = (overrides: Partial<KeyToVerify> = {}): KeyToVerify => ({
  ...{ key, paidLocally: false, held: false, hinters: [] },
  ...overrides,
})
/** Self is the nearest of `others` + 1. */
const viewOf = (others: number) =>
  new OwnView(
    peerAt(1),
    many(others, () => 0).map((_, i) => peerAt(i + 2)),
  )

function ask(round: VerificationRound, answer: (question: PeerQuestion) => readonly VerificationResult[] | undefined) {
  const asked: PeerQuestion[] = []
  for (let question = round.next(); question; question = round.next()) {
    asked.push(question)
    round.answered(question.peer, answer(question))
  }
  assert.ok(round.complete)
  return asked
}

const saying =
  (present: readonly PeerId[], paid: readonly PeerId[] = []) =>
  ({ peer, keys, paidListCheckIndices }: PeerQuestion): VerificationResult[] =>
    keys.map((asked, i) => ({
      ...{ key: asked, present: present.includes(peer) },
      ...(paidListCheckIndices.includes(i) ? { paid: paid.includes(peer) } : {}),
    }))

test('scenario 27: presence of the 7 closest and paid of the 20 come from one request a peer', () => {
  const view = viewOf(30)
  const round = new VerificationRound([hint()], view, options, anyone)
  const group = view.closest(bytesOf(key), 20).slice(1)
  const asked = ask(round, saying(group.slice(0, 4)))
  assert.deepEqual(new Set(asked.map(({ peer }) => peer)), new Set(group))
  for (const question of asked)
    assert.deepEqual(question, { peer: question.peer, keys: [key], paidListCheckIndices: [0] })
  const [result] = round.end().results
  assert.equal(result?.result, 'quorumVerified')
  assert.deepEqual(new Set(result?.sources), new Set(group.slice(0, 4)))
})

test('scenario 33: many keys, one message a peer, evidence for each key', () => {
  forSeeds(10, (random) => {
    const view = new OwnView(
      peerId(random),
      many(60, () => peerId(random)),
    )
    const keys = many(200, () => address(random))
    const holders = new Map(keys.map((each) => [each, view.closest(bytesOf(each), randomBelow(random, 8))]))
    const round = new VerificationRound(
      keys.map((each) => hint({ key: each })),
      view,
      options,
      anyone,
    )
    const asked = ask(round, ({ peer, keys }) =>
      keys.map((each) => ({ key: each, present: holders.get(each)?.includes(peer) ?? false, paid: false })),
    )
    assert.equal(new Set(asked.map(({ peer }) => peer)).size, asked.length)
    for (const { key: each, result } of round.end().results) {
      const targets = view.closest(bytesOf(each), 7).filter((peer) => peer !== view.self)
      const positive = targets.filter((peer) => holders.get(each)?.includes(peer)).length
      assert.equal(result, positive >= 4 ? 'quorumVerified' : 'quorumFailed')
    }
  })
})

test('scenario 34: keys left out of an answer are unresolved, the others count; strangers are skipped', () => {
  const view = viewOf(6)
  const second = at(0, '01')
  const round = new VerificationRound([hint(), hint({ key: second })], view, options, anyone)
  ask(round, () => [
    { key: second, present: true },
    { key: second, present: false },
    { key: at(9), present: true },
  ])
  const results = round.end().results.map(({ result }) => result)
  assert.deepEqual(results, ['quorumInconclusive', 'quorumVerified'])
})

test('more than twice the results asked for are cut off', () => {
  const round = new VerificationRound([hint()], viewOf(6), options, anyone)
  const junk = { key: at(9), present: true }
  ask(round, () => [junk, junk, { key, present: true }])
  assert.equal(round.end().results[0]?.result, 'quorumInconclusive')
})

test('scenario 6: silence is unresolved, not absent; scenario 16: all silent is inconclusive', () => {
  const round = new VerificationRound([hint()], viewOf(30), options, anyone)
  ask(round, () => undefined)
  assert.equal(round.end().results[0]?.result, 'quorumInconclusive')
})

test('scenario 4: a lone hinter of a key that fails pays, at most 3 times a cycle', () => {
  const hinter = peerAt(0xee)
  const keys = many(5, () => 0).map((_, i) => hint({ key: at(0, `0${i}`), hinters: [{ peer: hinter, replica: true }] }))
  const round = new VerificationRound(keys, viewOf(30), options, anyone)
  ask(round, saying([]))
  const { results, failures } = round.end()
  assert.deepEqual([...new Set(results.map(({ result }) => result))], ['quorumFailed'])
  assert.deepEqual(failures, [hinter, hinter, hinter])
})

test('two hinters, or a paid hint, blame nobody; a lone hinter that says absent itself pays', () => {
  const view = viewOf(30)
  const [first, second] = view.closest(bytesOf(key), 3).slice(1) as [PeerId, PeerId]
  const end = (hinters: KeyToVerify['hinters'], present: readonly PeerId[]) => {
    const round = new VerificationRound([hint({ hinters })], view, options, anyone)
    ask(round, saying(present))
    return round.end()
  }
  const holders = view.closest(bytesOf(key), 7).slice(2)
  assert.deepEqual(end([{ peer: first, replica: true }], holders).failures, [first])
  assert.equal(end([{ peer: first, replica: true }], holders).results[0]?.result, 'quorumVerified')
  const both = [first, second].map((peer) => ({ peer, replica: true }))
  assert.deepEqual(end(both, []).failures, [])
  assert.deepEqual(end([{ peer: first, replica: false }], []).failures, [])
})

test('scenario 20: a key of the own paid list needs no quorum; presence alone is asked of the 7', () => {
  const view = viewOf(30)
  const round = new VerificationRound([hint({ paidLocally: true })], view, options, anyone)
  const holder = view.closest(bytesOf(key), 2)[1] as PeerId
  const asked = ask(round, saying([holder]))
  assert.equal(asked.length, 6)
  assert.ok(asked.every(({ paidListCheckIndices }) => paidListCheckIndices.length === 0))
  assert.deepEqual(round.end().results, [{ key, result: 'authorised', sources: [holder], holders: 1 }])
})

test('scenario 21: a paid majority verifies; a holder among the paid targets is a source; scenario 22: below fails', () => {
  const view = viewOf(30)
  const group = view.closest(bytesOf(key), 20).slice(1)
  const far = group.slice(10, 11)
  const verified = new VerificationRound([hint()], view, options, anyone)
  ask(verified, saying(far, group.slice(0, 9)))
  assert.deepEqual(verified.end().results[0], { key, result: 'paidListVerified', sources: far, holders: 1 })
  const failed = new VerificationRound([hint()], view, options, anyone)
  ask(failed, saying(far, group.slice(0, 8)))
  assert.equal(failed.end().results[0]?.result, 'quorumFailed')
})

test('replica hinters are sources, paid hinters are not', () => {
  const [replica, paid] = [peerAt(0xee), peerAt(0xef)]
  const hinters = [
    { peer: replica, replica: true },
    { peer: paid, replica: false },
  ]
  const round = new VerificationRound([hint({ hinters })], viewOf(30), options, anyone)
  ask(round, saying([]))
  assert.deepEqual(round.end().results[0]?.sources, [replica])
})

test('9.4: uncredited capable peers are unresolved, only for keys held, never on the paid path', () => {
  const view = viewOf(30)
  const group = view.closest(bytesOf(key), 20).slice(1)
  const run = (held: boolean, paid: readonly PeerId[]) => {
    const round = new VerificationRound([hint({ held })], view, options, () => false)
    ask(round, saying(group, paid))
    return round.end().results[0]?.result
  }
  assert.equal(run(true, []), 'quorumInconclusive')
  assert.equal(run(false, []), 'quorumVerified')
  assert.equal(run(true, group), 'paidListVerified')
})

test('no more than 32 requests at a time, and an answer nobody asked for is ignored', () => {
  forSeeds(5, (random) => {
    const view = new OwnView(
      peerId(random),
      many(300, () => peerId(random)),
    )
    const keys = many(100, () => hint({ key: address(random) }))
    const round = new VerificationRound(keys, view, options, anyone)
    const outstanding = new Set<PeerId>()
    round.answered(peerId(random), [])
    while (!round.complete) {
      for (let question = round.next(); question; question = round.next()) outstanding.add(question.peer)
      assert.ok(outstanding.size <= 32)
      const done = pick(random, [...outstanding])
      outstanding.delete(done)
      round.answered(done, undefined)
    }
    assert.equal(round.end().results.length, 100)
  })
})

test('scenario 12: nobody to ask accepts nothing', () => {
  const round = new VerificationRound([hint()], viewOf(0), options, anyone)
  assert.ok(round.complete)
  assert.equal(round.end().results[0]?.result, 'quorumFailed')
})
