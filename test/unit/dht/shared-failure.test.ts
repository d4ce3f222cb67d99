import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError, never } from '../../../src/base/index.ts'
import { FailureSignals } from '../../../src/dht/failure-signals.ts'
import { keyOf } from '../../../src/protocol/index.ts'
import { peerOf } from './support/addresses.ts'
import { Probe } from './support/probe.ts'
import { DhtWorld } from './support/world.ts'

test('a failure reaches every other watcher of that peer once, and nobody after the watch ended', () => {
  const signals = new FailureSignals()
  const [origin, other, ended, foreign] = Array.from({ length: 4 }, () => new AbortController()) as AbortController[]
  signals.watch(peerOf('a'), origin as AbortController)
  signals.watch(peerOf('a'), other as AbortController)
  signals.watch(peerOf('a'), ended as AbortController)()
  signals.watch(peerOf('b'), foreign as AbortController)
  signals.failed(peerOf('a'), origin)
  assert.deepEqual(
    [origin, other, ended, foreign].map((c) => c?.signal.aborted),
    [false, true, false, false],
  )
  const reason = (other as AbortController).signal.reason as { code: string }
  assert.equal(reason.code, 'DHT_PEER_FAILED_ELSEWHERE')
})

test('two walks wait for one silent peer: its failure ends both and costs one unit', async () => {
  const world = new DhtWorld(21)
  const node = world.add()
  await world.run(() => node.dht.start(never))
  const silent = new Probe(world, '30.0.0.1')
  await silent.connect(node)
  const walk = () => node.dht.lookup(keyOf(silent.peer), 7, { signal: never })
  const started = world.world.clock.monotonic()
  const results = await world.run(async () => {
    const first = walk()
    await world.world.clock.sleep(10_000, never)
    return Promise.all([first, walk()])
  })
  assert.ok(world.world.clock.monotonic() - started < 26_000, 'the second walk did not wait its own 25 s')
  assert.deepEqual(
    results.map(({ closest }) => closest.map(({ peer }) => peer)),
    [[node.peer], [node.peer]],
  )
  assert.ok(Math.abs(node.dht.trustOf(silent.peer) - 0.438) < 1e-3)
  await world.stop()
})

test('a question that could not be sent costs its peer one unit; our own stop and limits cost nothing', async () => {
  const world = new DhtWorld(22)
  const node = world.add({ role: 'client' })
  await world.run(() => node.dht.start(never))
  const probe = new Probe(world, '30.0.0.1')
  await probe.connect(node)
  for (const [code, trust] of [
    ['NETWORK_NOT_RUNNING', 0.5],
    ['NETWORK_SEND_FAILED', 0.438],
  ] as const) {
    node.network.send = () => Promise.reject(new CodedError(code, 'not sent'))
    await world.run(() => node.dht.lookup(keyOf(probe.peer), 7, { signal: never }))
    assert.ok(Math.abs(node.dht.trustOf(probe.peer) - trust) < 1e-3, code)
  }
  await world.stop()
})

test('one silent peer costs the first walk its 5 s, and those after it nothing', async () => {
  const world = new DhtWorld(23)
  const node = world.add()
  const seed = { address: node.network.localAddress }
  const others = Array.from({ length: 6 }, () => world.add({ seeds: [seed] }))
  await world.run(() => Promise.all([node, ...others].map(({ dht }) => dht.start(never))))
  const silent = new Probe(world, '30.0.0.1')
  await silent.connect(node)
  const walk = async () => {
    const started = world.world.clock.monotonic()
    const { closest } = await world.run(() => node.dht.lookup(keyOf(silent.peer), 20, { signal: never }))
    assert.deepEqual(closest.map(({ peer }) => peer).sort(), [node, ...others].map(({ peer }) => peer).sort())
    return world.world.clock.monotonic() - started
  }
  const took = [await walk(), await walk(), await walk()] as const
  assert.ok(took[0] >= 5000, `${took}`)
  assert.ok(took[1] < 2000 && took[2] < 2000, `${took}`)
  // A minute later it has another chance.
  await world.world.advance(60_000)
  assert.ok((await walk()) >= 5000)
  await world.stop()
})
