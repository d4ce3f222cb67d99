/** How long an answer to an audit may take: as long as its auditor waits, and no longer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pinOf } from '../../../src/audit/index.ts'
import { concat, silentLogger, TaskGroup } from '../../../src/base/index.ts'
import type { Link } from '../../../src/network/link.ts'
import { NETWORK_DEFAULTS } from '../../../src/network/options.ts'
import { Router } from '../../../src/network/router.ts'
import { decodeReplicationMessage, requestTopic, TOPIC_REPLICATION } from '../../../src/protocol/index.ts'
import { auditDeadlineMs } from '../../../src/replication/audits/deadlines.ts'
import { auditee, challengeBytes, SEED } from './support/auditee.ts'
import { many, peerAt } from './support/seeds.ts'

const ALICE = peerAt(1)
/** 2 x sqrt(6000) = 154 keys may be asked for: 65.6 s. */
const CHUNKS = 6000

/** Behind the network's own router, with the network's own limits. */
async function routed(readMs: number) {
  const all = await auditee({ chunks: CHUNKS, readMs })
  const { engine } = all
  const outcomes: string[] = []
  const router = new Router(
    {
      ...{ clock: engine.clock, log: silentLogger, count: (_: string, outcome: string) => void outcomes.push(outcome) },
      tasks: new TaskGroup((error) => assert.fail(String(error))),
    },
    NETWORK_DEFAULTS,
  )
  for (const [topic, handler] of engine.handlers) router.handleRequests(topic, { maxBytes: 1e7 }, handler)
  const ask = (keys: number): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>()
    router.request(
      requestTopic(TOPIC_REPLICATION),
      challengeBytes(all.keys.slice(0, keys)),
      { peer: ALICE } as unknown as Link,
      async (answer, { signal }) => {
        const { body } = decodeReplicationMessage(concat([answer].flat()))
        assert.ok(body.kind === 'auditResponse')
        assert.deepEqual([body.result.kind, signal.aborted], ['digests', false])
        resolve(engine.clock.monotonic())
      },
    )
    return promise
  }
  return { ...all, router, outcomes, ask }
}

test('a challenge of 150 keys on a slow disk is answered after 58.5 s and after 63 s', async () => {
  for (const readMs of [390, 420]) {
    const { engine, ask } = await routed(readMs)
    const from = engine.clock.monotonic()
    const tookMs = (await engine.pump.run(() => ask(150), { limitMs: 100_000 })) - from
    assert.equal(tookMs, 150 * readMs, `SIM_SEED=${SEED}`)
  }
})

test('an answer that comes too late is given up at the auditor’s deadline, its place is free, nothing more is read', async () => {
  const { engine, ask, router, reads, outcomes } = await routed(3000)
  void ask(10)
  await engine.pump.advance(7999)
  assert.equal(router.running, 1, `SIM_SEED=${SEED}`)
  await engine.pump.advance(3000)
  assert.equal(router.running, 0, 'over after 4 s and 400 ms a key, and the read that ran then')
  assert.deepEqual(outcomes, ['delivered', 'handlerFailed'])
  const read = reads.length
  await engine.pump.advance(30_000)
  assert.deepEqual([read, reads.length], [3, 3])
})

test('the deadline is that of 2.2: keys of a challenge, span of the tree that is asked about, openings', () => {
  const challenge = { challengeId: 1n, nonce: new Uint8Array(32), challengedPeer: ALICE }
  const pin = new Uint8Array(32).fill(7)
  const committed = (asked: string) => (asked === pinOf(pin) ? 25_000 : undefined)
  const of = (body: Parameters<typeof auditDeadlineMs>[0]) => auditDeadlineMs(body, committed)
  const key = 'ab'.repeat(32) as never
  assert.equal(of({ kind: 'auditChallenge', ...challenge, keys: many(3, () => key) }), 5200)
  const round = { ...challenge, kind: 'subtreeAuditChallenge' as const }
  assert.equal(of({ ...round, expectedCommitmentHash: pin }), 4000 + 256 * 400)
  assert.equal(of({ ...round, expectedCommitmentHash: new Uint8Array(32) }), undefined, 'refused at once')
  const openings = many(10, () => ({ key, blockIndex: 0 }))
  assert.equal(
    of({ ...challenge, kind: 'subtreeSliceChallenge', expectedCommitmentHash: pin, openings }),
    5000 + 10 * 400,
  )
  assert.equal(of({ kind: 'fetchRequest', key }), undefined)
})
