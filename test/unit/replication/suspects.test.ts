/** Peers that may be gone are asked last, and count as what they are: unresolved. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, never, second } from '../../../src/base/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  type ChunkAddress,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { REPLICATION_DEFAULTS as options } from '../../../src/replication/options.ts'
import { FetchQueue } from '../../../src/replication/verify/fetch-queue.ts'
import type { PendingKey } from '../../../src/replication/verify/pending-table.ts'
import { loneEngine, SELF } from './support/engine.ts'
import { at, peerAt } from './support/seeds.ts'

const [ALICE, BOB, CAROL] = [peerAt(1), peerAt(2), peerAt(3)]
const pending: PendingKey = {
  ...{ key: at(1), pipeline: 'replica', state: 'verifying', hinters: [], createdAt: 0, attempts: 0 },
  ...{ lossReported: false, shortSince: undefined },
}

test('a source that is suspected is taken only when no other is left, whoever is busy', () => {
  const suspected = (peer: PeerId) => peer === ALICE
  const queue = new FetchQueue(SELF, { ...options, fetchOutstandingPerPeer: 1 })
  queue.add(pending, [ALICE, BOB])
  queue.add({ ...pending, key: at(2) }, [ALICE, BOB])
  const first = queue.next(suspected)
  assert.equal(first?.source, BOB)
  assert.equal(queue.next(suspected), undefined, 'it waits for Bob')
  queue.settle(first.key, 'timeout')
  const next = [queue.next(suspected), queue.next(suspected)]
  assert.deepEqual(new Set(next.map((fetch) => fetch?.source)), new Set([ALICE, BOB]))
})

/** Of ten peers, those in `silent` are suspected and the others confirm; who was asked for the key. */
async function verify(silent: readonly PeerId[], peers: readonly PeerId[]) {
  const asked = new Set<PeerId>()
  const key = SELF as string as ChunkAddress
  const engine = await loneEngine({
    ...{ peers, suspected: (peer: PeerId) => silent.includes(peer) },
    request: (peer, body): ReplicationBody | undefined => {
      if (body.kind !== 'verificationRequest') return undefined
      asked.add(peer)
      const results = body.keys.map((each) => ({ key: each, present: true, paid: true }))
      return silent.includes(peer) ? undefined : { kind: 'verificationResponse', results }
    },
  })
  await engine.pump.run(() => engine.replication.start(never))
  engine.events.emit('bootstrapComplete', { peers: peers.length })
  await engine.pump.advance(minute)
  const hint: ReplicationBody = {
    ...{ kind: 'neighborSyncRequest', replicaHints: [key], paidHints: [], bootstrapping: false },
  }
  const context = { from: { peer: CAROL }, signal: never, answered: Promise.resolve() } as RequestContext
  const handler = engine.handlers.get(TOPIC_REPLICATION) as RequestHandler
  await engine.pump.run(
    () => handler(encodeReplicationMessage({ requestId: 1n, body: hint }), context) as Promise<Uint8Array>,
  )
  await engine.pump.advance(5 * second)
  const paid = engine.paidList.has(key)
  await engine.replication.stop()
  return { asked, paid }
}

test('a round asks no suspect, and needs as many confirmations as ever', async () => {
  const peers = Array.from({ length: 10 }, (_, i) => peerAt(i + 1))
  const few = await verify([ALICE, BOB], peers)
  assert.ok(few.paid, 'a quorum of the others suffices')
  assert.ok(![...few.asked].some((peer) => peer === ALICE || peer === BOB))
  // Seven of ten are silent: of the others no four are among the presence targets, nor a majority of the group.
  const many = await verify(peers.slice(0, 8), peers)
  assert.equal(many.paid, false)
  assert.equal(many.asked.size, 2)
})
