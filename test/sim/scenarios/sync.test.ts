/** Scenarios of replication.md 27: rounds and cycles of neighbour sync. One whole node among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, MINUTE, play, preload, Quarry, SECOND, type Stage } from './support/stage.ts'

/** A round every two minutes; who was synced rests until the cycle after. */
const QUICK: Partial<ReplicationOptions> = {
  syncIntervalMinMs: 2 * MINUTE,
  syncIntervalMaxMs: 2 * MINUTE,
  syncCooldownMs: 90 * SECOND,
}

/** Names of the peers that the node asked, by round; who was asked later than the others took somebody's place. */
function rounds(stage: Stage, since: number): { at: number; peers: string[]; late: string[] }[] {
  const found: { at: number; peers: string[]; late: string[] }[] = []
  for (const { at, by } of stage.received('neighborSyncRequest', since)) {
    const last = found.at(-1)
    if (!last || at - last.at > MINUTE) found.push({ at, peers: [by.name], late: [] })
    else if (at - last.at < 5 * SECOND) last.peers.push(by.name)
    else last.late.push(by.name)
  }
  return found
}
/** The node's neighbours as it walks round them. */
function order(stage: Stage): string[] {
  return stage.node.dht.closestToSelf().map((id) => stage.byId(id).name)
}
/** Waits for the moment in which a cycle has just begun: the nearest four have been asked. */
async function cycleBegins(stage: Stage): Promise<number> {
  const first = stage.byId(stage.node.dht.closestToSelf()[0] as never)
  const since = stage.now + MINUTE
  for (let i = 0; i < 1200; i++) {
    const asked = first.got('neighborSyncRequest', since)[0]
    if (asked) return asked.at - SECOND
    await stage.advance(SECOND)
  }
  throw new Error('no cycle begins')
}

test('scenario 14: hint coverage under load', () => {
  const quarry = new Quarry(14)
  const [held, paid] = [quarry.chunks(3000), quarry.chunks(1000).map(({ key }) => key)]
  const prepare = (node: SimulatedNode) => preload(node, { chunks: held, paid })
  return play({ peers: 12, prepare, replication: QUICK }, async (stage) => {
    await stage.advance(9 * MINUTE)
    for (const peer of stage.peers) {
      assert.ok(peer.got('neighborSyncRequest').length > 0, `peer ${peer.name} is asked within a cycle`)
      const due = held.filter(({ key }) => stage.rank(key, peer.id) < 7).map(({ key }) => key)
      assert.ok(due.length > 500)
      // In whole lists at first, and then what is new.
      const heard = (kind: 'replicaHints' | 'paidHints') => {
        const keys = peer.got('neighborSyncRequest').flatMap(({ body }) => body[kind])
        return [...new Set(keys)].sort()
      }
      assert.deepEqual(heard('replicaHints'), due.sort(), `peer ${peer.name} hears of every key it should hold`)
      assert.deepEqual(heard('paidHints'), [...paid].sort(), 'and of every payment')
    }
  })
})

test('scenario 35: round robin with cool-down skip', () =>
  play({ peers: 12, replication: QUICK }, async (stage) => {
    const neighbours = order(stage)
    const since = await cycleBegins(stage)
    // The sixth has asked us: it rests when its turn comes, and the round takes the next one.
    await stage.advance(45 * SECOND)
    await stage.hint(stage.peers.find(({ name }) => name === neighbours[5]) as ScriptedPeer, {})
    await stage.advance(10 * MINUTE + 15 * SECOND)
    const expected = [
      neighbours.slice(0, 4),
      [neighbours[4], ...neighbours.slice(6, 9)],
      neighbours.slice(9),
      neighbours.slice(0, 4),
      neighbours.slice(4, 8),
      neighbours.slice(8),
    ]
    const seen = rounds(stage, since)
    assert.deepEqual(
      seen.map(({ peers }) => [...peers].sort()),
      expected.map((peers) => [...peers].sort()),
      `four a round, nearest first: ${JSON.stringify(seen)}`,
    )
    for (const [i, { at }] of seen.slice(1).entries()) assert.equal(Math.round((at - (seen[i]?.at ?? 0)) / SECOND), 120)
  }))

/** Widths with which few peers show a prune pass: one key is audited, one paid entry asked about, in each. */
const NARROW: Partial<ReplicationOptions> = {
  ...{ closeGroupSize: 3, quorumThreshold: 2, storageWidth: 3, acceptanceWidth: 4, paidGroupSize: 4 },
  pruneHysteresisMs: SECOND,
}

/** A stage with such keys, out of range of the node. */
async function pruning(story: (stage: Stage, record: Chunk, paid: ChunkAddress) => Promise<void>): Promise<void> {
  const quarry = new Quarry(36)
  const [records, payments] = [quarry.chunks(120), quarry.chunks(40).map(({ key }) => key)]
  const prepare = (node: SimulatedNode) => preload(node, { chunks: records, paid: payments })
  await play({ peers: 6, prepare, replication: { ...QUICK, ...NARROW } }, async (stage) => {
    const record = records.find(({ key }) => stage.rank(key) === 3)
    const paid = payments.find((key) => stage.rank(key) >= 4)
    assert.ok(record && paid)
    await story(stage, record, paid)
  })
}
/** Times at which a peer was challenged for the record, and asked about the payment. */
function passes(
  stage: Stage,
  record: Chunk,
  paid: ChunkAddress,
  since: number,
): { audited: number[]; asked: number[] } {
  const times = (all: { at: number }[]) => [...new Set(all.map(({ at }) => Math.round(at / (10 * SECOND))))]
  return {
    audited: times(stage.received('auditChallenge', since).filter(({ body }) => body.keys.includes(record.key))),
    asked: times(stage.received('verificationRequest', since).filter(({ body }) => body.keys.includes(paid))),
  }
}

test('scenario 36: post-cycle work', () =>
  pruning(async (stage, record, paid) => {
    // The pass of the first cycle starts the timers.
    await cycleBegins(stage)
    await stage.advance(2 * MINUTE)
    const since = await cycleBegins(stage)
    await stage.advance(8 * MINUTE - 20 * SECOND)
    const { audited, asked } = passes(stage, record, paid, since)
    const seen = rounds(stage, since)
    // Six peers are two rounds, so a cycle ends every four minutes, when the next one begins.
    const begins = seen.filter(({ peers }) => peers.includes(order(stage)[0] as string)).map(({ at }) => at)
    assert.equal(begins.length, 2)
    assert.equal(seen.length, 4)
    assert.equal(audited.length, 2, `one pass over the records for each: ${audited}`)
    assert.equal(asked.length, 2, `and in it one over the paid entries: ${asked}`)
    for (const [i, at] of begins.entries()) {
      assert.ok(Math.abs((audited[i] as number) * 10 * SECOND - at) <= 20 * SECOND, 'at the end of the cycle')
      assert.ok(Math.abs((asked[i] as number) * 10 * SECOND - at) <= 20 * SECOND)
    }
    assert.equal(stage.has(record), true, 'nobody proved that he holds it')
  }))

test('scenario 41: cycle termination', () =>
  pruning(async (stage, record, paid) => {
    const silent = stage.peers.slice(0, 3)
    for (const peer of silent) peer.silent('neighborSyncRequest')
    const two = stage.now
    await stage.advance(12 * MINUTE)
    assert.ok(passes(stage, record, paid, two).audited.length >= 2, 'with half of the peers failing')
    for (const peer of stage.peers) peer.silent('neighborSyncRequest')
    const all = stage.now
    await stage.advance(12 * MINUTE)
    assert.ok(passes(stage, record, paid, all).audited.length >= 2, 'with all of them failing')
    for (const peer of stage.peers) peer.off('neighborSyncRequest')
    // Everybody asks us all the time, so that everybody rests.
    const rest = stage.now
    for (let i = 0; i < 12; i++) {
      for (const peer of stage.peers) await stage.hint(peer, {})
      await stage.advance(MINUTE)
    }
    assert.ok(passes(stage, record, paid, rest).audited.length >= 2, 'with all of them at rest')
    assert.deepEqual(stage.received('neighborSyncRequest', rest + 2 * MINUTE), [], 'nobody was asked')
  }))

test('scenario 38: peer joins mid-cycle', () =>
  play({ peers: 8, replication: QUICK }, async (stage) => {
    const began = await cycleBegins(stage)
    await stage.advance(20 * SECOND)
    const late = await stage.join('late')
    await stage.advance(30 * SECOND)
    const [first, second] = rounds(stage, began).filter(({ peers }) => peers.length > 0)
    const all = [...(first?.peers ?? []), ...(first?.late ?? []), ...(second?.peers ?? [])]
    // Four of the cycle were asked before it came. The round that its coming causes has three of the others at most.
    assert.equal(all.length, 8, `seed ${stage.net.world.seed}: ${all}`)
    assert.ok(all.slice(4).includes('late'), 'before others of the cycle that wait')
    assert.ok((late.got('neighborSyncRequest')[0]?.at as number) - began < MINUTE, 'at once')
    await stage.advance(2 * MINUTE)
    assert.equal(late.got('neighborSyncRequest').length, 1, 'once only in the cycle')
    assert.equal(
      new Set(rounds(stage, began).flatMap((round) => [...round.peers, ...round.late])).size,
      9,
      'and all others',
    )
  }))

test('scenario 39: unreachable peer', () =>
  play({ peers: 9, replication: QUICK }, async (stage) => {
    const neighbours = order(stage)
    const dead = stage.peers.find(({ name }) => name === neighbours[1]) as ScriptedPeer
    dead.silent('neighborSyncRequest')
    const since = await cycleBegins(stage)
    await stage.advance(5 * MINUTE)
    const [first, second, third] = rounds(stage, since)
    assert.deepEqual([...(first?.peers ?? [])].sort(), neighbours.slice(0, 4).sort())
    assert.deepEqual(first?.late, [neighbours[4]], 'its place is filled by the next, once its time is up')
    assert.deepEqual([...(second?.peers ?? [])].sort(), neighbours.slice(5).sort(), 'the cycle goes on without it')
    assert.ok(third?.peers.includes(dead.name), 'the next cycle tries it again')
    assert.deepEqual(stage.reportsOf(dead), [], 'the engine charges nothing for it')
  }))

test('scenario 40: peer on cool-down', () =>
  play({ peers: 12, replication: QUICK }, async (stage) => {
    const neighbours = order(stage)
    const resting = stage.peers.find(({ name }) => name === neighbours[2]) as ScriptedPeer
    const last = await cycleBegins(stage)
    // Half a minute before the next cycle begins it asks us; that cycle lasts four minutes more than its rest.
    await stage.advance(last + 6 * MINUTE - 30 * SECOND - stage.now)
    await stage.hint(resting, {})
    const since = stage.now
    await stage.advance(5 * MINUTE)
    const cycle = rounds(stage, since).flatMap(({ peers }) => peers)
    assert.deepEqual([...cycle].sort(), neighbours.filter((name) => name !== resting.name).sort(), 'all but that one')
    await stage.advance(2 * MINUTE)
    assert.equal(resting.got('neighborSyncRequest', since).length, 1, 'in the next cycle it has its turn again')
  }))
