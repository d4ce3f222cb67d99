import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { initialClosest } from '../../../src/dht/witnessed-close-group.ts'
import { keyOf } from '../../../src/protocol/index.ts'
import { peerOf } from './support/addresses.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld } from './support/world.ts'

test('a seed with a name must have it; one without may be anybody', async () => {
  const world = new DhtWorld(51)
  const seed = world.add()
  await world.run(() => seed.dht.start(never))
  const address = seed.network.socket
  for (const [expected, connected] of [
    [peerOf('somebody else'), false],
    [seed.peer, true],
    [undefined, true],
  ] as const) {
    const node = world.add({ seeds: [expected === undefined ? { address } : { address, expected }] })
    await world.run(() => node.dht.start(never))
    assert.equal(node.network.connectionOf(seed.peer) !== undefined, connected)
  }
  await world.stop()
})

test('a node whose seeds are dead asks everybody who comes to it meanwhile', async () => {
  const world = new DhtWorld(52)
  const node = world.add({ seeds: [{ address: { ip: '99.0.0.1', port: 1 } }], inboundWaitMs: 60_000 })
  const probes = ['30.0.0.1', '30.0.1.1'].map((ip) => new Probe(world, ip))
  const asked = (probe: Probe) => probe.received.some(({ message }) => message.operation.kind === 'findNode')
  for (const probe of probes) {
    probe.answer = (message) =>
      message.operation.kind === 'findNode'
        ? { ...message, type: 'response', result: { kind: 'nodesFound', key: message.operation.key, nodes: [] } }
        : undefined
  }
  await world.run(async () => {
    const started = node.dht.start(never)
    await world.world.clock.sleep(5_000, never)
    await Promise.all(probes.map(({ network }) => network.connectAddress(node.network.socket, { signal: never })))
    await started
  })
  assert.deepEqual(probes.map(asked), [true, true])
  assert.equal(node.dht.bootstrapped, true)
  await world.stop()
})

test('nobody known: a stop leaves the files of the last run as they are', async () => {
  const world = new DhtWorld(53)
  const written: string[] = []
  const files = { read: async () => undefined, write: async (name: string) => void written.push(name) }
  const node = world.add({}, { files })
  await world.run(() => node.dht.start(never))
  await world.stop()
  assert.deepEqual(written, [])
})

test('the initial closest are others, each once, nearest first', () => {
  const [self, a, b] = ['self', 'a', 'b'].map(peerOf) as [ReturnType<typeof peerOf>, ...ReturnType<typeof peerOf>[]]
  const found = [self, b, a, b].map((peer) => ({ peer: peer as typeof self, addresses: [] }))
  const target = keyOf(a as typeof self)
  assert.deepEqual(
    initialClosest(target, self, found, 5).map(({ peer }) => peer),
    [a, b],
  )
})
