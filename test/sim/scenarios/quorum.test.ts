/** Scenarios of replication.md 27: questions, answers and what they authorise. One whole node among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, MINUTE, play, preload, Quarry, SECOND, type Stage } from './support/stage.ts'

/** All these peers list the keys as paid. */
function pay(peers: readonly ScriptedPeer[], ...chunks: Chunk[]): void {
  for (const peer of peers) for (const { key } of chunks) peer.paid.add(key)
}
function give(peers: readonly ScriptedPeer[], ...chunks: Chunk[]): void {
  for (const peer of peers) for (const chunk of chunks) peer.give(chunk)
}
/** Two hint it, so that nobody is blamed for it alone. */
async function hintByTwo(stage: Stage, ...chunks: Chunk[]): Promise<void> {
  const replicaHints = chunks.map(({ key }) => key)
  await stage.hint(stage.peer(0), { replicaHints })
  await stage.hint(stage.peer(1), { replicaHints })
}
const QUESTION = { kind: 'verificationRequest' } as const

test('scenario 6: presence probe', () => {
  const [held, gone, paid] = new Quarry(6).chunks(3) as [Chunk, Chunk, Chunk]
  const prepare = (node: Parameters<typeof preload>[0]) => preload(node, { chunks: [held], paid: [held.key, paid.key] })
  return play({ peers: 7, prepare }, async (stage) => {
    const keys = [held.key, gone.key, paid.key, held.key]
    const answer = await stage.ask(stage.peer(0), { ...QUESTION, keys, paidListCheckIndices: [1, 2, 3, 9] })
    assert.deepEqual(answer, {
      kind: 'verificationResponse',
      results: [
        { key: held.key, present: true },
        { key: gone.key, present: false, paid: false },
        { key: paid.key, present: false, paid: true },
        { key: held.key, present: true, paid: true },
      ],
    })
    // Silence is no absence: with three of seven silent the key stays undecided, with their "absent" it fails.
    const [silent, absent] = stage.quarry.chunks(2) as [Chunk, Chunk]
    const mute = stage.nearest(silent.key).slice(0, 5)
    for (const peer of mute) peer.silent('verificationRequest')
    await hintByTwo(stage, silent)
    await stage.advance(20 * SECOND)
    assert.equal(stage.node.replication.pending, 1, 'unresolved')
    for (const peer of mute) peer.off('verificationRequest')
    await stage.advance(MINUTE)
    assert.equal(stage.node.replication.pending, 0, 'absent')
    await hintByTwo(stage, absent)
    await stage.advance(5 * SECOND)
    assert.equal(stage.node.replication.pending, 0)
    assert.deepEqual(stage.reports, [])
  })
})

test('scenario 16: quorum answers time out', () =>
  play({ peers: 7 }, async (stage) => {
    const [chunk] = stage.quarry.chunks(1) as [Chunk]
    for (const peer of stage.peers) peer.silent('verificationRequest')
    const since = stage.now
    await hintByTwo(stage, chunk)
    await stage.advance(29 * MINUTE)
    assert.equal(stage.node.replication.pending, 1, 'the entry is kept')
    const asked = stage.peer(3).got('verificationRequest', since)
    const pauses = asked.slice(1).map(({ at }, i) => Math.round((at - (asked[i]?.at ?? 0)) / SECOND))
    // A round lasts 16 s when nobody answers: after one those beyond the nearest are asked. Then the back-off's pause.
    assert.deepEqual(
      pauses,
      [15, 30, 60, 120, 240, 300, 300, 300].map((pause) => pause + 16),
    )
    assert.deepEqual(stage.received('fetchRequest'), [])
    await stage.advance(2 * MINUTE)
    assert.equal(stage.node.replication.pending, 0, 'its life of 30 minutes is over')
    assert.deepEqual(stage.reports, [], 'silence is not charged by the engine')
  }))

test('scenario 20: key in the local paid list', () => {
  const [chunk, lost] = new Quarry(20).chunks(2) as [Chunk, Chunk]
  const prepare = (node: Parameters<typeof preload>[0]) => preload(node, { paid: [chunk.key, lost.key] })
  return play({ peers: 8, prepare }, async (stage) => {
    const holder = stage.nearest(chunk.key)[5] as ScriptedPeer
    holder.give(chunk)
    const since = stage.now
    await stage.hint(stage.nearest(chunk.key)[7] as ScriptedPeer, { paidHints: [chunk.key, lost.key] })
    await stage.advance(20 * SECOND)
    assert.equal(stage.has(chunk), true, 'one source is enough')
    assert.deepEqual(stage.fetches(chunk.key), [holder], 'fetched from whoever has it')
    for (const { body } of stage.received('verificationRequest', since))
      assert.deepEqual(body.paidListCheckIndices, [], 'nobody is asked for the payment')
    assert.deepEqual([stage.has(lost), stage.lists(lost)], [false, true], 'without a source it is kept')
    assert.equal(stage.node.replication.pending, 1, 'and looked for again')
  })
})

test('scenario 21: paid majority of remote peers', () =>
  play({ peers: 24 }, async (stage) => {
    const within = stage.quarry.chunk((key) => stage.rank(key) < 9)
    const between = stage.quarry.chunk((key) => stage.rank(key) >= 9 && stage.rank(key) < 16)
    for (const chunk of [within, between]) {
      // Of 20 members 16 count and self is one of them: 9 are needed. One peer holds the chunk, which is no quorum.
      pay(stage.nearest(chunk.key).slice(0, 9), chunk)
      give(stage.nearest(chunk.key).slice(0, 1), chunk)
    }
    await hintByTwo(stage, within, between)
    await stage.advance(10 * SECOND)
    assert.deepEqual([stage.lists(within), stage.lists(between)], [true, true], 'PaidListVerified')
    assert.deepEqual([stage.has(within), stage.has(between)], [true, false], 'fetched in width 9 only')
    assert.deepEqual(stage.fetches(within.key), stage.nearest(within.key).slice(0, 1))
  }))

test('scenario 22: paid votes below threshold and presence impossible', () =>
  play({ peers: 24 }, async (stage) => {
    const chunk = stage.quarry.chunk((key) => stage.rank(key) < 9)
    pay(stage.nearest(chunk.key).slice(0, 8), chunk)
    give(stage.nearest(chunk.key).slice(0, 3), chunk)
    await hintByTwo(stage, chunk)
    await stage.advance(10 * SECOND)
    assert.equal(stage.node.replication.pending, 0, 'QuorumFailed is final')
    assert.equal(stage.has(chunk) || stage.lists(chunk), false)
    assert.deepEqual(stage.fetches(chunk.key), [])
  }))

test('scenario 26: small paid group', () =>
  play({ peers: 7 }, async (stage) => {
    const [five, four] = stage.quarry.chunks(2) as [Chunk, Chunk]
    pay(stage.peers.slice(0, 5), five)
    pay(stage.peers.slice(0, 4), four)
    await hintByTwo(stage, five, four)
    await stage.advance(10 * SECOND)
    assert.deepEqual([stage.lists(five), stage.lists(four)], [true, false], 'a group of 8 needs 5')
  }))

test('scenario 27: one round, two kinds of evidence', () =>
  play({ peers: 24 }, async (stage) => {
    const chunk = stage.quarry.chunk((key) => stage.rank(key) < 9)
    await hintByTwo(stage, chunk)
    await stage.advance(10 * SECOND)
    const group = stage.nearest(chunk.key).slice(0, 19)
    assert.deepEqual(
      new Set(stage.verifiers(chunk.key).map(({ name }) => name)),
      new Set(group.map(({ name }) => name)),
      'the other 19 of the 20 closest',
    )
    for (const peer of group) {
      const asked = peer.got('verificationRequest')
      assert.equal(asked.length, 1, 'one request for presence and payment')
      assert.deepEqual(asked[0]?.body, { ...QUESTION, keys: [chunk.key], paidListCheckIndices: [0] })
    }
  }))

test('scenario 28: small quorum', () =>
  play({ peers: 3 }, async (stage) => {
    const [two, one] = stage.quarry.chunks(2) as [Chunk, Chunk]
    give(stage.peers.slice(0, 2), two)
    give(stage.peers.slice(0, 1), one)
    await hintByTwo(stage, two, one)
    await stage.advance(10 * SECOND)
    assert.deepEqual([stage.has(two), stage.has(one)], [true, false], '3 targets need 2')
  }))

test('scenario 33: batched verification', () =>
  play({ peers: 8 }, async (stage) => {
    const [real, wrong] = [stage.quarry.chunks(40), stage.quarry.chunks(40)]
    give(stage.peers, ...real)
    await hintByTwo(stage, ...real, ...wrong)
    await stage.advance(20 * SECOND)
    for (const { key } of wrong) assert.ok(stage.verifiers(key).length >= 6)
    for (const { key } of real) assert.ok(stage.verifiers(key).length <= 7, 'a quorum of the nearest is enough')
    for (const peer of stage.peers) {
      const asked = peer.got('verificationRequest')
      assert.ok(asked.length <= 2, `to peer ${peer.name}: one as one of the 7, one as one of the 20`)
      const keys = asked.flatMap(({ body }) => body.keys)
      assert.equal(new Set(keys).size, keys.length, 'each key once')
    }
    assert.ok(real.every((chunk) => stage.has(chunk) && stage.lists(chunk)))
    assert.ok(!wrong.some((chunk) => stage.has(chunk) || stage.lists(chunk)), 'evidence counts for its own key')
  }))

test('scenario 34: partial batched answer', () =>
  play({ peers: 7 }, async (stage) => {
    const [whole, partial] = stage.quarry.chunks(2) as [Chunk, Chunk]
    give(stage.peers, whole)
    for (const peer of stage.peers) {
      peer.on('verificationRequest', (body) => {
        const answer = peer.honest(body)
        assert.ok(answer?.kind === 'verificationResponse')
        return { ...answer, results: answer.results.filter(({ key }) => key !== partial.key) }
      })
    }
    await hintByTwo(stage, whole, partial)
    await stage.advance(10 * SECOND)
    assert.equal(stage.has(whole), true, 'what was answered counts')
    assert.equal(stage.node.replication.pending, 1, 'what was left out is unresolved, not absent')
    give(stage.peers, partial)
    for (const peer of stage.peers) peer.off('verificationRequest')
    await stage.advance(MINUTE)
    assert.equal(stage.has(partial), true, 'and asked again')
    assert.deepEqual(stage.reports, [])
  }))

test('scenario 42: quorum-derived paid authorisation', () =>
  play({ peers: 24 }, async (stage) => {
    const within = stage.quarry.chunk((key) => stage.rank(key) < 9)
    const between = stage.quarry.chunk((key) => stage.rank(key) >= 9 && stage.rank(key) < 16)
    // Nobody lists it as paid: the presence of four of seven is authority enough.
    for (const chunk of [within, between]) give(stage.nearest(chunk.key).slice(0, 4), chunk)
    const [hinter] = stage.nearest(within.key) as [ScriptedPeer]
    await stage.hint(hinter, { replicaHints: [within.key], paidHints: [between.key] })
    await stage.advance(10 * SECOND)
    assert.deepEqual([stage.lists(within), stage.lists(between)], [true, true])
    assert.deepEqual([stage.has(within), stage.has(between)], [true, false])
    const answer = await stage.ask(hinter, { ...QUESTION, keys: [between.key], paidListCheckIndices: [0] })
    assert.ok(answer?.kind === 'verificationResponse' && answer.results[0]?.paid, 'and it says so when asked')
    assert.deepEqual(stage.reportsOf(hinter), [], 'an honest hint costs nothing')
  }))
