/** Scenarios of replication.md 27: fetching, and what bad sources cost. One whole node among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, failure, MINUTE, play, SECOND, type Stage } from './support/stage.ts'

/** Hinted by one that holds it, so that no hint proves wrong. */
async function hintByHolder(stage: Stage, { key }: Chunk): Promise<void> {
  const holder = stage.peers.find(({ holds }) => holds.has(key)) as ScriptedPeer
  await stage.hint(holder, { replicaHints: [key] })
}

test('scenario 9: fetch fails, alternate source exists', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    const { key } = chunk
    // The first source that is tried says no, the second sends other bytes, the third says nothing.
    const bad: ScriptedPeer[] = []
    const faults = [
      () => ({ kind: 'fetchResponse' as const, result: { kind: 'notFound' as const, key } }),
      () => ({
        kind: 'fetchResponse' as const,
        result: { kind: 'success' as const, key, data: Uint8Array.of(1, 2, 3) },
      }),
      () => undefined,
    ]
    for (const peer of stage.peers) {
      peer.on('fetchRequest', (body) => {
        const fault = faults[bad.push(peer) - 1]
        return fault ? fault() : peer.honest(body)
      })
    }
    await hintByHolder(stage, chunk)
    await stage.advance(MINUTE)
    assert.equal(stage.has(chunk), true)
    assert.equal(bad.length, 4, 'the fourth source gave it')
    assert.equal(new Set(bad).size, 4, 'none was asked twice')
    assert.equal(stage.verifiers(key).length, 6, 'without a new verification')
    const [first, second, third, fourth] = bad as [ScriptedPeer, ScriptedPeer, ScriptedPeer, ScriptedPeer]
    assert.deepEqual([stage.reportsOf(first), stage.reportsOf(second)], [[failure(1)], [failure(1)]])
    assert.deepEqual([stage.reportsOf(third), stage.reportsOf(fourth)], [[], []], 'a timeout is not charged here')
  }))

test('30.3 a source that says nothing is not waited for: the next one is asked beside it after 8 s', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    const asked: ScriptedPeer[] = []
    for (const peer of stage.peers)
      peer.on('fetchRequest', (body) => (asked.push(peer) === 1 ? undefined : peer.honest(body)))
    await hintByHolder(stage, chunk)
    await stage.advance(15_000)
    assert.deepEqual([stage.has(chunk), asked.length], [true, 2])
    await stage.advance(MINUTE)
    assert.deepEqual(stage.reportsOf(asked[0] as ScriptedPeer), [], 'its silence is not charged here')
    assert.equal(asked.length, 2)
  }))

test('scenario 10: fetch fails, no source left', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    const holders = stage.nearest(chunk.key).slice(0, 4)
    for (const peer of holders) {
      peer.give(chunk)
      peer.on('fetchRequest', ({ key }) => ({ kind: 'fetchResponse', result: { kind: 'notFound', key } }))
    }
    await hintByHolder(stage, chunk)
    const since = stage.now
    await stage.advance(10 * SECOND)
    const tried = stage.fetches(chunk.key)
    assert.deepEqual(new Set(tried.map(({ name }) => name)), new Set(holders.map(({ name }) => name)))
    for (const peer of holders) assert.deepEqual(stage.reportsOf(peer), [failure(1)], 'one failure a source')
    assert.equal(stage.node.replication.pending, 1, 'back in verification')
    await stage.advance(28 * MINUTE)
    const rounds = (holders[0] as ScriptedPeer).got('verificationRequest', since).map(({ at }) => at)
    const pauses = rounds.slice(1).map((at, i) => Math.round((at - (rounds[i] as number)) / SECOND))
    assert.ok(pauses.length >= 6, `tried again: ${pauses}`)
    assert.ok(
      pauses.every((pause, i) => pause >= Math.min(300, 15 * 2 ** i) && pause <= Math.min(300, 15 * 2 ** i) + 5),
      `with back-off: ${pauses}`,
    )
    await stage.advance(2 * MINUTE)
    assert.equal(stage.node.replication.pending, 0, 'gone when its 30 minutes are over')
    const end = stage.now
    await stage.advance(6 * MINUTE)
    assert.deepEqual(stage.verifiers(chunk.key, end), [], 'and nobody is asked any more')
    assert.equal(stage.has(chunk), false)
  }))

test('scenario 11: repeated failures of a peer', () =>
  play({ peers: 6 }, async (stage) => {
    const [liar, honest] = stage.peers as [ScriptedPeer, ScriptedPeer]
    const { dht } = stage.node
    const scores = [dht.trustOf(liar.id)]
    for (const invented of stage.quarry.chunks(5)) {
      await stage.hint(liar, { replicaHints: [invented.key] })
      await stage.advance(5 * SECOND)
      scores.push(dht.trustOf(liar.id))
    }
    assert.deepEqual(stage.reportsOf(liar), new Array(5).fill(failure(1)))
    const falls = scores.slice(1).map((score, i) => score / (scores[i] as number))
    // 1 - 0.124 for a failure of weight 1; decay of some seconds is nothing.
    assert.ok(
      falls.every((ratio) => Math.abs(ratio - 0.876) < 0.001),
      `it falls with every event: ${scores}`,
    )
    assert.ok((scores.at(-1) as number) < 0.35, 'low enough to be replaced')
    await stage.advance(5 * MINUTE)
    assert.ok(dht.peers().includes(liar.id), 'the engine evicts nobody')
    assert.ok(dht.trustOf(honest.id) >= 0.5)
    // What it says still counts as anybody's.
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    await stage.hint(liar, { replicaHints: [chunk.key] })
    await stage.advance(5 * SECOND)
    assert.equal(stage.has(chunk), true)
  }))
