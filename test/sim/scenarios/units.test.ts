/** replication.md 28.6: bookkeeping that no network shows, by name. The machines alone; time is an argument. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  buildTree,
  type CommitmentTree,
  defaultAuditOptions,
  leafHash,
  RecentProvers,
  Retention,
  type SignedTree,
  signTree,
  sortedEntries,
  verifyPath,
} from '../../../src/audit/index.ts'
import { atOnce, fromHex, seededRandom, toHex } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type ChunkAddress, chunkAddressOf, keyOf, type PeerId, peerIdOf } from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { type PruneChallenge, RecordPrune } from '../../../src/replication/prune/prune-records.ts'
import { OwnView } from '../../../src/replication/view/own-view.ts'
import { SimSignatures } from '../../../src/sim/index.ts'
import { OutOfRangeTimers } from '../../../src/storage/index.ts'
import { DAY, HOUR as hour, SEED } from './support/stage.ts'

const random = seededRandom(SEED)
const key = () => chunkAddressOf(random.bytes(32))
const peer = () => peerIdOf(random.bytes(32))
const keys = (count: number) => Array.from({ length: count }, key)
const signer = new SimSignatures(backend(), random).createSigner(random)
const treeOf = (chunks: Iterable<ChunkAddress>): CommitmentTree => atOnce(buildTree(atOnce(sortedEntries(chunks))))
const signed = (count = 3): Promise<SignedTree> => signTree(treeOf(keys(count)), signer)
const pins = async (count: number) => Promise.all(Array.from({ length: count }, () => signed(1)))

test('28.6 recent provers: rotation loses credit', async () => {
  const [old, fresh] = (await pins(2)) as [SignedTree, SignedTree]
  const [provers, chunk, prover] = [new RecentProvers(), key(), peer()]
  provers.record(chunk, prover, old.pin, 0)
  assert.equal(provers.credits(chunk, prover, old.pin, 1), true)
  assert.equal(provers.credits(chunk, prover, fresh.pin, 1), false)
  provers.record(chunk, prover, fresh.pin, 2)
  assert.deepEqual([provers.credits(chunk, prover, fresh.pin, 3), provers.proversOf(chunk)], [true, 1])
})

test('28.6 recent provers: other peer not credited', async () => {
  const [{ pin }] = (await pins(1)) as [SignedTree]
  const [provers, chunk, prover] = [new RecentProvers(), key(), peer()]
  provers.record(chunk, prover, pin, 0)
  assert.equal(provers.credits(chunk, peer(), pin, 1), false)
  assert.equal(provers.credits(key(), prover, pin, 1), false, 'nor another key')
  assert.equal(provers.credits(chunk, prover, pin, defaultAuditOptions.proverMs), false, 'nor after 40 minutes')
})

test('28.6 recent provers: cap evicts oldest', async () => {
  const [{ pin }] = (await pins(1)) as [SignedTree]
  const [provers, chunk] = [new RecentProvers(), key()]
  const all = Array.from({ length: 17 }, peer)
  for (const [at, prover] of all.slice(0, 16).entries()) provers.record(chunk, prover, pin, at)
  // Refreshed in place: now the second is the oldest.
  provers.record(chunk, all[0] as PeerId, pin, 16)
  provers.record(chunk, all[16] as PeerId, pin, 17)
  assert.equal(provers.proversOf(chunk), 16)
  const credited = all.map((prover) => provers.credits(chunk, prover, pin, 18))
  assert.deepEqual(
    credited,
    all.map((_, i) => i !== 1),
  )
})

const NOW = 1_800_000_000_000

test('28.6 retention: 16 slots', async () => {
  const [retention, all] = [new Retention(), await pins(18)]
  for (const [i, each] of all.entries()) {
    retention.rotate(each, NOW + i)
    retention.show(NOW + i)
  }
  const answerable = all.map(({ pin }) => retention.find(pin, NOW + 20) !== undefined)
  assert.deepEqual(
    answerable,
    all.map((_, i) => i >= 2),
    'the oldest two gave way',
  )
})

test('28.6 retention: expiry by time', async () => {
  const [retention, [first]] = [new Retention(), (await pins(1)) as [SignedTree]]
  retention.rotate(first, NOW)
  retention.show(NOW)
  retention.show(NOW + hour)
  assert.equal(retention.find(first.pin, NOW + 4 * hour - 1), first, 'three hours from the last time shown')
  assert.equal(retention.find(first.pin, NOW + 4 * hour), undefined)
})

test('28.6 retention: retired stays answerable', async () => {
  const [retention, [shown, unshown]] = [new Retention(), (await pins(2)) as [SignedTree, SignedTree]]
  retention.rotate(shown, NOW)
  retention.show(NOW)
  retention.retire(NOW + 1)
  assert.deepEqual([retention.current, retention.show(NOW + 2)], [undefined, undefined], 'not shown any more')
  assert.equal(retention.find(shown.pin, NOW + 3 * hour - 1), shown)
  retention.rotate(unshown, NOW + 3)
  retention.retire(NOW + 4)
  assert.equal(retention.find(unshown.pin, NOW + 5), undefined, 'one never shown is dropped')
})

test('28.6 retention: unshown rebuild evicts nothing', async () => {
  const [retention, all] = [new Retention(), await pins(16)]
  for (const [i, each] of all.entries()) {
    retention.rotate(each, NOW + i)
    retention.show(NOW + i)
  }
  for (const rebuilt of await pins(20)) retention.rotate(rebuilt, NOW + 100)
  assert.ok(all.every(({ pin }) => retention.find(pin, NOW + 200) !== undefined))
})

test('28.6 retention: look-up outlives a rotation', async () => {
  const [retention, [first, second]] = [new Retention(), (await pins(2)) as [SignedTree, SignedTree]]
  retention.rotate(first, NOW)
  retention.show(NOW)
  retention.rotate(second, NOW + hour)
  assert.equal(retention.find(first.pin, NOW + 2 * hour), first, 'never another one in its place')
  assert.equal(retention.find(second.pin, NOW + 2 * hour), undefined, 'nobody has seen it')
  const committed = keyOf(chunkAddressOf(first.tree.entries.keys.slice(0, 32)))
  assert.equal(retention.isCommitted(committed, NOW + 2 * hour), true)
})

test('28.6 commitment trees: all sizes', () => {
  for (let count = 1; count <= 40; count++) {
    const sorted = keys(count).sort()
    const tree = treeOf(sorted)
    assert.equal(tree.keyCount, count)
    for (const [i, chunk] of sorted.entries())
      assert.ok(verifyPath(leafOf(chunk), i, count, tree.path(i), tree.root), `leaf ${i} of ${count}`)
  }
})

/** A tree of 13 and the path of its sixth leaf. */
function path() {
  const sorted = keys(13).sort()
  const tree = treeOf(sorted)
  return { tree, leaf: leafOf(sorted[5] as ChunkAddress), siblings: tree.path(5) }
}

test('28.6 commitment trees: tampered path', () => {
  const { tree, leaf, siblings } = path()
  assert.ok(verifyPath(leaf, 5, 13, siblings, tree.root))
  for (let level = 0; level < siblings.length; level++) {
    const bad = siblings.map((hash, i) => (i === level ? flipped(hash) : hash))
    assert.equal(verifyPath(leaf, 5, 13, bad, tree.root), false, `level ${level}`)
  }
  assert.equal(verifyPath(flipped(leaf), 5, 13, siblings, tree.root), false)
  assert.equal(verifyPath(leaf, 5, 13, siblings, flipped(tree.root)), false)
})

test('28.6 commitment trees: index', () => {
  const { tree, leaf, siblings } = path()
  for (const index of [-1, 0, 4, 6, 12, 13, 21]) assert.equal(verifyPath(leaf, index, 13, siblings, tree.root), false)
})

test('28.6 commitment trees: length', () => {
  const { tree, leaf, siblings } = path()
  assert.equal(verifyPath(leaf, 5, 13, siblings.slice(1), tree.root), false)
  assert.equal(verifyPath(leaf, 5, 13, [...siblings, tree.root], tree.root), false)
  assert.equal(verifyPath(leaf, 5, 40, siblings, tree.root), false, 'a count that asks for a longer one')
})

test('28.6 commitment trees: count zero', () => {
  const { tree, leaf } = path()
  assert.throws(() => treeOf([]), { code: 'AUDIT_TREE_EMPTY' })
  assert.equal(verifyPath(leaf, 0, 0, [], tree.root), false)
  assert.equal(verifyPath(leaf, 0, 0, [], leaf), false)
})

test('28.6 commitment trees: count over the limit', () => {
  const { leaf } = path()
  assert.equal(verifyPath(leaf, 0, 1_000_001, new Array(20).fill(leaf), leaf), false)
  const entries = { ...atOnce(sortedEntries(keys(2))), count: 1_000_001 }
  assert.throws(() => atOnce(buildTree(entries)), { code: 'AUDIT_TREE_TOO_LARGE' })
  assert.equal(atOnce(sortedEntries(keys(30), [], 20)).count, 20, 'the first ones are kept')
})

/** Record pruning of keys out of range: the twelve others are nearer to each of them than self. */
function prune(count: number, budgets: Partial<typeof options> = {}) {
  const self = 'ff'.repeat(32) as PeerId
  const others = Array.from(
    { length: 12 },
    (_, i) => `${(i + 1).toString(16).padStart(2, '0')}${'00'.repeat(31)}` as PeerId,
  )
  const view = new OwnView(self, others)
  const stored = Array.from(
    { length: count },
    () => toHex(Uint8Array.of(0, ...random.bytes(31))) as ChunkAddress,
  ).sort()
  const machine = new RecordPrune({ ...options, ...budgets }, new OutOfRangeTimers(10_000))
  const keysAfter = (after: ChunkAddress | undefined, limit: number) =>
    stored.filter((each) => after === undefined || each > after).slice(0, limit)
  const facts = (now: number) => ({ view, now, committed: () => false })
  const plan = (now: number) =>
    atOnce(machine.plan(keysAfter, () => Math.max(1, Math.floor(Math.sqrt(count))), true, facts(now)))
  const pass = (challenge: PruneChallenge) => machine.judged(challenge, { kind: 'pass', proved: challenge.keys })
  return { plan, settle: (now: number) => atOnce(machine.settle(facts(now))), machine, pass, others, stored }
}

test('28.6 pruning: duplicate peers count once', () => {
  const { plan, settle, pass } = prune(1)
  plan(0)
  const challenges = plan(3 * DAY)
  assert.equal(challenges.length, 7)
  for (const challenge of challenges.slice(0, 5)) pass(challenge)
  for (let i = 0; i < 3; i++) pass(challenges[0] as (typeof challenges)[0])
  assert.deepEqual(settle(3 * DAY).deletable, [])
  pass(challenges[5] as (typeof challenges)[0])
  assert.equal(settle(3 * DAY).deletable.length, 1)
})

test('28.6 pruning: non-targets do not count', () => {
  const { plan, settle, machine, pass, others, stored } = prune(1)
  plan(0)
  const challenges = plan(3 * DAY)
  for (const challenge of challenges.slice(0, 5)) pass(challenge)
  const targets = challenges.map(({ peer: target }) => target)
  for (const stranger of others.filter((other) => !targets.includes(other)))
    machine.judged({ peer: stranger, keys: stored }, { kind: 'pass', proved: stored })
  assert.deepEqual(settle(3 * DAY).deletable, [])
})

test('28.6 pruning: budget cursors advance', () => {
  const { plan, settle, stored } = prune(50, { pruneScan: 10, pruneKeys: 10 })
  for (let pass = 0; pass < 5; pass++) plan(0)
  const seen: string[][] = []
  for (let pass = 0; pass < 6; pass++) {
    const challenged = new Set(plan(3 * DAY).flatMap(({ keys: asked }) => asked))
    // Nothing is chosen, as nobody proves anything; the cursor goes on all the same.
    assert.deepEqual(settle(3 * DAY).deletable, [])
    seen.push([...challenged].sort())
  }
  assert.deepEqual(seen.slice(0, 5).flat(), stored)
  assert.deepEqual(seen[5], seen[0], 'and around')
})

function leafOf(chunk: ChunkAddress): Uint8Array {
  return leafHash(fromHex(chunk) as Uint8Array, fromHex(chunk) as Uint8Array)
}
function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte))
}
