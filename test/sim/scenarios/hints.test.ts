/** Scenarios of replication.md 27: which hints count, and what becomes of them. One whole node among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChunkAddress, ReplicationBody } from '../../../src/protocol/index.ts'
import { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, failure, MINUTE, play, preload, Quarry, SECOND } from './support/stage.ts'

test('scenario 3: sync hint, unknown key, quorum passes', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    const [hinter, ...others] = stage.nearest(chunk.key) as [ScriptedPeer, ...ScriptedPeer[]]
    for (const peer of [hinter, ...others.slice(0, 3)]) peer.give(chunk)
    await stage.hint(hinter, { replicaHints: [chunk.key] })
    assert.equal(stage.node.replication.pending, 1, 'it waits for verification')
    assert.equal(stage.lists(chunk), false, 'nothing is known before the round')
    await stage.advance(5 * SECOND)
    assert.equal(stage.has(chunk), true, 'stored')
    assert.equal(stage.lists(chunk), true, 'learnt as paid')
    assert.equal(stage.node.replication.pending, 0, 'nothing is left of it')
    const [asked] = stage.received('verificationRequest')
    const [fetched] = stage.received('fetchRequest')
    assert.ok(asked && fetched && asked.at < fetched.at, 'verified before it was fetched')
    assert.ok(fetched.by.holds.has(chunk.key), 'from one that holds it')
    assert.equal(stage.verifiers(chunk.key).length, 6, 'one round, and a quorum among the nearest asks nobody else')
    assert.equal(stage.fetches(chunk.key).length, 1, 'one fetch')
    assert.deepEqual(stage.reports, [], 'nobody is charged')
  }))

test('scenario 4: sync hint, quorum fails', () =>
  play({ peers: 8 }, async (stage) => {
    const [lone, shared] = stage.quarry.chunks(2) as [Chunk, Chunk]
    const [first, second, third] = stage.peers as [ScriptedPeer, ScriptedPeer, ScriptedPeer]
    await stage.run(() =>
      Promise.all([
        first.ask(stage.node, sync([lone.key])),
        second.ask(stage.node, sync([shared.key])),
        third.ask(stage.node, sync([shared.key])),
      ]),
    )
    await stage.advance(5 * SECOND)
    assert.equal(stage.node.replication.pending, 0, 'the entries are gone')
    assert.deepEqual(stage.received('fetchRequest'), [], 'nothing was fetched')
    assert.equal(stage.lists(lone), false)
    assert.deepEqual(stage.reportsOf(first), [failure(1)], 'the lone hinter pays')
    assert.deepEqual([...stage.reportsOf(second), ...stage.reportsOf(third)], [], 'of two nobody knows who made it up')
  }))

test('scenario 5: hint from a peer outside the routing table', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    const stranger = new ScriptedPeer(stage.net, 'stranger', { role: 'client' })
    await stage.run(() => stranger.start())
    const answer = await stage.hint(stranger, { replicaHints: [chunk.key], paidHints: [chunk.key] })
    assert.equal(answer?.kind, 'neighborSyncResponse', 'it is answered')
    await stage.advance(MINUTE)
    assert.equal(stage.node.replication.pending, 0)
    assert.deepEqual(stage.verifiers(chunk.key), [], 'its word makes nothing relevant')
    assert.equal(stage.has(chunk) || stage.lists(chunk), false)
    await stage.run(() => stranger.stop())
    // The same words of a member do.
    await stage.hint(stage.peer(0), { replicaHints: [chunk.key] })
    await stage.advance(5 * SECOND)
    assert.equal(stage.has(chunk), true)
  }))

test('scenario 7: out-of-range hint', () =>
  play({ peers: 24 }, async (stage) => {
    const rank = (least: number, most: number) => (key: ChunkAddress) =>
      stage.rank(key) >= least && stage.rank(key) <= most
    const far = stage.quarry.chunk(rank(20, 24))
    const between = stage.quarry.chunk(rank(9, 19))
    const own = stage.quarry.chunk(rank(0, 8))
    for (const chunk of [far, between, own])
      for (const peer of stage.peers) {
        peer.give(chunk)
        peer.paid.add(chunk.key)
      }
    const keys = [far.key, between.key, own.key]
    await stage.hint(stage.peer(0), { replicaHints: keys })
    await stage.hint(stage.peer(1), { paidHints: keys })
    await stage.advance(10 * SECOND)
    assert.deepEqual(stage.verifiers(far.key), [], 'nobody is even asked')
    assert.equal(stage.has(far) || stage.lists(far), false, 'outside the 20 closest it is nothing to us')
    assert.equal(stage.lists(between), true, 'between 9 and 20 the payment is learnt')
    assert.deepEqual(stage.fetches(between.key), [], 'and the chunk is never fetched')
    assert.deepEqual([stage.has(own), stage.lists(own)], [true, true], 'within 9 both')
    assert.equal(stage.node.replication.pending, 0)
  }))

test('scenario 8: duplicate hints, or key in both hint sets', () =>
  play({ peers: 8 }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers.slice(2)) peer.give(chunk)
    const [first, second, third] = stage.peers as [ScriptedPeer, ScriptedPeer, ScriptedPeer]
    const both = sync([chunk.key, chunk.key], [chunk.key, chunk.key])
    await stage.run(() =>
      Promise.all([
        first.ask(stage.node, both),
        second.ask(stage.node, sync([], [chunk.key])),
        third.ask(stage.node, both),
      ]),
    )
    assert.equal(stage.node.replication.pending, 1, 'one entry')
    await stage.advance(5 * SECOND)
    for (const peer of stage.peers) {
      const keys = peer.got('verificationRequest').flatMap(({ body }) => body.keys)
      assert.ok(keys.length <= 1, 'no peer is asked twice')
    }
    assert.equal(stage.verifiers(chunk.key).length, 6, 'the others of the seven nearest are asked')
    assert.equal(stage.fetches(chunk.key).length, 1, 'one fetch')
    assert.equal(stage.has(chunk), true, 'the replica pipeline wins')
  }))

test('scenario 17: asymmetric routing views', () => {
  const held = new Quarry(17).chunks(30)
  return play({ peers: 7, prepare: (node) => preload(node, { chunks: held }) }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    // It knows us, we do not know it: what is sent to us does not count.
    const one = new ScriptedPeer(stage.net, 'late', { role: 'client' })
    await stage.run(() => one.start())
    const before = await stage.hint(one, { replicaHints: [chunk.key] })
    assert.equal(before?.kind, 'neighborSyncResponse')
    await stage.advance(10 * SECOND)
    assert.deepEqual(stage.verifiers(chunk.key), [])
    // The same identity once it is in our table.
    await stage.run(() => one.stop())
    const member = new ScriptedPeer(stage.net, 'late', { was: one })
    assert.equal(member.id, one.id)
    await stage.run(() => member.start())
    stage.peers.push(member)
    await stage.settle(8)
    const after = await stage.hint(member, { replicaHints: [chunk.key] })
    const due = held.filter(({ key }) => stage.rank(key, member.id) < 7).map(({ key }) => key)
    assert.ok(due.length > 0)
    const heard = member.got('neighborSyncRequest').flatMap(({ body }) => body.replicaHints)
    assert.deepEqual([...new Set([...heard, ...hintsOf(after)])].sort(), due.sort(), 'it hears all that it should hold')
    await stage.advance(10 * SECOND)
    assert.equal(stage.has(chunk), true, 'and its word counts now')
  })
})

test('scenario 37: inbound sync from outside the table', () => {
  const held = new Quarry(37).chunks(5)
  return play({ peers: 4, prepare: (node) => preload(node, { chunks: held }) }, async (stage) => {
    const chunk = stage.quarry.chunk()
    for (const peer of stage.peers) peer.give(chunk)
    const stranger = new ScriptedPeer(stage.net, 'stranger', { role: 'client' })
    await stage.run(() => stranger.start())
    const answer = await stage.hint(stranger, { replicaHints: [chunk.key], paidHints: [chunk.key] })
    assert.ok(answer?.kind === 'neighborSyncResponse')
    assert.deepEqual([answer.bootstrapping, answer.rejectedKeys], [false, []])
    assert.ok(answer.commitment, 'our commitment comes with it')
    // Hints are for members of the view: a stranger is in nobody's close group.
    assert.deepEqual(answer.replicaHints, [])
    // A claim of a stranger is not even remembered: repeating it is no offence.
    await stage.hint(stranger, { bootstrapping: true })
    await stage.hint(stranger, {})
    await stage.hint(stranger, { bootstrapping: true })
    await stage.advance(MINUTE)
    assert.deepEqual(stage.verifiers(chunk.key), [], 'its hints are not processed')
    assert.deepEqual(stage.reports, [])
    await stage.run(() => stranger.stop())
  })
})

test('scenario 12: bootstrap quorum', async () => {
  await play({ peers: 8 }, async (stage) => {
    // The node that joins is the second one; its neighbours hint to it alone.
    const [real, invented, rare] = stage.quarry.chunks(3) as [Chunk, Chunk, Chunk]
    const lone = stage.peer(0)
    for (const peer of stage.peers) peer.give(real)
    lone.give(invented)
    for (const peer of stage.nearest(rare.key).slice(0, 2)) peer.give(rare)
    for (const peer of stage.peers) {
      peer.on('neighborSyncRequest', (_, from) => ({
        ...{ kind: 'neighborSyncResponse', paidHints: [], bootstrapping: false, rejectedKeys: [] },
        replicaHints:
          from === stage.node.peerId ? [] : peer === lone ? [real.key, invented.key, rare.key] : [real.key, rare.key],
      }))
    }
    await stage.net.start(2)
    const joiner = stage.net.nodes[1]
    assert.ok(joiner)
    await stage.advance(30 * SECOND)
    assert.equal(joiner.replication.bootstrapping, false, 'it has caught up')
    assert.equal(joiner.store.has(real.key), true, 'several distinct peers confirm it')
    assert.equal(joiner.store.has(invented.key), false, 'one peer is not enough')
    assert.equal(joiner.store.has(rare.key), false, 'nor are two, though eight hint it')
    assert.equal(joiner.paidList.has(invented.key), false)
  })
})

function sync(replicaHints: ChunkAddress[], paidHints: ChunkAddress[] = []): ReplicationBody {
  return { kind: 'neighborSyncRequest', replicaHints, paidHints, bootstrapping: false }
}
function hintsOf(answer: ReplicationBody | undefined): ChunkAddress[] {
  return answer?.kind === 'neighborSyncResponse' ? [...answer.replicaHints] : []
}
