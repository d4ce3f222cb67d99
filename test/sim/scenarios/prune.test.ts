/** Scenarios of replication.md 27: what a node may forget, and when. One whole node among scripted peers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type { ChunkAddress } from '../../../src/protocol/index.ts'
import type { ReplicationOptions } from '../../../src/replication/index.ts'
import type { ScriptedPeer } from '../../support/scripted-peer.ts'
import { type Chunk, DAY, MINUTE, play, preload, Quarry, SECOND, type Stage } from './support/stage.ts'

/** Groups that nine peers fill, a prune pass every two or three minutes, and the network's three days. */
const NARROW: Partial<ReplicationOptions> = {
  ...{ closeGroupSize: 3, quorumThreshold: 2, storageWidth: 4, acceptanceWidth: 6, paidGroupSize: 6 },
  ...{ syncIntervalMinMs: 30 * SECOND, syncIntervalMaxMs: 30 * SECOND, syncCooldownMs: 80 * SECOND },
}
const THREE_DAYS = 3 * DAY
const PASS = 4 * MINUTE

type Out = { kind: 'record' | 'paid'; key: ChunkAddress; ms: number }[]

/** Chunks that the node holds and lists; `outFor` says since when they are out of range, as an earlier boot saw it. */
function pruning(
  outFor: (chunks: readonly Chunk[]) => Out,
  story: (stage: Stage, chunks: readonly Chunk[]) => Promise<void>,
): Promise<void> {
  const chunks = new Quarry(50).chunks(120)
  const keys = chunks.map(({ key }) => key)
  const prepare = (node: SimulatedNode) => preload(node, { chunks, paid: keys, outFor: outFor(chunks) })
  const script = (peer: ScriptedPeer) => {
    for (const chunk of chunks) {
      peer.give(chunk)
      peer.paid.add(chunk.key)
    }
  }
  return play({ peers: 9, prepare, script, replication: NARROW }, (stage) => story(stage, chunks))
}
const both = (chunks: readonly Chunk[], ms: number): Out =>
  chunks.flatMap(({ key }) => [
    { kind: 'record' as const, key, ms },
    { kind: 'paid' as const, key, ms },
  ])
/** By the node's place: what it should hold, what only proofs let go, what 6 closer members let go. */
function parted(stage: Stage, chunks: readonly Chunk[]) {
  const within = (least: number, most: number) =>
    chunks.filter(({ key }) => stage.rank(key) >= least && stage.rank(key) < most)
  return { own: within(0, 4), proven: within(4, 6), fast: within(6, 99) }
}
const age = (stage: Stage, kind: 'record' | 'paid', { key }: Chunk) => stage.node.timers.age(kind, key, stage.now)

test('scenario 13: responsible range shrinks', () =>
  pruning(
    () => [],
    async (stage, chunks) => {
      const before = parted(stage, chunks)
      await stage.advance(PASS)
      for (const chunk of before.own) assert.equal(age(stage, 'record', chunk), undefined, 'in range no timer runs')
      // Newcomers take our place with some keys.
      for (let i = 0; i < 8 && parted(stage, chunks).own.length > before.own.length - 5; i++)
        await stage.join(`new ${i}`)
      const after = parted(stage, chunks)
      const left = before.own.filter((chunk) => !after.own.includes(chunk))
      assert.ok(left.length >= 5, 'the range has shrunk')
      await stage.advance(2 * PASS)
      for (const chunk of [...left, ...after.fast]) {
        assert.ok((age(stage, 'record', chunk) ?? 0) > SECOND, 'the timer has started')
        assert.equal(stage.has(chunk), true, 'and nothing is deleted, fast delete included')
      }
      assert.deepEqual(stage.received('auditChallenge'), [], 'nor is anybody asked for a proof')
    },
  ))

test('scenario 50: prune hysteresis', () => {
  const minutes = 9
  return pruning(
    (chunks) => both(chunks, THREE_DAYS - minutes * MINUTE),
    async (stage, chunks) => {
      const { own, proven, fast } = parted(stage, chunks)
      assert.ok(own.length > 0 && proven.length > 0 && fast.length > 0)
      await stage.advance(minutes * MINUTE - 20 * SECOND - stage.now)
      for (const chunk of chunks) assert.deepEqual([stage.has(chunk), stage.lists(chunk)], [true, true], 'before')
      assert.deepEqual(stage.received('auditChallenge'), [])
      await stage.advance(2 * PASS)
      for (const chunk of [...proven, ...fast]) assert.equal(stage.has(chunk), false, 'no record stays after it')
      for (const chunk of own) assert.deepEqual([stage.has(chunk), stage.lists(chunk)], [true, true])
      // Paid entries: out of the six closest, and 32 in a pass.
      assert.ok(fast.filter((chunk) => !stage.lists(chunk)).length >= Math.min(32, fast.length), 'nor a paid entry')
      for (const chunk of proven) assert.equal(stage.lists(chunk), true, 'which has its own range')
    },
  )
})

test('scenario 51: timer reset on heal', () =>
  pruning(
    (chunks) => both(chunks, THREE_DAYS - 8 * MINUTE),
    async (stage, chunks) => {
      // A peer that keeps us out of the range of some keys dies for a while.
      const without = (peer: ScriptedPeer) => stage.members.filter((id) => id !== peer.id)
      const heals = (peer: ScriptedPeer) =>
        chunks.filter(({ key }) => stage.rank(key) === 4 && stage.rank(key, stage.node.peerId, without(peer)) === 3)
      const peer = [...stage.peers].sort((a, b) => heals(b).length - heals(a).length)[0] as ScriptedPeer
      const healed = heals(peer)
      assert.ok(healed.length > 1)
      assert.ok(healed.every((chunk) => (age(stage, 'record', chunk) ?? 0) > THREE_DAYS - 8 * MINUTE))
      stage.net.world.network.partition([[peer.host]])
      for (let i = 0; i < 120 && stage.node.dht.peers().includes(peer.id); i++) await stage.advance(SECOND)
      assert.equal(stage.node.dht.tableSize, 8)
      await stage.advance(PASS)
      for (const chunk of healed) assert.equal(age(stage, 'record', chunk), undefined, 'back in range: no timer')
      stage.net.world.network.heal()
      for (let i = 0; i < 600 && !stage.node.dht.peers().includes(peer.id); i++) await stage.advance(SECOND)
      await stage.settle(9)
      await stage.advance(2 * PASS)
      for (const chunk of healed) {
        assert.equal(stage.has(chunk), true, 'three days begin anew')
        const since = age(stage, 'record', chunk) ?? 0
        assert.ok(since > 0 && since <= 3 * PASS, `at zero: ${since} ms`)
      }
      const { fast } = parted(stage, chunks)
      assert.ok(
        fast.every((chunk) => !stage.has(chunk)),
        'what stayed out is gone by now',
      )
    },
  ))

test('scenario 52: independent timers', () => {
  let [records, payments]: Chunk[][] = []
  return pruning(
    (chunks) => {
      ;[records, payments] = [chunks.slice(0, 60), chunks.slice(60)]
      return [
        ...(records as Chunk[]).map(({ key }) => ({ kind: 'record' as const, key, ms: THREE_DAYS })),
        ...(payments as Chunk[]).map(({ key }) => ({ kind: 'paid' as const, key, ms: THREE_DAYS })),
      ]
    },
    async (stage, chunks) => {
      const { fast } = parted(stage, chunks)
      const began = stage.now
      await stage.advance(2 * PASS)
      const [first, second] = [records, payments].map((group) => fast.filter((chunk) => group?.includes(chunk)))
      assert.ok(first && second && first.length > 2 && second.length > 2)
      for (const chunk of first) {
        assert.deepEqual([stage.has(chunk), stage.lists(chunk)], [false, true], 'the record goes, the payment stays')
        assert.ok((age(stage, 'paid', chunk) as number) <= stage.now - began + MINUTE, 'its timer is young')
      }
      for (const chunk of second) {
        assert.deepEqual([stage.has(chunk), stage.lists(chunk)], [true, false], 'the payment goes, the record stays')
        assert.ok((age(stage, 'record', chunk) as number) <= stage.now - began + MINUTE)
      }
    },
  )
})

test('scenario 23: paid-list clean-up after churn', () =>
  pruning(
    (chunks) => both(chunks, THREE_DAYS - 8 * MINUTE).filter(({ kind }) => kind === 'paid'),
    async (stage, chunks) => {
      const { fast, proven } = parted(stage, chunks)
      const [five, four] = fast as [Chunk, Chunk]
      // A group of six needs five.
      for (const peer of stage.nearest(five.key).slice(5)) peer.paid.delete(five.key)
      for (const peer of stage.nearest(four.key).slice(4)) peer.paid.delete(four.key)
      // Churn: newcomers that know of no payment push us further out.
      const late = await stage.join('late', (peer) => {
        for (const { key } of chunks) peer.paid.add(key)
      })
      late.paid.delete(four.key)
      if (stage.nearest(five.key).indexOf(late) >= 5) late.paid.delete(five.key)
      await stage.advance(8 * MINUTE - 30 * SECOND - stage.now)
      assert.ok(
        chunks.every((chunk) => stage.lists(chunk)),
        'not before three days',
      )
      await stage.advance(3 * PASS)
      assert.deepEqual([stage.lists(five), stage.lists(four)], [false, true], 'three quarters of the group confirm')
      assert.ok(
        proven.every((chunk) => stage.rank(chunk.key) >= 6 || stage.lists(chunk)),
        'in range it stays',
      )
      for (const { body } of stage.received('verificationRequest'))
        assert.equal(body.paidListCheckIndices.length, body.keys.length, 'whether they hold the chunk is irrelevant')
    },
  ))
