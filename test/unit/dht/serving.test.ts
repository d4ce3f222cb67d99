import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { type DhtNode, encodeDhtMessage, keyOf, TOPIC_DHT, TOPIC_DHT_ADDRESS } from '../../../src/protocol/index.ts'
import { brief, direct } from './support/addresses.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld } from './support/world.ts'

async function oneNode(options = {}) {
  const world = new DhtWorld(3)
  const node = world.add(options)
  await world.run(() => node.dht.start(never))
  return { world, node }
}
const nodesOf = (replies: Awaited<ReturnType<Probe['ask']>>): readonly DhtNode[] => {
  const result = replies[0]?.message.result
  assert.ok(result?.kind === 'nodesFound')
  return result.nodes
}

test('FindNode: an empty table is an empty list; then the 20 nearest without the asker, never self', async () => {
  const { world, node } = await oneNode()
  const client = new Probe(world, '30.0.0.1', 'client/probe')
  await client.connect(node)
  const key = keyOf(client.peer)
  assert.deepEqual(nodesOf(await client.ask(node, { kind: 'findNode', key })), [])
  const probes = Array.from({ length: 25 }, (_, i) => new Probe(world, `31.${i}.0.1`))
  for (const probe of probes) await probe.connect(node)
  assert.ok(node.dht.tableSize >= 20)
  assert.equal(nodesOf(await client.ask(node, { kind: 'findNode', key })).length, 20)
  const asker = probes.find(({ peer }) => node.dht.addressesOf(peer).length > 0) as Probe
  const own = nodesOf(await asker.ask(node, { kind: 'findNode', key: keyOf(asker.peer) }))
  assert.equal(own.length, 19)
  assert.ok(own.every(({ peerId }) => peerId !== asker.peer && peerId !== node.peer))
  await world.stop()
})

test('Ping, Join, Leave: results, echoed operation and id, ttl and hop count', async () => {
  const { world, node } = await oneNode({ role: 'client' })
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(node)
  const [pong] = await probe.ask(node, { kind: 'ping' })
  assert.deepEqual(pong?.message.result, { kind: 'pongReceived', responder: node.peer })
  assert.deepEqual([pong?.message.ttl, pong?.message.hopCount, pong?.message.target], [9, 1, probe.peer])
  const [joined] = await probe.ask(node, { kind: 'join' })
  assert.deepEqual(joined?.message.result, { kind: 'joinSuccess', assignedKey: keyOf(probe.peer), bootstrapPeers: 1 })
  const [left] = await probe.ask(node, { kind: 'leave' })
  assert.deepEqual([left?.message.result, left?.message.operation], [{ kind: 'leaveSuccess' }, { kind: 'leave' }])
  await world.stop()
})

test('V1 is applied and acknowledged with a Ping payload, an old one is acknowledged too', async () => {
  const { world, node } = await oneNode()
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(node)
  const publish = (sequence: bigint, address: string) =>
    probe.ask(node, { kind: 'publishAddressSet', sequence, addresses: [direct(address)] })
  for (const [sequence, address] of [
    [5n, '1.1.1.1:1'],
    [4n, '2.2.2.2:2'],
  ] as const) {
    const [ack] = await publish(sequence, address)
    assert.deepEqual(
      [ack?.topic, ack?.message.operation, ack?.message.result],
      [TOPIC_DHT, { kind: 'ping' }, { kind: 'publishAddressAck' }],
    )
    assert.deepEqual(brief(node.dht.addressesOf(probe.peer)), ['1.1.1.1:1/direct'])
  }
  assert.deepEqual(node.network.published, [probe.peer])
  await world.stop()
})

test('V2: applied over V1 and forwarded with its proof; a stranger is rejected; a flipped byte is silence', async () => {
  const { world, node } = await oneNode()
  const probe = new Probe(world, '30.0.0.1')
  const stranger = new Probe(world, '30.0.1.1', 'client/probe')
  await probe.connect(node)
  await stranger.connect(node)
  await probe.ask(node, { kind: 'publishAddressSet', sequence: 900n, addresses: [direct('1.1.1.1:1')] })
  const record = await probe.sign(7n, [direct('4.4.4.4:4')])
  const bad = { ...record, encoded: record.encoded.with(record.encoded.length - 1, 1) as typeof record.encoded }
  const topic = TOPIC_DHT_ADDRESS
  assert.deepEqual(await probe.ask(node, { kind: 'publishAddressSetV2', record: bad }, { topic }), [])
  assert.deepEqual(brief(node.dht.addressesOf(probe.peer)), ['1.1.1.1:1/direct'])
  const [ack] = await probe.ask(node, { kind: 'publishAddressSetV2', record }, { topic })
  assert.deepEqual([ack?.topic, ack?.message.result], [topic, { kind: 'publishAddressAck' }])
  assert.deepEqual(brief(node.dht.addressesOf(probe.peer)), ['4.4.4.4:4/direct'])

  const foreign = await stranger.ask(node, { kind: 'publishAddressSetV2', record }, { topic })
  assert.deepEqual(foreign, [], 'the owner is not the sender')
  const own = await stranger.sign(1n, [direct('5.5.5.5:5')])
  const [rejected] = await stranger.ask(node, { kind: 'publishAddressSetV2', record: own }, { topic })
  assert.deepEqual(rejected?.message.result, { kind: 'peerRejected' })

  const [found] = await stranger.ask(node, { kind: 'findNode', key: keyOf(probe.peer) })
  assert.deepEqual(
    found?.proofs.map(({ encoded }) => encoded),
    [record.encoded],
  )
  assert.equal(nodesOf([found as never])[0]?.publicationSequence, 7n)
  await world.stop()
})

test('V2 on the plain topic is answered there; a foreign kind on the address topic is silence', async () => {
  const { world, node } = await oneNode()
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(node)
  const record = await probe.sign(7n, [direct('4.4.4.4:4')])
  assert.equal((await probe.ask(node, { kind: 'publishAddressSetV2', record }))[0]?.topic, TOPIC_DHT)
  assert.deepEqual(await probe.ask(node, { kind: 'ping' }, { topic: TOPIC_DHT_ADDRESS }), [])
  assert.deepEqual(await probe.ask(node, { kind: 'ping' }, { change: { type: 'broadcast' } }), [])
  await world.stop()
})

test('a flood of pings is answered up to the burst and then dropped, other peers are not affected', async () => {
  const { world, node } = await oneNode({ peerRequestBurst: 5, peerRequestsPerSecond: 1 })
  const [noisy, quiet] = [new Probe(world, '30.0.0.1'), new Probe(world, '30.0.1.1')]
  await noisy.connect(node)
  await quiet.connect(node)
  for (let i = 0; i < 40; i++) {
    const operation = { kind: 'ping' } as const
    const bytes = encodeDhtMessage({
      ...{ messageId: `${i}`, source: noisy.peer, type: 'request', operation, timestamp: 1, ttl: 10, hopCount: 0 },
    })
    await world.run(() => noisy.network.send(node.peer, TOPIC_DHT, bytes, { signal: never }))
  }
  await world.world.advance(500)
  const answered = noisy.received.filter(({ message }) => message.result?.kind === 'pongReceived').length
  assert.equal(answered, 5)
  assert.equal((await quiet.ask(node, { kind: 'ping' })).length, 1)
  await world.stop()
})

test('clients are never admitted; loopback is refused in production', async () => {
  const { world, node } = await oneNode()
  await new Probe(world, '30.0.0.1', 'client/x').connect(node)
  await new Probe(world, '127.0.0.1').connect(node)
  assert.equal(node.dht.tableSize, 0)
  await new Probe(world, '30.0.1.1', 'node/my-impl;x').connect(node)
  assert.equal(node.dht.tableSize, 1)
  await world.stop()
})
