/** What an answer may and may not do: who sends it, what its trailer carries, what counts as a sign of life. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Emitter, never, Registry, seededRandom, silentLogger } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { AnswerReader } from '../../../src/dht/answer-reader.ts'
import { DhtMessenger } from '../../../src/dht/dht-messenger.ts'
import { createDhtMetrics } from '../../../src/dht/metrics.ts'
import { dhtDefaults } from '../../../src/dht/options.ts'
import { localRecordView } from '../../../src/dht/record-view.ts'
import { TableKeeper } from '../../../src/dht/table-keeper.ts'
import { VerifiedRecords } from '../../../src/dht/verified-records.ts'
import type { MessageHandler, PeerConnection } from '../../../src/network/index.ts'
import {
  createAddressRecord,
  type DhtMessage,
  decodeAddressRecord,
  encodeDhtMessage,
  keyOf,
  peerIdOfPublicKey,
  type SignedAddressRecord,
  TOPIC_DHT,
  TOPIC_DHT_ADDRESS,
  transportRecord,
  verifyAddressRecord,
} from '../../../src/protocol/index.ts'
import { SimWorld } from '../../../src/sim/index.ts'
import { TrustEngine } from '../../../src/trust/index.ts'
import { brief, direct, peerOf } from './support/addresses.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld } from './support/world.ts'

test('an answer from somebody who was not asked is nothing, and does not use up the question', async () => {
  const world = new DhtWorld(41)
  const node = world.add({ role: 'client' })
  await world.run(() => node.dht.start(never))
  const [asked, liar, victim] = ['30.0.0.1', '30.0.1.1', '30.0.2.1'].map((ip, i) => {
    return new Probe(world, ip, i === 0 ? 'node/probe' : 'client/probe')
  }) as [Probe, Probe, Probe]
  await asked.connect(node)
  await liar.connect(node)
  const entry = { peerId: victim.peer, addresses: [direct('30.0.2.1:7000')] }
  asked.answer = (question) => {
    if (question.operation.kind !== 'findNode') return undefined
    const { key } = question.operation
    const lie: DhtMessage = { ...question, type: 'response', result: { kind: 'nodesFound', key, nodes: [entry] } }
    void liar.network.send(node.peer, TOPIC_DHT, encodeDhtMessage(lie), { signal: never })
    return undefined
  }
  const result = await world.run(() => node.dht.lookup(keyOf(victim.peer), 7, { signal: never }))
  assert.deepEqual(result.closest, [])
  assert.deepEqual(victim.received, [], 'nobody was asked on the word of the liar')
  assert.ok(Math.abs(node.dht.trustOf(asked.peer) - 0.438) < 1e-3, 'the question stayed open until its time was over')
  await world.stop()
})

function tableScene(ping: () => boolean = () => true) {
  const world = new SimWorld({ seed: 42, hash: backend() })
  const self = peerIdOfPublicKey(world.signer('self').publicKey)
  const signer = world.signer('owner')
  const owner = peerIdOfPublicKey(signer.publicKey)
  const keeper = new TableKeeper(
    {
      ...{ self, clock: world.clock, trust: new TrustEngine(), log: silentLogger, events: new Emitter() },
      metrics: createDhtMetrics(new Registry(), () => 0),
      ping: async () => ping(),
      ownIps: () => new Set(),
      published: () => undefined,
    },
    dhtDefaults,
  )
  const records = new VerifiedRecords({
    table: keeper.table,
    verify: async (record) => (await verifyAddressRecord(record, world.signatures)).kind === 'ok',
  })
  const reader = new AnswerReader({ keeper, records, localRecordView })
  const connection = (peer: typeof owner, ip: string) =>
    ({ peer, userAgent: 'node/x', remote: { ip, port: 1 } }) as PeerConnection
  keeper.connected(connection(owner, '7.7.7.7'))
  const sign = (sequence: bigint, address: string) =>
    createAddressRecord({ sequence, records: [transportRecord(direct(address))] }, signer)
  const key = keyOf(owner)
  const read = (record: SignedAddressRecord, nodes = [{ peerId: owner, addresses: [direct('6.6.6.6:6')] }]) =>
    reader.read(
      key,
      { result: { kind: 'nodesFound', key, nodes }, proofs: [record], from: connection(peerOf('r'), '5.5.5.5') },
      20,
    )
  return { world, keeper, owner, sign, read }
}

test('a record in a trailer counts only with its signature, and is no sign of life', async () => {
  const { world, keeper, owner, sign, read } = tableScene()
  await world.run(async () => {
    const record = await sign(5n, '4.4.4.4:4')
    const damaged = record.encoded.slice()
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1
    const forged = decodeAddressRecord(damaged)
    const seen = keeper.table.get(owner)?.lastSeen
    await world.clock.sleep(1000, never)
    const [doubted] = await read(forged)
    assert.equal(doubted?.authority.kind, 'hint')
    assert.equal(keeper.table.get(owner)?.publication, undefined)
    const [believed] = await read(record)
    assert.equal(believed?.authority.kind, 'v2')
    assert.deepEqual(brief(keeper.addressesOf(owner)), ['4.4.4.4:4/direct'])
    const [again] = await read(forged)
    assert.deepEqual(brief(again?.addresses ?? []), ['4.4.4.4:4/direct'], 'the forged twin of a known record')
    assert.equal(keeper.table.get(owner)?.lastSeen, seen)
  })
})

test('one lost ping is no death: who is silent twice leaves, who answers the second one stays', async () => {
  for (const [answers, stays] of [
    [[false, false], false],
    [[false, true], true],
    [[true], true],
  ] as const) {
    const left: boolean[] = [...answers]
    const { world, keeper, owner } = tableScene(() => left.shift() as boolean)
    const silent = await world.run(() => keeper.evictSilent([owner], never))
    assert.deepEqual([silent.length === 0, keeper.table.has(owner), left], [stays, stays, []])
  }
})

test('a third party’s list of a thousand addresses is cut to what an entry holds', async () => {
  const { world, read, sign } = tableScene()
  await world.run(async () => {
    const addresses = Array.from({ length: 1000 }, (_, i) => direct(`21.0.${i >> 8}.${i & 255}:1`))
    const [entry] = await read(await sign(1n, '1.1.1.1:1'), [{ peerId: peerOf('stranger'), addresses }])
    assert.equal(entry?.addresses.length, 8)
  })
})

test('every legal message of a peer is a sign of life, an illegal or undecodable one is not', async () => {
  const world = new SimWorld({ seed: 43, hash: backend() })
  const handlers = new Map<string, MessageHandler>()
  let touched = 0
  const messenger = new DhtMessenger(
    {
      network: {
        self: peerOf('self'),
        handle: (topic: string, _: unknown, handler: MessageHandler) => {
          handlers.set(topic, handler)
          return () => undefined
        },
      } as never,
      ...{ clock: world.clock, random: seededRandom(1), log: silentLogger },
      metrics: createDhtMetrics(new Registry(), () => 0),
      touch: () => void touched++,
      requestFailed: () => undefined,
      answer: async () => undefined,
    },
    dhtDefaults,
  )
  messenger.start()
  const from = { peer: peerOf('a') } as PeerConnection
  const base = { messageId: 'id', source: peerOf('a'), timestamp: 1, ttl: 10, hopCount: 0 }
  const deliver = (topic: string, message: Pick<DhtMessage, 'type' | 'operation' | 'result'>) =>
    handlers.get(topic)?.(encodeDhtMessage({ ...base, ...message }), { from, signal: never })
  const ping = { kind: 'ping' } as const
  await deliver(TOPIC_DHT_ADDRESS, { type: 'request', operation: ping })
  await deliver(TOPIC_DHT_ADDRESS, { type: 'response', operation: ping, result: { kind: 'leaveSuccess' } })
  await handlers.get(TOPIC_DHT)?.(new Uint8Array(9), { from, signal: never })
  assert.equal(touched, 0)
  await deliver(TOPIC_DHT, { type: 'request', operation: ping })
  await deliver(TOPIC_DHT, { type: 'response', operation: ping, result: { kind: 'leaveSuccess' } })
  await deliver(TOPIC_DHT, { type: 'error', operation: ping })
  await deliver(TOPIC_DHT_ADDRESS, { type: 'response', operation: ping, result: { kind: 'publishAddressAck' } })
  assert.equal(touched, 4)
})
