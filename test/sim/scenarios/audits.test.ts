/** Scenarios of replication.md 27: digest audits. One whole node that holds chunks, among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absentDigest, auditDigest } from '../../../src/audit/index.ts'
import { never } from '../../../src/base/index.ts'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import { type BodyOf, type Reply, ScriptedPeer } from '../../support/scripted-peer.ts'
import {
  type Chunk,
  failure,
  HOUR,
  MINUTE,
  play,
  preload,
  Quarry,
  SECOND,
  type Stage,
  type StageOptions,
  SUCCESS,
} from './support/stage.ts'

/** Hints are whole, and ripe after two minutes, peers are synced once, and there is an audit each minute. */
const QUICK: Partial<ReplicationOptions> = {
  ...{ syncIntervalMinMs: MINUTE, syncIntervalMaxMs: MINUTE, syncCooldownMs: 100 * HOUR, syncFullMs: [MINUTE] },
  ...{ hintMaturityMs: 2 * MINUTE, auditTickMinMs: MINUTE, auditTickMaxMs: MINUTE },
}
/** The same with the network's audit ticks. */
const RIPE: Partial<ReplicationOptions> = { ...QUICK, auditTickMinMs: 10 * MINUTE, auditTickMaxMs: 20 * MINUTE }

/** A node that holds the chunks, as its peers do. */
function holding(
  chunks: readonly Chunk[],
  options: Partial<StageOptions> & { peers: number },
  story: (stage: Stage) => Promise<void>,
): Promise<void> {
  const prepare = (node: SimulatedNode) => preload(node, { chunks })
  const script = (peer: ScriptedPeer) => {
    for (const chunk of chunks) peer.give(chunk)
  }
  return play({ replication: QUICK, prepare, script, ...options }, story)
}
const digests = ({ challengeId }: BodyOf<'auditChallenge'>, all: readonly Uint8Array[]): Reply => ({
  ...{ kind: 'auditResponse', result: { kind: 'digests', challengeId, digests: all } },
})
const withoutKeys = (peer: ScriptedPeer, lost: readonly ChunkAddress[]) =>
  peer.on('auditChallenge', (body) =>
    digests(
      body,
      body.keys.map((key) => {
        const content = peer.holds.get(key)
        return content && !lost.includes(key) ? auditDigest(body, key, content) : absentDigest()
      }),
    ),
  )

test('scenario 19: audit mismatch, peer still responsible', () =>
  holding(new Quarry(19).chunks(9), { peers: 6 }, async (stage) => {
    const [liar, absent, silent] = stage.peers as [ScriptedPeer, ScriptedPeer, ScriptedPeer]
    liar.on('auditChallenge', (body) =>
      digests(
        body,
        body.keys.map((key) => auditDigest(body, key, Uint8Array.of(1))),
      ),
    )
    withoutKeys(
      absent,
      [...absent.holds.keys()].filter((_, i) => i % 2 === 0),
    )
    silent.silent('auditChallenge')
    await stage.advance(30 * MINUTE)
    for (const [peer, name] of [
      [liar, 'mismatch'],
      [silent, 'silence'],
    ] as const) {
      const challenged = peer.got('auditChallenge').length
      assert.ok(challenged > 0)
      assert.deepEqual(stage.reportsOf(peer), new Array(challenged).fill(failure(5)), `${name}: one for each audit`)
    }
    // Where none of the missing keys was in the sample it passed.
    const samples = absent.got('auditChallenge').map(({ body }) => body.keys)
    const lost = [...absent.holds.keys()].filter((_, i) => i % 2 === 0)
    const expected = samples.map((keys) => (keys.some((key) => lost.includes(key)) ? failure(5) : SUCCESS))
    assert.ok(expected.some(({ weight }) => weight === 5))
    assert.deepEqual(stage.reportsOf(absent), expected, 'part of the keys is enough')
    for (const honest of stage.peers.slice(3))
      assert.ok(
        stage.reportsOf(honest).every(({ success }) => success),
        'honest peers are not touched',
      )
  }))

test('scenario 29: audit start gate', () => {
  const chunks = new Quarry(29).chunks(9)
  // The node boots among its peers; what one of them hints cannot be decided for ten minutes.
  const replication = { ...RIPE, pendingLifeMs: 10 * MINUTE }
  return play({ peers: 6, replication }, async (stage) => {
    const riddle = stage.quarry.chunk()
    for (const peer of stage.peers) {
      for (const chunk of chunks) peer.give(chunk)
      peer.silent('verificationRequest')
      peer.on('neighborSyncRequest', (_, from) => ({
        ...{ kind: 'neighborSyncResponse', paidHints: [], bootstrapping: false, rejectedKeys: [] },
        replicaHints: from === stage.node.peerId ? [] : [riddle.key],
      }))
    }
    const node = await stage.startNode((booting) => preload(booting, { chunks }))
    const from = (kind: 'auditChallenge' | 'neighborSyncRequest') =>
      stage.received(kind).filter(({ from: sender }) => sender === node.peerId)
    await stage.advance(9 * MINUTE)
    assert.equal(node.replication.bootstrapping, true)
    assert.ok(from('neighborSyncRequest').length >= 6, 'it has synced with all and cycles have passed')
    assert.ok(from('neighborSyncRequest').every(({ body }) => 'bootstrapping' in body && body.bootstrapping))
    assert.deepEqual(from('auditChallenge'), [], 'no audit while bootstrapping')
    const answer = await stage.run(() => stage.peer(0).ask(node, challengeOf(node, [chunks[0] as Chunk])))
    assert.ok(answer?.kind === 'auditResponse' && answer.result.kind === 'bootstrapping', 'and none is answered')
    for (let i = 0; i < 300 && node.replication.bootstrapping; i++) await stage.advance(SECOND)
    assert.equal(node.replication.bootstrapping, false)
    await stage.advance(SECOND)
    assert.equal(from('auditChallenge').length, 1, 'one tick immediately after the drain')
    await stage.advance(9 * MINUTE)
    assert.equal(from('auditChallenge').length, 1, 'and the next one not before ten minutes')
  })
})

test('scenario 30: audit peer selection', () => {
  const chunks = new Quarry(30).chunks(100)
  const script = (peer: ScriptedPeer, index: number) => {
    for (const chunk of chunks) peer.give(chunk)
    if (index === 0) peer.silent('neighborSyncRequest')
    if (index !== 1) return
    peer.on('neighborSyncRequest', () => ({
      ...{ kind: 'neighborSyncResponse', replicaHints: [], paidHints: [], bootstrapping: true, rejectedKeys: [] },
    }))
  }
  return holding(chunks, { peers: 12, script }, async (stage) => {
    const [mute, joining] = stage.peers
    await stage.advance(20 * MINUTE)
    const challenges = stage.received('auditChallenge')
    assert.ok(challenges.length > 5)
    for (const { at, by, body } of challenges) {
      assert.ok(by !== mute, 'no completed sync')
      assert.ok(by !== joining, 'hints to a peer that is bootstrapping are no proof')
      const told = by.got('neighborSyncRequest').filter((sync) => sync.at < at - 2 * MINUTE)
      for (const key of body.keys) {
        assert.ok(stage.rank(key, by.id) < 7, 'only keys of which it is in the 7 closest')
        assert.ok(
          told.some(({ body: { replicaHints } }) => replicaHints.includes(key)),
          'of which it heard long enough ago',
        )
      }
      assert.ok(new Set(body.keys).size === body.keys.length && body.keys.length <= 10)
    }
  })
})

test('scenario 31: audit cadence', () =>
  holding(new Quarry(31).chunks(4), { peers: 3, replication: RIPE }, async (stage) => {
    await stage.advance(4 * HOUR)
    const times = stage.received('auditChallenge').map(({ at }) => at)
    const pauses = times.slice(1).map((at, i) => (at - (times[i] as number)) / MINUTE)
    assert.ok(pauses.length > 9, `${pauses.length} audits in four hours`)
    for (const pause of pauses) assert.ok(pause >= 10 && pause <= 20.1, `${pause} minutes`)
    assert.ok(Math.max(...pauses) - Math.min(...pauses) > 3, 'drawn by chance')
  }))

test('scenario 32: dynamic challenge size', () =>
  holding(new Quarry(32).chunks(30), { peers: 6 }, async (stage) => {
    await stage.advance(10 * MINUTE)
    const sizes = stage.received('auditChallenge').map(({ body }) => body.keys.length)
    assert.ok(sizes.length > 2)
    assert.deepEqual(new Set(sizes), new Set([5]), 'the root of 30, rounded down')
    const chunks = [...stage.peer(0).holds].map(([key, content]) => ({ key, content }))
    const ask = async (count: number) => {
      const answer = await stage.ask(stage.peer(0), challengeOf(stage.node, chunks.slice(0, count)))
      return answer?.kind === 'auditResponse' ? answer.result.kind : 'silence'
    }
    assert.deepEqual([await ask(10), await ask(11)], ['digests', 'rejected'], 'twice the root is answered')
  }))

test('scenario 54: audit all pass', () =>
  holding(new Quarry(54).chunks(9), { peers: 6 }, async (stage) => {
    await stage.advance(15 * MINUTE)
    for (const peer of stage.peers) {
      const challenged = peer.got('auditChallenge').length
      assert.deepEqual(stage.reportsOf(peer), new Array(challenged).fill(SUCCESS))
    }
    assert.ok(stage.reports.length > 5)
    // The other side: what this node answers to a challenge of several keys, one of them unknown to it.
    const [first, second] = [...stage.peer(0).holds].map(([key, content]) => ({ key, content })) as [Chunk, Chunk]
    const challenge = challengeOf(stage.node, [first, stage.quarry.chunk(), second])
    const answer = await stage.ask(stage.peer(0), challenge)
    assert.ok(answer?.kind === 'auditResponse' && answer.result.kind === 'digests')
    assert.deepEqual(
      answer.result.digests.map((digest) => Buffer.from(digest).toString('hex')),
      [
        auditDigest(challenge, first.key, first.content),
        absentDigest(),
        auditDigest(challenge, second.key, second.content),
      ].map((digest) => Buffer.from(digest).toString('hex')),
      'per-key digests, zeros for the absent one',
    )
  }))

/**
 * The peer whose place a newcomer takes while it has a challenge open: of the keys `lost` it says that it lacks them,
 * and of those `displaced` it is not responsible any more when the answer is judged.
 */
async function displaced(
  lostToo: boolean,
  story: (stage: Stage, victim: ScriptedPeer) => Promise<void>,
): Promise<void> {
  const quarry = new Quarry(53)
  // 16 chunks make a sample of four, so that all keys of the peer are in it.
  const all = quarry.chunks(4000)
  await play(
    { peers: 10, replication: { ...QUICK, auditTickMinMs: 20 * SECOND, auditTickMaxMs: 20 * SECOND } },
    async (stage) => {
      const victim = stage.peer(3)
      const newcomer = new ScriptedPeer(stage.net, 'newcomer')
      const view = [...stage.members, newcomer.id]
      const responsible = ({ key }: Chunk) => stage.rank(key, victim.id) < 7
      const leaves = all
        .filter((chunk) => responsible(chunk) && stage.rank(chunk.key, victim.id, view) >= 7)
        .slice(0, 1)
      const stays = all.filter((chunk) => responsible(chunk) && stage.rank(chunk.key, victim.id, view) < 7).slice(0, 3)
      const others = all.filter((chunk) => !responsible(chunk)).slice(0, 12)
      assert.deepEqual([leaves.length, stays.length, others.length], [1, 3, 12])
      const chunks = [...leaves, ...stays, ...others]
      for (const peer of stage.peers) for (const chunk of chunks) peer.give(chunk)
      for (const chunk of chunks) await stage.storeByOffer(chunk)
      const lost = [...leaves, ...(lostToo ? stays.slice(0, 1) : [])].map(({ key }) => key)
      let joined = false
      victim.on('auditChallenge', async (body) => {
        assert.deepEqual(new Set(body.keys), new Set([...leaves, ...stays].map(({ key }) => key)))
        if (!joined) void newcomer.start()
        joined = true
        // It answers as late as it may.
        await victim.host.clock.sleep(4 * SECOND, never)
        assert.equal(stage.node.dht.tableSize, 11, 'the newcomer is in the table')
        return digests(
          body,
          body.keys.map((key) => {
            const content = victim.holds.get(key) as Uint8Array
            return lost.includes(key) ? absentDigest() : auditDigest(body, key, content)
          }),
        )
      })
      // The next list is a whole one.
      await stage.advance(MINUTE)
      await stage.hint(victim, {})
      await stage.untilGot(victim, 'auditChallenge')
      await stage.advance(6 * SECOND)
      stage.peers.push(newcomer)
      await story(stage, victim)
    },
  )
}

test('scenario 53: partial audit failure, mixed responsibility', () =>
  displaced(true, async (stage, victim) => {
    assert.deepEqual(stage.reportsOf(victim), [failure(5)], 'one failing key is still its own')
  }))

test('scenario 55: failures, none confirmed responsible', () =>
  displaced(false, async (stage, victim) => {
    assert.equal(victim.got('auditChallenge').length, 1)
    assert.deepEqual(stage.reportsOf(victim), [], 'no event, neither good nor bad')
  }))

test('scenario 56: never-synced peer', () =>
  holding(new Quarry(56).chunks(9), { peers: 4 }, async (stage) => {
    // It is told and audited once it has answered, and not before.
    const silent = stage.peer(2)
    assert.ok(silent.got('neighborSyncRequest').length > 0)
    await stage.advance(MINUTE)
    const strangers = await stage.join('stranger', (peer) => peer.silent('neighborSyncRequest'))
    await stage.advance(40 * MINUTE)
    assert.ok(stage.received('auditChallenge').length > 20)
    assert.ok(strangers.got('neighborSyncRequest').length > 0)
    assert.deepEqual(strangers.got('auditChallenge'), [], 'never chosen')
    assert.deepEqual(stage.reportsOf(strangers), [])
  }))

function challengeOf(node: SimulatedNode, chunks: readonly Chunk[]): BodyOf<'auditChallenge'> {
  return {
    ...{ kind: 'auditChallenge', challengeId: 77n, nonce: new Uint8Array(32).fill(7), challengedPeer: node.peerId },
    keys: chunks.map(({ key }) => key),
  }
}
