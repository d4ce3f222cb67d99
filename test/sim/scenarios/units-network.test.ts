/** replication.md 28.6, by the whole node: quorum and possession, each case by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absentDigest, auditDigest, buildTreeAtOnce, signTree, sortedEntries } from '../../../src/audit/index.ts'
import { atOnce } from '../../../src/base/index.ts'
import type { AuditResult, ChunkAddress } from '../../../src/protocol/index.ts'
import type { BodyOf, ScriptedPeer } from '../../support/scripted-peer.ts'
import { putChunk } from './support/clients.ts'
import { type Chunk, failure, MINUTE, play, preload, Quarry, SECOND, type Stage } from './support/stage.ts'

const verified = (stage: Stage, result: string): number => {
  const line = stage.node.registry
    .render()
    .match(new RegExp(`replication_verified_total\\{result="${result}"\\} (\\d+)`))
  return Number(line?.[1] ?? 0)
}
async function hintByTwo(stage: Stage, ...chunks: Chunk[]): Promise<void> {
  const replicaHints = chunks.map(({ key }) => key)
  await stage.hint(stage.peer(0), { replicaHints })
  await stage.hint(stage.peer(1), { replicaHints })
  await stage.advance(10 * SECOND)
}

test('28.6 quorum: presence beats paid when both hold', () =>
  play({ peers: 8 }, async (stage) => {
    const [both, paid] = stage.quarry.chunks(2) as [Chunk, Chunk]
    for (const peer of stage.peers) {
      peer.give(both)
      for (const { key } of [both, paid]) peer.paid.add(key)
    }
    await hintByTwo(stage, both)
    assert.deepEqual([verified(stage, 'quorumVerified'), verified(stage, 'paidListVerified')], [1, 0])
    await hintByTwo(stage, paid)
    assert.equal(verified(stage, 'quorumVerified'), 1)
    assert.ok(verified(stage, 'paidListVerified') > 0)
  }))

test('28.6 quorum: uncredited capable peers are downgraded only for held keys', () => {
  const [before, held] = new Quarry(286).chunks(2) as [Chunk, Chunk]
  return play({ peers: 8, prepare: (node) => preload(node, { chunks: [before, held] }) }, async (stage) => {
    const other = stage.quarry.chunk()
    for (const peer of stage.peers) for (const chunk of [before, held, other]) peer.give(chunk)
    await stage.hint(stage.peer(0), { paidHints: [before.key] })
    await stage.advance(5 * SECOND)
    assert.equal(stage.lists(before), true, 'of peers that never showed a commitment presence counts')
    for (const peer of stage.peers) {
      const tree = buildTreeAtOnce(atOnce(sortedEntries(peer.holds.keys())))
      const { commitment } = await stage.run(() => signTree(tree, peer.signer))
      await stage.hint(peer, { commitment })
    }
    await stage.advance(5 * SECOND)
    await stage.hint(stage.peer(0), { paidHints: [held.key, other.key] })
    await stage.advance(10 * SECOND)
    assert.equal(stage.lists(held), false, 'capable and without credit: unresolved')
    assert.equal(stage.node.replication.pending, 1)
    assert.deepEqual([stage.lists(other), stage.has(other)], [true, true], 'for a key that is not held it counts')
    for (const peer of stage.peers) peer.paid.add(held.key)
    await stage.advance(MINUTE)
    assert.equal(stage.lists(held), true, 'the paid path does not ask for credit')
  })
})

test('28.6 quorum: edge members count only when they confirm, unreachable members stay in the denominator', () =>
  play({ peers: 22 }, async (stage) => {
    const inside = (key: ChunkAddress) => stage.rank(key) < 9
    const [ten, eleven, eight] = stage.quarry.chunks(3, inside) as [Chunk, Chunk, Chunk]
    // Without self the group of 20 is 19 peers, of which the last four are the edge.
    const vote = ({ key }: Chunk, inner: number, edge: number) => {
      const group = stage.nearest(key).slice(0, 19)
      for (const peer of [...group.slice(0, inner), ...group.slice(15, 15 + edge)]) peer.paid.add(key)
    }
    vote(ten, 6, 4)
    vote(eleven, 7, 4)
    await hintByTwo(stage, ten, eleven)
    assert.deepEqual([stage.lists(ten), stage.lists(eleven)], [false, true], 'all four edge members: 11 of 20')
    vote(eight, 8, 0)
    for (const peer of stage.nearest(eight.key).slice(8)) peer.silent('verificationRequest')
    await hintByTwo(stage, eight)
    await stage.advance(20 * SECOND)
    assert.equal(stage.lists(eight), false, '8 of 16, the others silent')
    for (const peer of stage.peers) peer.off('verificationRequest')
    vote(eight, 9, 0)
    await stage.advance(2 * MINUTE)
    assert.equal(stage.lists(eight), true, '9 of 16')
  }))

type Answer = (challenge: BodyOf<'auditChallenge'>, content: Uint8Array) => AuditResult | undefined

/** What the checked peer says, whether it costs it 5.0, and whether it ends a claim of bootstrapping. */
const ANSWERS: readonly (readonly [name: string, answer: Answer, fails: boolean, clears: boolean])[] = [
  ['matching digest', (body, content) => digests(body, [right(body, content)]), false, true],
  ['zero digest', (body) => digests(body, [absentDigest()]), true, true],
  ['forged digest', (body) => digests(body, [right(body, Uint8Array.of(1))]), true, true],
  [
    'wrong id',
    (body, content) => ({ ...digests(body, [right(body, content)]), challengeId: body.challengeId + 1n }),
    true,
    true,
  ],
  ['wrong arity', (body, content) => digests(body, [right(body, content), right(body, content)]), true, true],
  ['Bootstrapping', ({ challengeId }) => ({ kind: 'bootstrapping', challengeId }), false, false],
  [
    'Bootstrapping with wrong id',
    ({ challengeId }) => ({ kind: 'bootstrapping', challengeId: challengeId + 1n }),
    true,
    true,
  ],
  ['Rejected', ({ challengeId }) => ({ kind: 'rejected', challengeId, reason: 'no' }), true, true],
  ['silence', () => undefined, true, false],
]
const right = (body: BodyOf<'auditChallenge'>, content: Uint8Array) =>
  auditDigest(body, body.keys[0] as ChunkAddress, content)
const digests = ({ challengeId }: BodyOf<'auditChallenge'>, all: Uint8Array[]) => ({
  ...{ kind: 'digests' as const, challengeId, digests: all },
})

for (const [name, answer, fails, clears] of ANSWERS) {
  test(`28.6 possession: ${name}`, () =>
    play({ peers: 3, replication: { possessionDelayMinMs: MINUTE, possessionDelayMaxMs: MINUTE } }, async (stage) => {
      const [checked, other] = stage.peers as [ScriptedPeer, ScriptedPeer]
      const chunk = stage.quarry.chunk()
      // A claim of before, within its day.
      await stage.hint(checked, { bootstrapping: true })
      checked.on('auditChallenge', (body) => {
        assert.deepEqual(body.keys, [chunk.key])
        const result = answer(body, chunk.content)
        return result && { kind: 'auditResponse', result }
      })
      assert.equal((await putChunk(stage, other, chunk)).kind, 'success')
      await stage.advance(3 * MINUTE)
      assert.equal(checked.got('auditChallenge').length, 1)
      assert.deepEqual(stage.reportsOf(checked), fails ? [failure(5)] : [], 'no reward for the right answer')
      assert.deepEqual(stage.reportsOf(other), [])
      // A claim that had ended costs when it comes again.
      const since = stage.now
      await stage.hint(checked, { bootstrapping: true })
      assert.deepEqual(stage.reportsOf(checked, since), clears ? [failure(1)] : [], 'the active claim')
    }))
}
