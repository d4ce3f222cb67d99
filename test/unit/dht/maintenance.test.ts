import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { dhtDefaults } from '../../../src/dht/index.ts'
import { type DhtMessage, keyOf } from '../../../src/protocol/index.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld, type Member } from './support/world.ts'

const MINUTE = 60_000
const NEVER_MS = 1e9
/** No walks and pings but those of the test. */
const QUIET = {
  ...{
    selfLookupMinMs: NEVER_MS,
    selfLookupMaxMs: NEVER_MS,
    bucketRefreshMinMs: NEVER_MS,
    bucketRefreshMaxMs: NEVER_MS,
  },
}

/** Nodes that joined through the first. */
async function network(size: number, options = {}) {
  const world = new DhtWorld(11)
  const first = world.add(options)
  const seeds = [{ address: first.network.socket }]
  for (let i = 1; i < size; i++) world.add({ ...options, seeds })
  for (const { dht } of world.members) await world.run(() => dht.start(never))
  await world.world.advance(10_000)
  return { world, seeds, first, last: world.members.at(-1) as Member }
}
const knows = ({ dht }: Member, { peer }: { peer: Member['peer'] }) => dht.addressesOf(peer).length > 0

test('without the watch a killed neighbour leaves every table at a self-lookup tick after 15 minutes of silence', async () => {
  const { world, last } = await network(6, { neighbours: { ...dhtDefaults.neighbours, lookMs: NEVER_MS } })
  const changes: number[] = []
  const survivors = world.members.filter((member) => member !== last)
  survivors[0]?.dht.events.on('closestPeersChanged', ({ current }) => changes.push(current.length))
  world.hub.kill(last.peer)
  await world.world.advance(14 * MINUTE)
  assert.ok(survivors.every((member) => knows(member, last)))
  await world.world.advance(13 * MINUTE)
  for (const member of survivors) {
    assert.equal(knows(member, last), false)
    assert.equal(member.dht.tableSize, 4)
  }
  assert.deepEqual(changes, [4])
  await world.stop()
})

test('a full bucket of silent peers: they are pinged, the dead leave, the candidate gets the place', async () => {
  const world = new DhtWorld(5)
  const node = world.add({ ...QUIET, bucketSize: 4, limits: { maxPerIp: 50, maxPerSubnet: 50 } })
  await world.run(() => node.dht.start(never))
  const half = (probe: Probe) => ((keyOf(probe.peer)[0] as number) ^ (keyOf(node.peer)[0] as number)) >> 7
  const probes: Probe[] = []
  for (let i = 0; probes.length < 6; i++) {
    const probe = new Probe(world, `32.0.${i}.1`)
    if (half(probe) === 1) probes.push(probe)
  }
  const reply = (message: DhtMessage): DhtMessage => {
    const { operation } = message
    const pong = { kind: 'pongReceived', responder: message.target as never } as const
    const result = operation.kind === 'findNode' ? { kind: 'nodesFound' as const, key: operation.key, nodes: [] } : pong
    return { ...message, type: 'response', result }
  }
  for (const probe of probes) probe.answer = reply
  for (const probe of probes.slice(0, 4)) await probe.connect(node)
  assert.equal(node.dht.tableSize, 4)
  await world.world.advance(15 * MINUTE + 1000)
  await probes[4]?.connect(node)
  await world.world.advance(30_000)
  assert.equal(knows(node, probes[4] as Probe), false, 'all answered')

  await world.world.advance(16 * MINUTE)
  const silent = probes[0] as Probe
  silent.answer = () => undefined
  await probes[5]?.connect(node)
  await world.world.advance(60_000)
  assert.equal(node.dht.tableSize, 4)
  assert.equal(knows(node, silent), false)
  assert.ok(knows(node, probes[5] as Probe))
  await world.stop()
})

test('PeerRejected as answer to FindNode: removed and disconnected', async () => {
  const { world, first } = await network(3)
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(first)
  assert.ok(knows(first, probe))
  probe.answer = (message) =>
    message.operation.kind === 'findNode'
      ? { ...message, type: 'response', result: { kind: 'peerRejected' } }
      : undefined
  const result = await world.run(() => first.dht.lookup(keyOf(probe.peer), 7, { signal: never }))
  assert.ok(result.closest.every(({ peer }) => peer !== probe.peer))
  assert.equal(knows(first, probe), false)
  assert.equal(first.network.connectionOf(probe.peer), undefined)
  await world.stop()
})

test('an answer for another key, from another sender or twice is ignored; silence costs one unit', async () => {
  const { world, first } = await network(2)
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(first)
  probe.answer = (message) => ({
    ...{ ...message, type: 'response', result: { kind: 'nodesFound', key: keyOf(first.peer), nodes: [] } },
  })
  const other = world.members[1] as Member
  world.hub.kill(other.peer)
  await world.run(() => first.dht.lookup(keyOf(probe.peer), 7, { signal: never }))
  await world.world.advance(30_000)
  assert.ok(Math.abs(first.dht.trustOf(probe.peer) - 0.438) < 1e-3, `${first.dht.trustOf(probe.peer)}`)
  await world.stop()
})

test('a walk can be cancelled and leaves nothing open', async () => {
  const { world, first } = await network(4)
  const controller = new AbortController()
  const walk = world.run(async () => {
    const running = first.dht.lookup(keyOf(first.peer), 7, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(running, /enough/)
  })
  await walk
  assert.ok(first.dht.trustOf(world.members[1]?.peer as never) === 0.5)
  await world.stop()
})

test('witnessed group: views are self-inclusive and capped, self is dropped, too few peers is an error', async () => {
  const { world, seeds } = await network(12)
  const client = world.add({ role: 'client', seeds })
  await world.run(() => client.dht.start(never))
  const target = keyOf((world.members[4] as Member).peer)
  const seen: number[] = []
  const group = await world.run(() => client.dht.witnessedCloseGroup(target, { count: 7, viewSize: 5, signal: never }))
  assert.equal(group.initialClosest.length, 7)
  assert.equal(group.responderViews.length, 7)
  for (const { responder, view } of group.responderViews) {
    assert.equal(view.length, 5)
    const rank = group.initialClosest.findIndex(({ peer }) => peer === responder)
    if (rank < 5) assert.ok(view.some(({ peer }) => peer === responder))
    assert.ok(view.every(({ peer }) => peer !== client.peer))
  }
  await world.run(() => client.dht.lookup(target, 7, { signal: never, onCandidates: (near) => seen.push(near.length) }))
  assert.ok(seen.length > 1 && seen.every((n) => n > 0 && n <= 20))
  const options = { count: 13, viewSize: 20, signal: never }
  await assert.rejects(
    world.run(() => client.dht.witnessedCloseGroup(target, options)),
    { code: 'DHT_INSUFFICIENT_PEERS' },
  )
  for (const { dht } of world.members.slice(0, 12)) assert.equal(dht.addressesOf(client.peer).length, 0)
  assert.ok(client.network.connections().length >= 3)
  await world.stop()
})

test('bootstrap: unreachable seeds are no failure; a node that lost everybody finds back by itself', async () => {
  const world = new DhtWorld(9)
  const lonely = world.add({ seeds: [{ address: { ip: '99.0.0.1', port: 1 } }] })
  await world.run(() => lonely.dht.start(never))
  assert.equal(lonely.dht.bootstrapped, false)
  const late = world.add({ seeds: [{ address: lonely.network.socket }] })
  await world.run(() => late.dht.start(never))
  await world.world.advance(30_000)
  assert.equal(lonely.dht.bootstrapped, true)
  await lonely.network.disconnect(late.peer, 'test')
  assert.equal(late.network.connections().length, 0)
  await world.world.advance(40_000)
  assert.equal(late.network.connections().length, 1)
  await world.stop()
})

test('files: saved at stop, dialled after a restart without seeds, expected identity required, trust kept', async () => {
  const disk = new Map<string, string>()
  const files = {
    read: async (name: string) => disk.get(name),
    write: async (name: string, text: string) => void disk.set(name, text),
  }
  const world = new DhtWorld(13)
  const [a, b] = [world.add(), world.add()]
  const saver = world.add({ seeds: [{ address: a.network.socket }] }, { files })
  for (const { dht } of world.members) await world.run(() => dht.start(never))
  await world.world.advance(5000)
  saver.dht.reportTrust(a.peer, { success: false, weight: 1, reason: 'test' })
  await world.run(() => saver.dht.stop())
  assert.deepEqual([...disk.keys()].sort(), ['close_group_cache.json', 'routing_snapshot.json'])
  assert.ok(!disk.get('routing_snapshot.json')?.includes(b.peer) === (saver.dht.addressesOf(b.peer).length === 0))

  const again = world.add({}, { files })
  await world.run(() => again.dht.start(never))
  assert.ok(knows(again, a))
  assert.ok(Math.abs(again.dht.trustOf(a.peer) - 0.438) < 1e-3)
  await world.stop()
})
