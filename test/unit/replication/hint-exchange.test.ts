/** What a sync of a neighbour counts for: hints and claims of those in the table, an answer for everybody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import type { RequestContext, RequestHandler } from '../../../src/network/index.ts'
import {
  type ChunkAddress,
  chunkAddressOf,
  decodeReplicationMessage,
  encodeReplicationMessage,
  type PeerId,
  type ReplicationBody,
  TOPIC_REPLICATION,
} from '../../../src/protocol/index.ts'
import { loneEngine } from './support/engine.ts'

const [ALICE, STRANGER] = ['a1'.repeat(32), 'b2'.repeat(32)] as [PeerId, PeerId]
const KEY = '5e'.repeat(31).concat('01') as ChunkAddress

async function open(request?: (peer: PeerId, body: ReplicationBody) => ReplicationBody | undefined) {
  const engine = await loneEngine({ peers: [ALICE], ...(request ? { request } : {}) })
  await engine.pump.run(() => engine.replication.start(never))
  const sync = async (peer: PeerId, change: { bootstrapping?: boolean; replicaHints?: ChunkAddress[] }) => {
    const hints = { replicaHints: [], paidHints: [], bootstrapping: false, ...change }
    const bytes = encodeReplicationMessage({ requestId: 1n, body: { kind: 'neighborSyncRequest', ...hints } })
    const context = { from: { peer }, signal: never, answered: Promise.resolve() } as RequestContext
    const handler = engine.handlers.get(TOPIC_REPLICATION) as RequestHandler
    const answer = await engine.pump.run(() => handler(bytes, context) as Promise<Uint8Array>)
    return decodeReplicationMessage(answer).body as Extract<ReplicationBody, { kind: 'neighborSyncResponse' }>
  }
  return { ...engine, sync, blamed: () => engine.reports.map(({ peer }) => peer) }
}

test('scenario 5: a stranger is answered, and neither its hints nor its claims count', async () => {
  const { replication, sync, blamed } = await open()
  for (const bootstrapping of [true, false, true]) {
    const { kind } = await sync(STRANGER, { bootstrapping, replicaHints: [KEY] })
    assert.equal(kind, 'neighborSyncResponse')
  }
  assert.deepEqual([replication.pending, blamed()], [0, []])
  await sync(ALICE, { replicaHints: [KEY] })
  assert.equal(replication.pending, 1)
  await replication.stop()
})

test('scenarios 46, 48 and 49: a claim has one day; a sync without it ends it, and the next one is too many', async () => {
  const { replication, pump, sync, blamed } = await open()
  await sync(ALICE, { bootstrapping: true })
  await pump.advance(23 * 60 * minute)
  await sync(ALICE, { bootstrapping: true })
  assert.deepEqual(blamed(), [])
  await pump.advance(2 * 60 * minute)
  await sync(ALICE, { bootstrapping: true })
  await sync(ALICE, { bootstrapping: true })
  assert.deepEqual(blamed(), [ALICE, ALICE], 'each observation')
  await replication.stop()

  const other = await open()
  await other.sync(ALICE, { bootstrapping: true })
  await other.sync(ALICE, { bootstrapping: false })
  assert.deepEqual(other.blamed(), [])
  await other.sync(ALICE, { bootstrapping: true })
  assert.deepEqual(other.blamed(), [ALICE])
  await other.replication.stop()
})

test('hints that come with a claim of bootstrapping are not taken', async () => {
  const { replication, sync } = await open()
  await sync(ALICE, { bootstrapping: true, replicaHints: [KEY] })
  assert.equal(replication.pending, 0)
  await replication.stop()
})

test('a peer that left the table while it was asked has its hints dropped', async () => {
  const peers = [ALICE]
  const engine = await loneEngine({
    peers,
    request: (peer, body) => {
      if (body.kind !== 'neighborSyncRequest') return undefined
      peers.length = 0
      engine.events.emit('peerRemoved', { peer })
      const hints = { replicaHints: [KEY], paidHints: [], bootstrapping: false }
      return { kind: 'neighborSyncResponse', ...hints, rejectedKeys: [] }
    },
  })
  await engine.pump.run(() => engine.replication.start(never))
  engine.events.emit('bootstrapComplete', { peers: 1 })
  await engine.pump.advance(minute)
  assert.equal(peers.length, 0, 'it was asked')
  assert.equal(engine.replication.pending, 0)
  await engine.replication.stop()
})

test('replica hints are repeated until a peer has answered them, paid ones are said once; then only what is new', async () => {
  const asked: ReplicationBody[] = []
  const { replication, store, events, pump, sync } = await open((_peer, body) => {
    if (body.kind !== 'neighborSyncRequest') return undefined
    asked.push(body)
    const nothing = { replicaHints: [], paidHints: [], bootstrapping: false }
    return { kind: 'neighborSyncResponse', ...nothing, rejectedKeys: [] }
  })
  const hold = async (text: string) => {
    const bytes = Buffer.from(text)
    const address = chunkAddressOf(backend().blake3(bytes))
    await store.put(address, bytes)
    replication.chunkStored(address)
    await replication.chunkPaid(address)
    return address
  }
  const hints = async (peer: PeerId) => {
    const { replicaHints, paidHints } = await sync(peer, {})
    return { replicaHints, paidHints }
  }
  const [first, nothing] = [await hold('first'), { replicaHints: [], paidHints: [] }]
  assert.deepEqual(await hints(ALICE), { replicaHints: [first], paidHints: [first] })
  assert.deepEqual(await hints(ALICE), { replicaHints: [first], paidHints: [] }, 'the first answer may be lost')
  events.emit('bootstrapComplete', { peers: 1 })
  await pump.advance(minute)
  const { replicaHints, paidHints } = asked[0] as Extract<ReplicationBody, { kind: 'neighborSyncRequest' }>
  assert.deepEqual({ replicaHints, paidHints }, { replicaHints: [first], paidHints: [] }, 'our own question')
  assert.deepEqual(await hints(ALICE), nothing, 'it has answered')
  const second = await hold('second')
  assert.deepEqual(await hints(ALICE), { replicaHints: [second], paidHints: [second] })
  events.emit('peerRemoved', { peer: ALICE })
  assert.deepEqual(
    (await hints(ALICE)).replicaHints.toSorted(),
    [first, second].toSorted(),
    'who left the table is told all when it comes back',
  )
  await replication.stop()
})

test('a paid chunk of our group that nobody hints any more is found within the hour', async () => {
  const content = Buffer.from('nobody said so')
  const key = chunkAddressOf(backend().blake3(content))
  let asked = 0
  const engine = await loneEngine({
    ...{ peers: [ALICE], paid: [key] },
    request: (_peer, body) => {
      if (body.kind === 'verificationRequest')
        return { kind: 'verificationResponse', results: body.keys.map((each) => ({ key: each, present: true })) }
      if (body.kind !== 'fetchRequest') return undefined
      asked++
      return { kind: 'fetchResponse', result: { kind: 'success', key, data: content } }
    },
  })
  await engine.pump.run(() => engine.replication.start(never))
  engine.events.emit('bootstrapComplete', { peers: 1 })
  await engine.pump.advance(59 * minute)
  assert.equal(engine.store.has(key), false)
  await engine.pump.advance(2 * minute)
  assert.deepEqual([engine.store.has(key), asked], [true, 1])
  await engine.replication.stop()
})
