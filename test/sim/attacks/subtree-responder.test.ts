/** replication.md 28.2: what a whole node answers to subtree audits, asked by peers that go by no rule. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Pin, pinOf, pinOfCommitment, SAMPLED_LEAVES } from '../../../src/audit/index.ts'
import { CodedError, minute, second } from '../../../src/base/index.ts'
import type { SimulatedNode } from '../../../src/devnet/index.ts'
import type { SliceOpening, SubtreeAuditResult, SubtreeLeaf, SubtreeSliceResult } from '../../../src/protocol/index.ts'
import {
  type Attacker,
  auditOnce,
  challengeFor,
  countReads,
  intruder,
  provenLeaves,
  roundOne,
  roundTwo,
  SEED,
  shownBy,
  slowReads,
  type Town,
  town,
} from './town.ts'

const CHUNKS = 40
const COOLDOWN = 31 * minute

interface Scene extends Town {
  readonly node: SimulatedNode
  readonly auditor: Attacker
  readonly pin: Pin
}

async function scene(): Promise<Scene> {
  const all = await town(3, CHUNKS)
  const node = all.net.nodes[1] as SimulatedNode
  const auditor = await intruder(all.net, 'auditor')
  return { ...all, node, auditor, pin: pinOfCommitment(await shownBy(node, auditor)) }
}

function refusal(result: SubtreeAuditResult | SubtreeSliceResult | undefined): string {
  return result?.kind === 'rejected' ? result.reject : `${result?.kind} (SIM_SEED=${SEED})`
}

test('28.2 honest: a proof under the pin, and slices that verify, whatever the nonce', async () => {
  const all = await scene()
  for (let audits = 0; audits < 6; audits++) {
    assert.equal(await auditOnce(all, all.auditor, all.node), 'pass', `SIM_SEED=${SEED}, audit ${audits}`)
    await all.net.world.advance(COOLDOWN)
  }
  await all.net.stop()
})

test('28.2 bootstrapping: answers Bootstrapping, is not graded', async () => {
  const { net, node, auditor, pin } = await scene()
  net.kill(node, 'flushed')
  await net.world.advance(second)
  await net.restart(node)
  assert.equal(node.replication.bootstrapping, true, `SIM_SEED=${SEED}`)
  const challenge = challengeFor(node, pin)
  assert.deepEqual(await roundOne(auditor, node, challenge), {
    kind: 'bootstrapping',
    challengeId: challenge.challengeId,
  })
  await net.stop()
})

test('28.2 wrong target: Rejected/Protocol in both rounds', async () => {
  const { net, node, auditor, pin } = await scene()
  const other = net.nodes[0] as SimulatedNode
  const challenge = { ...challengeFor(node, pin), challengedPeer: other.peerId }
  assert.equal(refusal(await roundOne(auditor, node, challenge)), 'protocol')
  assert.equal(refusal(await roundTwo(auditor, node, challenge, [])), 'protocol')
  await net.stop()
})

test('28.2 unknown pin; no commitment at all: Rejected/UnknownCommitment, never an answer from the current one', async () => {
  const { net, node, auditor } = await scene()
  const unknown = pinOf(new Uint8Array(32).fill(7))
  assert.equal(refusal(await roundOne(auditor, node, challengeFor(node, unknown))), 'unknownCommitment')
  const byPin = await auditor.ask(node, { kind: 'getCommitmentByPin', pin: new Uint8Array(32).fill(7) })
  assert.ok(byPin?.kind === 'getCommitmentByPinResponse' && byPin.result.kind === 'notRetained')
  await net.stop()
  const empty = await town(3)
  const second = await intruder(empty.net, 'auditor')
  const bare = empty.net.nodes[0] as SimulatedNode
  assert.equal(refusal(await roundOne(second, bare, challengeFor(bare, unknown))), 'unknownCommitment')
  await empty.net.stop()
})

test('28.2 committed key, bytes gone: Rejected/Protocol, not a made-up leaf', async () => {
  const { net, node, auditor, pin, chunks } = await scene()
  for (const key of chunks.keys()) await net.world.run(() => node.store.delete(key))
  assert.equal(refusal(await roundOne(auditor, node, challengeFor(node, pin))), 'protocol')
  await net.stop()
})

test('28.2 a disk that fails for now is no missing chunk: Rejected/Transient in both rounds', async () => {
  const all = await scene()
  const { net, node, auditor, pin } = all
  const challenge = challengeFor(node, pin)
  const [leaf] = await provenLeaves(all, auditor, node, challenge, pin)
  node.store.get = () => Promise.reject(new CodedError('STORAGE_IO', 'not now'))
  const result = await roundTwo(auditor, node, challenge, [{ key: (leaf as SubtreeLeaf).key, blockIndex: 0 }])
  assert.equal(refusal(result), 'transient')
  await net.world.advance(COOLDOWN)
  assert.equal(refusal(await roundOne(auditor, node, challengeFor(node, pin))), 'transient')
  await net.stop()
})

test('28.2 slice happy path: Present for every opening, original bytes proven', async () => {
  const all = await scene()
  const { net, node, auditor, pin, chunks } = all
  const challenge = challengeFor(node, pin)
  const leaves = await provenLeaves(all, auditor, node, challenge, pin)
  const openings = leaves.slice(0, SAMPLED_LEAVES).map(({ key }) => ({ key, blockIndex: 0 }))
  const result = await roundTwo(auditor, node, challenge, openings)
  assert.ok(result?.kind === 'items', `SIM_SEED=${SEED}`)
  assert.equal(result.items.length, openings.length)
  for (const [i, item] of result.items.entries()) {
    assert.ok(item.kind === 'present' && item.key === openings[i]?.key)
    const block = (chunks.get(item.key) as Uint8Array).subarray(0, 1024)
    assert.ok(Buffer.from(item.baoSlice).includes(block), 'the slice carries the block itself')
  }
  await net.stop()
})

test('28.2 oversize: 11 openings, 6 keys, a key outside the subtree: Rejected/Protocol, without reading any chunk', async () => {
  const all = await scene()
  const { net, node, auditor, pin, chunks } = all
  const counted = countReads(node)
  for (const kind of ['openings', 'keys', 'outside']) {
    const challenge = challengeFor(node, pin)
    const leaves = await provenLeaves(all, auditor, node, challenge, pin)
    const inside = leaves.map(({ key }) => key)
    const strangers = [...chunks.keys()].filter((key) => !inside.includes(key))
    const openings: Record<string, SliceOpening[]> = {
      openings: Array.from({ length: 11 }, (_, i) => ({
        key: inside[i % 5] as (typeof inside)[0] & string,
        blockIndex: i,
      })),
      keys: inside.slice(0, 6).map((key) => ({ key, blockIndex: 0 })),
      outside: [{ key: strangers[0] as (typeof strangers)[0] & string, blockIndex: 0 }],
    }
    counted.reads = 0
    assert.equal(refusal(await roundTwo(auditor, node, challenge, openings[kind] ?? [])), 'protocol', kind)
    assert.equal(counted.reads, 0, kind)
    await net.world.advance(COOLDOWN)
  }
  await net.stop()
})

test('28.2 session: round 2 without round 1, twice, after 2 min, or from another peer: Rejected/Transient', async () => {
  const all = await scene()
  const { net, node, auditor, pin } = all
  const other = await intruder(net, 'other')
  assert.equal(refusal(await roundTwo(auditor, node, challengeFor(node, pin), [])), 'transient', 'without round 1')
  const challenge = challengeFor(node, pin)
  const [leaf] = await provenLeaves(all, auditor, node, challenge, pin)
  assert.ok(leaf)
  const openings = [{ key: leaf.key, blockIndex: 0 }]
  assert.equal(refusal(await roundTwo(other, node, challenge, openings)), 'transient', 'another peer')
  assert.equal((await roundTwo(auditor, node, challenge, openings))?.kind, 'items')
  assert.equal(refusal(await roundTwo(auditor, node, challenge, openings)), 'transient', 'twice')
  await net.world.advance(COOLDOWN)
  const late = challengeFor(node, pin)
  const [again] = await provenLeaves(all, auditor, node, late, pin)
  await net.world.advance(2 * minute)
  const result = await roundTwo(auditor, node, late, [{ key: (again ?? leaf).key, blockIndex: 0 }])
  assert.equal(refusal(result), 'transient', 'after 2 min')
  await net.stop()
})

test('28.2 rate: third concurrent round 1, second of the same peer, or within 30 min: no answer', async () => {
  const { net, node, auditor, pin } = await scene()
  const [second, third] = [await intruder(net, 'second'), await intruder(net, 'third')]
  slowReads(node, 100)
  const ask = (attacker: Attacker) =>
    attacker.request(node, { kind: 'subtreeAuditChallenge', ...challengeFor(node, pin) })
  const together = await net.world.run(() => Promise.all([auditor, auditor, second, third].map(ask)))
  const answered = together.map((answer) => answer !== undefined)
  assert.equal(answered.filter(Boolean).length, 2, `SIM_SEED=${SEED}: ${answered}`)
  assert.notEqual(answered[0], answered[1], 'one of the same peer')
  const [early] = await net.world.run(() => Promise.all([ask(auditor)]))
  assert.equal(early, undefined, 'within 30 min')
  await net.world.advance(COOLDOWN)
  const [later] = await net.world.run(() => Promise.all([ask(auditor)]))
  assert.equal(later?.kind, 'subtreeAuditResponse')
  await net.stop()
})

test('28.2 repeated honest audits: never a confirmed failure, whatever the nonce, by many peers over hours', async () => {
  const all = await scene()
  const auditors = [all.auditor, await intruder(all.net, 'b'), await intruder(all.net, 'c')]
  for (let hours = 0; hours < 4; hours++) {
    for (const auditor of auditors)
      for (const node of all.net.nodes)
        assert.equal(await auditOnce(all, auditor, node), 'pass', `SIM_SEED=${SEED}, round ${hours}`)
    await all.net.world.advance(COOLDOWN)
  }
  await all.net.stop()
})

test('28.2 restart: a pin shown before the restart is still answerable afterwards', async () => {
  const all = await scene()
  const { net, node, auditor, pin } = all
  net.kill(node, 'flushed')
  await net.world.advance(second)
  await net.restart(node)
  await net.world.advance(2 * minute)
  assert.equal(node.replication.bootstrapping, false, `SIM_SEED=${SEED}`)
  const leaves = await provenLeaves(all, auditor, node, challengeFor(node, pin), pin)
  assert.ok(leaves.length > 0)
  await net.stop()
})
