/** Scenarios of replication.md 27: peers that say they are bootstrapping; and configurations that make no engine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDevnet, type SimulatedNode } from '../../../src/devnet/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { failure, HOUR, MINUTE, play, preload, Quarry, SECOND, SEED, type Stage } from './support/stage.ts'

const CLAIM = { bootstrapping: true } as const
/** Says so too whenever we ask it. */
const claiming = (peer: ScriptedPeer) =>
  void peer.on('neighborSyncRequest', () => ({
    ...{ kind: 'neighborSyncResponse', replicaHints: [], paidHints: [], rejectedKeys: [], ...CLAIM },
  }))
const claim = (stage: Stage, peer: ScriptedPeer) => stage.hint(peer, CLAIM)

test('scenario 18: invalid runtime configuration', async () => {
  const wrong: Partial<ReplicationOptions>[] = [
    { closeGroupSize: 0 },
    { closeGroupSize: 257 },
    { quorumThreshold: 0 },
    { quorumThreshold: 8 },
    { paidGroupSize: 0 },
    { syncIntervalMinMs: 2, syncIntervalMaxMs: 1 },
    { selfLookupMinMs: 2, selfLookupMaxMs: 1 },
    { auditTickMinMs: 2, auditTickMaxMs: 1 },
    { syncPeers: 0 },
    { syncScope: 21 },
  ]
  for (const replication of wrong) {
    const net = new SimulatedDevnet({ seed: SEED }, { replication })
    await assert.rejects(net.start(1), { code: 'REPLICATION_OPTIONS' }, JSON.stringify(replication))
    assert.equal(net.nodes[0]?.replication, undefined, 'the engine is not built')
    assert.equal(net.world.network.connections, 0)
  }
  const net = new SimulatedDevnet({ seed: SEED }, { replication: { closeGroupSize: 256, syncScope: 20 } })
  await net.start(1)
  await net.stop()
})

test('scenario 46: bootstrap claim within grace, in sync', () =>
  play({ peers: 2, script: claiming }, async (stage) => {
    const [asker, answerer] = stage.peers as [ScriptedPeer, ScriptedPeer]
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    // What such a peer hints is not processed; what it says costs nothing, however often.
    for (let hours = 0; hours < 3; hours++) {
      await stage.hint(asker, { ...CLAIM, replicaHints: [chunk.key] })
      await stage.advance(HOUR)
    }
    assert.ok(answerer.got('neighborSyncRequest').length >= 3)
    assert.equal(stage.has(chunk), false)
    assert.deepEqual(stage.reports, [])
    // The window began with the first claim: a day after that one it is over.
    await stage.advance(20.9 * HOUR)
    await claim(stage, asker)
    assert.deepEqual(stage.reportsOf(asker), [])
    await stage.advance(0.2 * HOUR)
    await claim(stage, asker)
    // The node asks it, too, and hears it again: each claim costs.
    const costs = stage.reportsOf(asker)
    assert.ok(costs.length > 0, 'the first claim was recorded')
    assert.deepEqual(new Set(costs.map((cost) => JSON.stringify(cost))), new Set([JSON.stringify(failure(1))]))
  }))

test('scenario 47: bootstrap claim within grace, in audit', () => {
  const chunks = new Quarry(47).chunks(9)
  const replication = {
    ...{ syncIntervalMinMs: MINUTE, syncIntervalMaxMs: MINUTE, syncCooldownMs: 100 * HOUR },
    ...{ hintMaturityMs: 2 * MINUTE, auditTickMinMs: MINUTE, auditTickMaxMs: MINUTE },
  }
  const prepare = (node: SimulatedNode) => preload(node, { chunks })
  return play({ peers: 2, prepare, replication }, async (stage) => {
    const [claimer, honest] = stage.peers as [ScriptedPeer, ScriptedPeer]
    for (const peer of stage.peers) for (const chunk of chunks) peer.give(chunk)
    claimer.on('auditChallenge', ({ challengeId }) => ({
      ...{ kind: 'auditResponse', result: { kind: 'bootstrapping', challengeId } },
    }))
    await stage.advance(20 * MINUTE)
    const challenged = claimer.got('auditChallenge').length
    assert.ok(challenged >= 3, 'the peer stays eligible')
    assert.deepEqual(stage.reportsOf(claimer), [], 'no penalty')
    assert.ok(stage.reportsOf(honest).every((report) => report.success))
    // A claim for another challenge is none: it is a failure.
    claimer.on('auditChallenge', ({ challengeId }) => ({
      ...{ kind: 'auditResponse', result: { kind: 'bootstrapping', challengeId: challengeId + 1n } },
    }))
    await stage.untilGot(claimer, 'auditChallenge', stage.now + SECOND)
    await stage.advance(SECOND)
    assert.deepEqual(stage.reportsOf(claimer).at(0), failure(5))
  })
})

test('scenario 48: bootstrap claim abuse', () =>
  play({ peers: 1, script: claiming }, async (stage) => {
    const peer = stage.peer(0)
    await claim(stage, peer)
    await stage.advance(24 * HOUR - 30 * MINUTE)
    await claim(stage, peer)
    assert.deepEqual(stage.reportsOf(peer), [])
    await stage.advance(31 * MINUTE)
    for (let claims = 1; claims <= 3; claims++) {
      await claim(stage, peer)
      assert.deepEqual(stage.reportsOf(peer), new Array(claims).fill(failure(1)), 'each claim costs')
    }
  }))

test('scenario 49: claim cleared', () =>
  play({ peers: 2 }, async (stage) => {
    await stage.advance(MINUTE)
    const [twice, once] = stage.peers as [ScriptedPeer, ScriptedPeer]
    await claim(stage, twice)
    await claim(stage, once)
    await stage.advance(MINUTE)
    await stage.hint(twice, {})
    assert.deepEqual(stage.reports, [], 'a normal answer costs nothing')
    await stage.advance(MINUTE)
    await claim(stage, twice)
    await claim(stage, once)
    assert.deepEqual(stage.reportsOf(twice), [failure(1)], 'the history stays: claiming again costs')
    assert.deepEqual(stage.reportsOf(once), [], 'claiming on does not')
  }))
