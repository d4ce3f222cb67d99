/** replication.md 28.1: pruning end to end, with the network's own widths. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, DAY, failure, MINUTE, play, preload, Quarry, SECOND, type Stage } from './support/stage.ts'

/** A cycle of 20 neighbours takes two and a half minutes. */
const QUICK: Partial<ReplicationOptions> = {
  ...{ syncIntervalMinMs: 30 * SECOND, syncIntervalMaxMs: 30 * SECOND, syncCooldownMs: 2 * MINUTE },
}
const PASS = 4 * MINUTE

/** Many chunks that the node holds and lists; all were out of range for three days, as far as they are out of it. */
function pruning(
  peers: number,
  story: (stage: Stage, at: (rank: number) => Chunk[], chunks: readonly Chunk[]) => Promise<void>,
): Promise<void> {
  const chunks = new Quarry(281).chunks(150)
  const outFor = chunks.flatMap(({ key }) => (['record', 'paid'] as const).map((kind) => ({ kind, key, ms: 3 * DAY })))
  const prepare = (node: SimulatedNode) => preload(node, { chunks, paid: chunks.map(({ key }) => key), outFor })
  return play({ peers, prepare, replication: QUICK }, (stage) =>
    story(stage, (rank) => chunks.filter(({ key }) => stage.rank(key) === rank), chunks),
  )
}
const audited = (stage: Stage, key: ChunkAddress) =>
  stage.received('auditChallenge').filter(({ body }) => body.keys.includes(key))

test('28.1 prune confirmation', () =>
  pruning(22, async (stage, at) => {
    const between = Array.from({ length: 11 }, (_, i) => at(9 + i)).flat()
    const [six, five, none] = between as [Chunk, Chunk, Chunk]
    assert.ok(none)
    // Of the seven closest, who are all others, six must prove it.
    for (const peer of stage.nearest(six.key).slice(0, 6)) peer.give(six)
    for (const peer of stage.nearest(five.key).slice(0, 5)) peer.give(five)
    // Proofs of others than these count for nothing.
    for (const peer of stage.nearest(five.key).slice(7)) peer.give(five)
    await stage.advance(PASS)
    // The last pass, which began a moment ago, has come to its end.
    await stage.advance(10 * SECOND)
    assert.equal(audited(stage, six.key).length % 7, 0)
    assert.deepEqual(
      new Set(audited(stage, six.key).map(({ by }) => by)),
      new Set(stage.nearest(six.key).slice(0, 7)),
      'the close group of now',
    )
    assert.equal(stage.has(six), false, 'exactly n - 1 proofs')
    assert.equal(stage.has(five), true, 'one below')
    assert.ok(
      between.slice(1).every((chunk) => stage.has(chunk)),
      'nothing is deleted without proofs',
    )
    const [lacking] = stage.nearest(none.key) as [ScriptedPeer]
    assert.deepEqual(stage.reportsOf(lacking)[0], failure(5), 'who lacks what it is responsible for fails')
    const times = lacking.got('auditChallenge').map(({ at: when }) => when)
    const passes = times.filter((when, i) => i === 0 || when - (times[i - 1] as number) > 10 * SECOND).length
    assert.ok(times.length > passes, 'though it was asked for more keys than one challenge takes')
    assert.equal(stage.reportsOf(lacking).length, passes, 'once a pass')
  }))

test('28.1 fast delete', () =>
  pruning(22, async (stage, at) => {
    const [fast, edge] = [[...at(20), ...at(21), ...at(22)], at(19)]
    assert.ok(fast.length > 0 && edge.length > 0)
    await stage.advance(PASS)
    for (const { key } of fast) {
      assert.equal(stage.has({ key }), false, 'a full view of 20 without self')
      assert.deepEqual(audited(stage, key), [], 'without any audit')
    }
    for (const chunk of edge) {
      assert.equal(stage.has(chunk), true, 'not when the 20th member is missing')
      assert.ok(audited(stage, chunk.key).length > 0)
    }
  }))

test('28.1 paid prune', () =>
  pruning(22, async (stage, at) => {
    const [fifteen, fourteen, held] = [...at(20), ...at(21), ...at(22)] as [Chunk, Chunk, Chunk]
    assert.ok(held)
    for (const peer of stage.nearest(fifteen.key).slice(0, 15)) peer.paid.add(fifteen.key)
    for (const peer of stage.nearest(fourteen.key).slice(0, 14)) peer.paid.add(fourteen.key)
    // Chunk possession is irrelevant: all hold the third, nobody lists it.
    for (const peer of stage.peers) peer.give(held)
    await stage.advance(PASS)
    assert.deepEqual(
      [fifteen, fourteen, held].map((chunk) => stage.lists(chunk)),
      [false, true, true],
    )
  }))

const NARROW: Partial<ReplicationOptions> = {
  ...{ closeGroupSize: 3, quorumThreshold: 2, storageWidth: 4, acceptanceWidth: 5, paidGroupSize: 5 },
  ...{ syncIntervalMinMs: MINUTE, syncIntervalMaxMs: MINUTE, syncCooldownMs: 100 * SECOND },
}

test('28.1 prune veto', () => {
  const chunks = new Quarry(282).chunks(60)
  const prepare = (node: SimulatedNode) => preload(node, { chunks })
  const few = { closeGroupSize: 2, storageWidth: 2, acceptanceWidth: 3, paidGroupSize: 3 }
  const replication = { ...NARROW, ...few, pruneHysteresisMs: SECOND, commitmentRotationMs: 5 * MINUTE }
  return play({ peers: 2, prepare, replication }, async (stage) => {
    // All is committed that has us among its two closest.
    const answer = await stage.hint(stage.peer(0), {})
    assert.ok(answer?.kind === 'neighborSyncResponse' && answer.commitment)
    const committed = chunks.filter(({ key }) => stage.rank(key) < 2)
    const free = chunks.filter(({ key }) => stage.rank(key) === 2)
    assert.equal(answer.commitment.keyCount, committed.length)
    const far = (group: Chunk[]) => group.filter(({ key }) => stage.rank(key) >= 3)
    for (let i = 0; i < 6 && (far(committed).length === 0 || far(free).length === 0); i++) await stage.join(`new ${i}`)
    const shown = stage.now
    const [gone, others] = [far(committed), far(free)]
    assert.ok(gone.length > 0 && others.length > 0)
    await stage.advance(20 * MINUTE)
    assert.ok(
      others.every((chunk) => !stage.has(chunk)),
      'what was not committed goes',
    )
    assert.ok(
      gone.every((chunk) => stage.has(chunk)),
      'what was does not, though a newer commitment leaves it out',
    )
    await stage.advance(shown + 179 * MINUTE - stage.now)
    assert.ok(
      gone.every((chunk) => stage.has(chunk)),
      'as long as somebody may ask for it',
    )
    await stage.advance(15 * MINUTE)
    assert.ok(gone.every((chunk) => !stage.has(chunk)))
  })
})

test('28.1 hysteresis over restart', () => {
  const chunks = new Quarry(283).chunks(60)
  const prepare = (node: SimulatedNode) => preload(node, { chunks })
  const replication = { ...NARROW, pruneHysteresisMs: 40 * MINUTE }
  return play({ peers: 7, prepare, replication }, async (stage) => {
    // Ours: a restart does not start the three days again (30.3 nr 7).
    const out = chunks.filter(({ key }) => stage.rank(key) >= 5)
    assert.ok(out.length > 0)
    await stage.advance(25 * MINUTE)
    const ages = out.map(({ key }) => stage.node.timers.age('record', key, stage.now) ?? 0)
    assert.ok(ages.every((ms) => ms > 20 * MINUTE))
    stage.net.kill(stage.node, 'flushed')
    await stage.advance(2 * MINUTE)
    await stage.net.restart(stage.node)
    await stage.advance(MINUTE)
    const now = stage.node.host.clock.monotonic()
    const after = out.map(({ key }) => stage.node.timers.age('record', key, now) ?? 0)
    // What was saved within the last ten minutes, and the time it was off.
    assert.ok(
      after.every((ms, i) => ms > (ages[i] as number) - 10 * MINUTE),
      `${after} after ${ages}`,
    )
    assert.ok(
      out.every((chunk) => stage.has(chunk)),
      'nothing goes too early',
    )
    await stage.advance(28 * MINUTE)
    assert.ok(
      out.every((chunk) => !stage.has(chunk)),
      'and nothing later than its time',
    )
  })
})
