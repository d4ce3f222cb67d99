import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, minute, never } from '../../../src/base/index.ts'
import { Publisher, type PublisherDeps } from '../../../src/dht/publisher.ts'
import type { PeerConnection } from '../../../src/network/index.ts'
import type { DhtOperation, SignedAddressRecord, TypedAddress } from '../../../src/protocol/index.ts'
import { direct, peerOf } from './support/addresses.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld } from './support/world.ts'

function scene(changes: Partial<PublisherDeps> = {}) {
  const state = {
    addresses: [direct('1.1.1.1:1')] as TypedAddress[],
    sequences: [] as bigint[],
    failed: 0,
    now: 0,
    /** Of every peer; undefined: nobody is connected. */
    connection: undefined as PeerConnection | undefined,
    saidAt: undefined as number | undefined,
    pings: 0,
  }
  const sent: DhtOperation['kind'][] = []
  const publisher = new Publisher(
    {
      clock: { nowNanos: () => 1_000n, monotonic: () => state.now } as Clock,
      log: { debug: () => undefined } as never,
      addresses: () => state.addresses,
      sign: async (sequence) => {
        state.sequences.push(sequence)
        return { sequence } as SignedAddressRecord
      },
      send: async (_, __, operation) => void sent.push(operation.kind),
      sendFailed: () => void state.failed++,
      connectionOf: () => state.connection,
      saidAt: () => state.saidAt,
      ping: async () => state.pings++,
      ...changes,
    },
    { publicationsAtOnce: 2, publicationAgeMs: 60 * minute, keepAliveMs: 5 * minute },
  )
  return { publisher, state, sent }
}

test('an unchanged set keeps its signature, a changed one gets a larger sequence, an empty one is not sent', async () => {
  const { publisher, state, sent } = scene()
  await publisher.publishTo([peerOf('a'), peerOf('b')], never)
  await publisher.publishTo([peerOf('a')], never)
  assert.equal(state.sequences.length, 1)
  assert.equal(sent.length, 6, 'V1 and V2 to each')
  state.addresses = [direct('2.2.2.2:2')]
  await publisher.publishTo([peerOf('a')], never)
  assert.ok((state.sequences[1] as bigint) > (state.sequences[0] as bigint), 'also when the clock stands still')
  state.addresses = []
  await publisher.publishTo([peerOf('a')], never)
  assert.deepEqual([state.sequences.length, sent.length], [2, 8])
  assert.equal(await publisher.record(), undefined)
})

test('who heard it on the connection it still has is not told again; after a silence a ping says that we are there', async () => {
  const { publisher, state, sent } = scene()
  const said = async (at: number) => {
    state.now = at
    sent.length = 0
    state.pings = 0
    await publisher.refresh([peerOf('a')], never)
    return sent.length === 2 ? 'told' : state.pings === 1 ? 'pinged' : 'nothing'
  }
  assert.equal(await said(0), 'told', 'without a connection nobody knows what it knows')
  state.connection = {} as PeerConnection
  state.saidAt = 1
  assert.equal(await said(1), 'told')
  assert.equal(await said(5 * minute), 'nothing')
  assert.equal(await said(5 * minute + 1), 'pinged', 'we have said nothing for five minutes')
  state.saidAt = 9 * minute
  assert.equal(await said(13 * minute), 'nothing', 'an answer of ours was a word too')
  state.connection = {} as PeerConnection
  assert.equal(await said(13 * minute + 1), 'told', 'a new connection: it may have started anew')
  state.addresses = [direct('2.2.2.2:2')]
  assert.equal(await said(13 * minute + 2), 'told', 'news')
  state.saidAt = 73 * minute
  assert.equal(await said(73 * minute), 'nothing')
  assert.equal(await said(73 * minute + 3), 'told', 'an hour later, in case it had no place for us')
  sent.length = 0
  await publisher.publishTo([peerOf('a')], never)
  assert.equal(sent.length, 2, 'who is told by name is told')
})

test('nobody to tell: nothing is signed; a signature that failed is tried again', async () => {
  let calls = 0
  const { publisher, sent } = scene({
    sign: async (sequence) => {
      if (++calls === 1) throw new Error('the pool is busy')
      return { sequence } as SignedAddressRecord
    },
  })
  await publisher.publishTo([], never)
  assert.equal(calls, 0)
  await assert.rejects(publisher.publishTo([peerOf('a')], never), /busy/)
  await publisher.publishTo([peerOf('a')], never)
  assert.deepEqual([calls, sent], [2, ['publishAddressSet', 'publishAddressSetV2']])
})

test('what cannot be sent costs its recipient one unit, and the others get theirs', async () => {
  const bad = peerOf('b')
  const sent: string[] = []
  const { publisher, state } = scene({
    send: async (peer, _, { kind }) => {
      if (peer === bad) throw new Error('gone')
      sent.push(kind)
    },
  })
  await publisher.publishTo([bad, peerOf('a')], never)
  assert.deepEqual([state.failed, sent.length], [1, 2])
})

test('reports of our address are passed on only when they change what we say, however many come', async () => {
  const world = new DhtWorld(31)
  const node = world.add({}, { silent: true })
  await world.run(() => node.dht.start(never))
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(node)
  const publications = () => probe.received.filter(({ message }) => message.operation.kind === 'publishAddressSetV2')
  const observe = async (observer: string, ip: string) => {
    node.network.events.emit('addressObserved', { peer: peerOf(observer), address: { ip, port: 9 } })
    await world.world.advance(3000)
  }
  await observe('a', '9.9.9.9')
  await observe('b', '9.9.9.9')
  const before = publications().length
  assert.equal(before, 1)
  for (let i = 1; i < 40; i++) await observe('e', `8.8.8.${i}`)
  assert.equal(publications().length, before, 'one liar changes nothing that two saw')
  await observe('c', '8.8.8.39')
  await observe('d', '8.8.8.39')
  assert.equal(publications().length, before + 1, 'more witnesses do')
  await world.stop()
})
