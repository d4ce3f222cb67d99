import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as audit from '../../../src/audit/index.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/index.ts'
import { type AuditResult, type ChunkAddress, MAX_COMMITMENT_KEYS } from '../../../src/protocol/index.ts'
import { createWorld, flipped, printedSeed } from './world.ts'

const world = createWorld(printedSeed('digest audit'))
const { random } = world

async function scene(chunks = 4) {
  const node = await world.node(chunks)
  const keys = [...node.contents.keys()]
  const challenge = { challengeId: 7n, nonce: random.bytes(32), challengedPeer: node.peer, keys }
  const digests = keys.map((key) => audit.auditDigest(challenge, key, node.contents.get(key) as Uint8Array))
  const judge = (result: AuditResult, own: readonly (Uint8Array | undefined)[] = digests) =>
    audit.judgeDigests(result, challenge, own)
  const answer = (given: readonly Uint8Array[]) => judge({ kind: 'digests', challengeId: 7n, digests: given })
  return { node, keys, challenge, digests, judge, answer }
}

test('the digest binds nonce, peer, key and every byte', async () => {
  const { node, challenge, keys } = await scene(1)
  const [key] = keys as [ChunkAddress]
  const content = node.contents.get(key) as Uint8Array
  const other = await world.node(1)
  const digests = [
    audit.auditDigest(challenge, key, content),
    audit.auditDigest({ ...challenge, nonce: flipped(challenge.nonce, 31) }, key, content),
    audit.auditDigest({ ...challenge, challengedPeer: other.peer }, key, content),
    audit.auditDigest(challenge, [...other.contents.keys()][0] as ChunkAddress, content),
    audit.auditDigest(challenge, key, flipped(content, content.length - 1)),
    audit.auditDigest(challenge, key, content.subarray(1)),
  ]
  assert.equal(new Set(digests.map(String)).size, digests.length)
})

test('sample sizes and the limit of what is answered', () => {
  const sizes = [0, 1, 3, 4, 8, 9, 10_000].map((keys) => [audit.digestSampleSize(keys), audit.digestKeyLimit(keys)])
  assert.deepEqual(sizes, [
    [1, 2],
    [1, 2],
    [1, 2],
    [2, 4],
    [2, 4],
    [3, 6],
    [100, 200],
  ])
})

test('what a responder refuses, in order', async () => {
  const { challenge, node, keys } = await scene(5)
  const own = { peer: node.peer, keys: 4, bootstrapping: false }
  const refuse = (change: object, asked: object = {}) =>
    audit.refuseDigests({ ...challenge, ...asked }, { ...own, ...change })
  const other = (await world.node(0)).peer
  assert.deepEqual(refuse({ bootstrapping: true, peer: other }), { kind: 'bootstrapping' })
  assert.equal(refuse({ peer: other })?.kind, 'rejected')
  assert.equal(refuse({})?.kind, 'rejected', 'five keys, four are answered for four own ones')
  assert.equal(refuse({}, { keys: keys.slice(1) }), undefined)
  assert.equal(refuse({ keys: 9 }), undefined)
  assert.equal(refuse({ keys: 0 }, { keys: [] }), undefined)
})

describe('verdicts', () => {
  test('right digests pass, and nothing compared is nothing said', async () => {
    const { answer, judge, digests, keys } = await scene()
    assert.deepEqual(answer(digests), { kind: 'pass', proved: keys })
    const none = digests.map(() => undefined)
    assert.deepEqual(judge({ kind: 'digests', challengeId: 7n, digests: [...digests] }, none), { kind: 'idle' })
    const oneLeft = none.with(0, digests[0] as never)
    assert.deepEqual(judge({ kind: 'digests', challengeId: 7n, digests: [...digests] }, oneLeft), {
      kind: 'pass',
      proved: [keys[0]],
    })
  })
  test('zero is absent, anything else that differs is a mismatch, a vanished copy is passed over', async () => {
    const { answer, judge, digests, keys } = await scene(4)
    const given = digests
      .with(1, audit.absentDigest())
      .with(2, flipped(digests[2] as never))
      .with(3, random.bytes(32))
    assert.deepEqual(answer(given), {
      kind: 'failed',
      failures: [
        { key: keys[1], reason: 'keyAbsent' },
        { key: keys[2], reason: 'digestMismatch' },
        { key: keys[3], reason: 'digestMismatch' },
      ],
      proved: [keys[0]],
    })
    const own = [undefined, digests[1], undefined, undefined]
    assert.deepEqual(judge({ kind: 'digests', challengeId: 7n, digests: given }, own), {
      kind: 'failed',
      failures: [{ key: keys[1], reason: 'keyAbsent' }],
      proved: [],
    })
  })
  test('wrong number, wrong id, refused, bootstrapping', async () => {
    const { answer, judge, digests } = await scene()
    assert.deepEqual(answer(digests.slice(1)), { kind: 'malformed' })
    assert.deepEqual(answer([...digests, digests[0] as never]), { kind: 'malformed' })
    assert.deepEqual(judge({ kind: 'digests', challengeId: 8n, digests: [...digests] }), { kind: 'malformed' })
    assert.deepEqual(judge({ kind: 'bootstrapping', challengeId: 8n }), { kind: 'malformed' })
    assert.deepEqual(judge({ kind: 'bootstrapping', challengeId: 7n }), { kind: 'bootstrapping' })
    assert.deepEqual(judge({ kind: 'rejected', challengeId: 7n, reason: '' }), { kind: 'rejected' })
  })
  test('failures count only for keys the peer still answers for', async () => {
    const { keys } = await scene(3)
    const failures: audit.DigestFailure[] = keys.map((key, i) => ({
      key,
      reason: i === 0 ? 'digestMismatch' : 'keyAbsent',
    }))
    assert.deepEqual(
      audit.confirmDigests(failures, () => false),
      { kind: 'idle' },
    )
    assert.deepEqual(
      audit.confirmDigests([], () => true),
      { kind: 'idle' },
    )
    assert.deepEqual(
      audit.confirmDigests(failures, () => true),
      { kind: 'failed', reason: 'digestMismatch', keys },
    )
    assert.deepEqual(
      audit.confirmDigests(failures, (key) => key !== keys[0]),
      {
        kind: 'failed',
        reason: 'keyAbsent',
        keys: keys.slice(1),
      },
    )
  })
})

test('deadlines grow by key and stay what a request may wait', () => {
  assert.equal(audit.digestDeadlineMs(1), 4400)
  assert.equal(audit.digestDeadlineMs(512), 4000 + 512 * 400)
  assert.equal(audit.sliceDeadlineMs(10), 9000)
  for (const many of [1e9, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])
    assert.equal(audit.digestDeadlineMs(many), NETWORK_DEFAULTS.maxRequestTimeoutMs)
  // No tree that a peer may sign asks for a request that the network refuses to make.
  for (let keys = 1; keys <= MAX_COMMITMENT_KEYS; keys += 997)
    assert.ok(audit.digestDeadlineMs(audit.subtreeSpan(keys)) <= NETWORK_DEFAULTS.maxRequestTimeoutMs)
  const [most, longest] = [audit.digestKeysInTime(), NETWORK_DEFAULTS.maxRequestTimeoutMs]
  assert.ok(4000 + 400 * most <= longest && 4000 + 400 * (most + 1) > longest)
})
