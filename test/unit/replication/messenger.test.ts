import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { MiB, never, seededRandom } from '../../../src/base/index.ts'
import {
  chunkAddressOf,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
} from '../../../src/protocol/index.ts'
import { Messenger } from '../../../src/replication/traffic/messenger.ts'

const PEER = 'a1'.repeat(32) as PeerId
const BYTES32 = new Uint8Array(32).fill(9)
// Each another one: equal keys are one text.
const dice = seededRandom(2)
const keys = Array.from({ length: 100_000 }, () => chunkAddressOf(dice.bytes(32)))
const hints = { replicaHints: keys, paidHints: [], bootstrapping: false }
const large = encodeReplicationMessage({
  ...{ requestId: 1n, body: { kind: 'neighborSyncResponse', ...hints, rejectedKeys: [] } },
})
const messenger = new Messenger({ request: async () => large, send: async () => undefined }, seededRandom(1))

async function allocatedBy(question: ReplicationBody, expected: 'subtreeAuditResponse' | 'neighborSyncResponse') {
  const before = getHeapStatistics().total_allocated_bytes
  const { kind } = await messenger.ask(PEER, question, expected, { timeoutMs: 1000, signal: never })
  return { kind, bytes: getHeapStatistics().total_allocated_bytes - before }
}

test('28.4 oversized subtree frames: an answer of 3 MiB to a subtree challenge is not decoded, to a sync it is', async () => {
  const subtree: ReplicationBody = {
    ...{ kind: 'subtreeAuditChallenge', challengeId: 1n, nonce: BYTES32, challengedPeer: PEER },
    expectedCommitmentHash: BYTES32,
  }
  const refused = await allocatedBy(subtree, 'subtreeAuditResponse')
  assert.equal(refused.kind, 'malformed')
  // Some 1 MB is the run's own (code that is compiled on its first call), 32 MB is a decoded answer.
  assert.ok(refused.bytes < 8 * MiB, `${refused.bytes} bytes for an answer that is too large`)
  const sync: ReplicationBody = { kind: 'neighborSyncRequest', replicaHints: [], paidHints: [], bootstrapping: false }
  const taken = await allocatedBy(sync, 'neighborSyncResponse')
  assert.equal(taken.kind, 'answer')
  assert.ok(taken.bytes > 16 * MiB, `${taken.bytes} bytes: the same answer is large when it is decoded`)
})
