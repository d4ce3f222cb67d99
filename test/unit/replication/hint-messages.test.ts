/** Hints of a node that holds more for a neighbour than one message takes (scenario 14). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, never, seededRandom } from '../../../src/base/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  type ChunkAddress,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type NeighborHints,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { loneEngine } from './support/engine.ts'
import { address, many } from './support/seeds.ts'

const ALICE = 'a1'.repeat(32) as PeerId
const SEED = 20
const random = seededRandom(SEED)
const KEYS: ChunkAddress[] = many(40_000, () => address(random))
const EMPTY = { replicaHints: [], paidHints: [], bootstrapping: false }

test('a round tells them all, each once, in messages of bounded size', async () => {
  const messages: (readonly ChunkAddress[])[] = []
  const engine = await loneEngine({
    ...{ peers: [ALICE], paid: KEYS },
    request: (_peer, body): ReplicationBody | undefined => {
      if (body.kind !== 'neighborSyncRequest') return undefined
      messages.push(body.paidHints)
      return { kind: 'neighborSyncResponse', ...EMPTY, rejectedKeys: [] }
    },
  })
  await engine.pump.run(() => engine.replication.start(never))
  engine.events.emit('bootstrapComplete', { peers: 1 })
  await engine.pump.advance(minute)
  assert.equal(messages.length, 3, 'while it joins')
  await engine.pump.advance(29 * minute)
  assert.deepEqual(messages.slice(3), [[]], 'asked once more, and told nothing twice')
  messages.pop()
  await engine.pump.advance(90 * minute)
  assert.equal(messages.filter((hints) => hints.length > 0).length, 6, 'all again after an hour')
  await engine.pump.advance(60 * minute)
  const whole = messages.filter((hints) => hints.length > 0)
  assert.equal(whole.length, 6, 'and not in the hour after that')
  assert.ok(messages.every((hints) => hints.length <= 16_384))
  for (const run of [whole.slice(0, 3), whole.slice(3)]) {
    const all = run.flat()
    assert.deepEqual([new Set(all).size, all.length], [KEYS.length, KEYS.length], `seed ${SEED}`)
  }
  await engine.replication.stop()
})

test('answers go on where the last one had no room for more', async () => {
  const engine = await loneEngine({ peers: [ALICE], paid: KEYS })
  await engine.pump.run(() => engine.replication.start(never))
  const told: ChunkAddress[] = []
  for (let i = 0; i < 3; i++) {
    const request = encodeReplicationMessage({ requestId: 1n, body: { kind: 'neighborSyncRequest', ...EMPTY } })
    const context = { from: { peer: ALICE }, signal: never, answered: Promise.resolve() } as RequestContext
    const answer = await engine.pump.run(
      () => (engine.handlers.get(TOPIC_REPLICATION) as RequestHandler)(request, context) as Promise<Uint8Array>,
    )
    told.push(...(decodeReplicationMessage(answer).body as unknown as NeighborHints).paidHints)
  }
  assert.deepEqual([new Set(told).size, told.length], [KEYS.length, KEYS.length], `seed ${SEED}`)
  await engine.replication.stop()
})

test('a message that nobody answered is told again, and the list goes on from there', async () => {
  const heard: ChunkAddress[] = []
  let asked = 0
  const engine = await loneEngine({
    ...{ peers: [ALICE], paid: KEYS },
    request: (_peer, body): ReplicationBody | undefined => {
      // The second of three is lost.
      if (body.kind !== 'neighborSyncRequest' || ++asked === 2) return undefined
      heard.push(...body.paidHints)
      return { kind: 'neighborSyncResponse', ...EMPTY, rejectedKeys: [] }
    },
  })
  await engine.pump.run(() => engine.replication.start(never))
  engine.events.emit('bootstrapComplete', { peers: 1 })
  await engine.pump.advance(30 * minute)
  assert.equal(asked, 4)
  assert.deepEqual([new Set(heard).size, heard.length], [KEYS.length, KEYS.length], `seed ${SEED}`)
  await engine.replication.stop()
})
