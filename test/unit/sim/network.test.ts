import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, never, seededRandom } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import {
  lossDelayMs,
  REGIONS,
  type Region,
  type SimHost,
  type SimNetworkOptions,
  SimWorld,
  uniformLatency,
} from '../../../src/sim/index.ts'
import type { Connection, Transport } from '../../../src/transport/index.ts'

function worldOf(network: Partial<SimNetworkOptions> = {}): SimWorld {
  return new SimWorld({ seed: 7, hash: backend(), latency: uniformLatency(50), network: { packetLoss: 0, ...network } })
}

interface Pair {
  readonly world: SimWorld
  readonly hosts: [SimHost, SimHost]
  readonly transports: [Transport, Transport]
  readonly a: Connection
  readonly b: Connection
  readonly got: { at: number; bytes: number }[]
}

async function connect(world: SimWorld): Promise<Pair> {
  const hosts: [SimHost, SimHost] = [world.network.addHost(), world.network.addHost()]
  const transports = hosts.map((host, i) =>
    host.createTransport({ port: 9000, publicKey: world.signer(`${i}`).publicKey }),
  ) as [Transport, Transport]
  const got: Pair['got'] = []
  let b: Connection | undefined
  transports[1].onConnection = (connection) => {
    b = connection
    connection.onMessage = (message) => got.push({ at: world.clock.monotonic(), bytes: message.length })
  }
  const a = await world.run(async () => {
    await Promise.all(transports.map((transport) => transport.start(never)))
    return transports[0].dial(transports[1].localAddress, { signal: never, timeoutMs: 5000 })
  })
  await world.advance(60)
  return { world, hosts, transports, a, b: b as Connection, got }
}

const dial = (pair: Pair, from: 0 | 1, timeoutMs = 1000) =>
  pair.world.run(() => {
    const to = pair.transports[1 - from] as Transport
    return pair.transports[from].dial(to.localAddress, { signal: never, timeoutMs })
  })

test('a handshake takes one round trip, a message half of one', async () => {
  const pair = await connect(worldOf())
  assert.equal(pair.world.clock.monotonic(), 160)
  await pair.world.run(() => pair.a.send(new Uint8Array(100), { signal: never }))
  assert.equal(pair.world.clock.monotonic(), 160, 'a small message has left at once')
  await pair.world.run(() => pair.a.send(new Uint8Array(100), { signal: never, acknowledged: true }))
  assert.ok(pair.world.clock.monotonic() >= 260 && pair.world.clock.monotonic() <= 262)
  assert.deepEqual(
    pair.got.map(({ bytes }) => bytes),
    [100, 100],
  )
  assert.ok(pair.got.every(({ at }) => at >= 210 && at <= 212))
})

test('a large message takes the line for its size, small ones pass it', async () => {
  const pair = await connect(worldOf({ bandwidth: 1_000_000 }))
  const started = pair.world.clock.monotonic()
  const large = pair.a.send(new Uint8Array(1_000_000), { signal: never, acknowledged: true })
  void pair.a.send(new Uint8Array(1000), { signal: never })
  await pair.world.run(() => large)
  assert.deepEqual(
    pair.got.map(({ bytes }) => bytes),
    [1000, 1_000_000],
  )
  assert.ok((pair.got[0]?.at ?? 0) - started < 60)
  assert.ok((pair.got[1]?.at ?? 0) - started > 1000)
})

/** One host that hears from others, each with as far a way as given. */
async function listener(waysMs: readonly number[], bandwidth: number) {
  const from = (region: string) => waysMs[REGIONS.indexOf(region as Region) - 1] ?? 0
  const way = (a: Region, b: Region) => Math.max(from(a), from(b))
  const latency = { baseMs: way, sampleMs: way }
  const world = new SimWorld({ seed: 7, hash: backend(), latency, network: { packetLoss: 0, bandwidth } })
  const got: { at: number; from: number }[] = []
  const hosts = [0, ...waysMs].map((_, i) => world.network.addHost({ region: REGIONS[i] as Region }))
  const transports = hosts.map((host, i) =>
    host.createTransport({ port: 9000, publicKey: world.signer(`${i}`).publicKey }),
  )
  const [to, ...senders] = transports as [Transport, ...Transport[]]
  to.onConnection = (connection) => {
    const host = hosts.findIndex(({ ip }) => ip === connection.remote.ip)
    connection.onMessage = () => got.push({ at: world.clock.monotonic() - started, from: host - 1 })
  }
  const connections = await world.run(async () => {
    await Promise.all(transports.map((transport) => transport.start(never)))
    return Promise.all(senders.map((each) => each.dial(to.localAddress, { signal: never, timeoutMs: 5000 })))
  })
  await world.advance(2000)
  const started = world.clock.monotonic()
  return { world, connections, got }
}

test('small messages wait for small ones on the line of the host they come to, too', async () => {
  const { world, connections, got } = await listener([20, 20, 20, 20, 20], 12_500)
  for (const connection of connections)
    for (let i = 0; i < 20; i++) void connection.send(new Uint8Array(12_500 - 60), { signal: never })
  await world.advance(200_000)
  assert.equal(got.length, 100)
  const last = got.at(-1)?.at ?? 0
  assert.ok(last >= 100_000 && last < 102_000, `100 s of bytes in ${last} ms`)
})

test('what comes from afar holds nobody up before it is there', async () => {
  const { world, connections, got } = await listener([500, 10], 1_000_000)
  for (const connection of connections) void connection.send(new Uint8Array(100_000), { signal: never })
  await world.advance(2000)
  assert.deepEqual(
    got.map(({ from }) => from),
    [1, 0],
  )
  assert.ok((got[0]?.at ?? 0) < 220, `${got[0]?.at}: 100 ms out, 10 on the way, 100 in`)
  assert.ok((got[1]?.at ?? 0) < 710)
})

test('a close comes after all that left before it, however long the line there is', async () => {
  const { world, connections, got } = await listener([20, 20], 100_000)
  const [first, second] = connections as [Connection, Connection]
  await world.run(() => Promise.all(connections.map((each) => each.send(new Uint8Array(50_000), { signal: never }))))
  await Promise.all([first.close(0, 'done'), second.close(0, 'done')])
  await world.advance(5000)
  assert.equal(got.length, 2)
})

test('loss is delay: round trips and growing probe timeouts', () => {
  const random = seededRandom(1)
  const delays = (packetLoss: number) =>
    Array.from({ length: 2000 }, () => lossDelayMs({ bytes: 1000, packetLoss, rttMs: 100, random }))
  const share = (values: number[]) => values.filter((ms) => ms > 0).length / values.length
  assert.equal(share(delays(0)), 0)
  assert.ok(Math.abs(share(delays(0.1)) - 0.19) < 0.03, '1 - 0.9^2')
  assert.ok(delays(0.1).every((ms) => ms % 125 === 0))
})

test('closing tells the other side with code and reason, after what was sent before', async () => {
  const pair = await connect(worldOf())
  await pair.world.run(async () => {
    await pair.a.send(new Uint8Array(5), { signal: never })
    await pair.a.close(3, 'bye')
    assert.deepEqual(await pair.a.closed, { kind: 'local', code: 3, reason: 'bye' })
    await assert.rejects(pair.a.send(new Uint8Array(5), { signal: never }), { code: 'TRANSPORT_CLOSED' })
    assert.deepEqual(await pair.b.closed, { kind: 'peer', code: 3, reason: 'bye' })
  })
  assert.deepEqual(
    pair.got.map(({ bytes }) => bytes),
    [5],
  )
  assert.equal(pair.world.network.connections, 0)
})

test('an aborted send never arrives', async () => {
  const pair = await connect(worldOf())
  const controller = new AbortController()
  const sent = pair.a.send(new Uint8Array(50_000), { signal: controller.signal, acknowledged: true })
  controller.abort(new Error('changed my mind'))
  await assert.rejects(sent, /changed my mind/)
  await pair.world.advance(1000)
  assert.deepEqual(pair.got, [])
})

test('a killed host says nothing: the peer finds out by its idle timer, within 30 to 55 s', async () => {
  const pair = await connect(worldOf())
  const at = pair.world.clock.monotonic()
  let lateTimer = false
  pair.hosts[0].clock.timer(1000, () => (lateTimer = true))
  pair.hosts[0].kill()
  const reason = await pair.world.run(() => pair.b.closed)
  const took = pair.world.clock.monotonic() - at
  assert.equal(reason.kind, 'timeout')
  assert.ok(took >= 30_000 && took <= 55_000, `${took}`)
  assert.equal(lateTimer, false, 'timers of a dead process never fire')
  await assert.rejects(dial(pair, 1), { code: 'TRANSPORT_DIAL_TIMEOUT' })
  pair.hosts[0].restart()
  const transport = pair.hosts[0].createTransport({ port: 9000, publicKey: pair.b.remoteKey })
  await transport.start(never)
  const again = await pair.world.run(() =>
    pair.transports[1].dial(transport.localAddress, { signal: never, timeoutMs: 1000 }),
  )
  assert.deepEqual(again.remote, transport.localAddress)
})

test('a ping is answered by a live host only, and its answer takes a round trip', async () => {
  const pair = await connect(worldOf())
  const heard = () => pair.b.stats().receivedBytes
  const before = heard()
  pair.b.ping()
  assert.equal(heard(), before)
  await pair.world.advance(pair.b.stats().rttMs + 1)
  const answered = heard()
  assert.ok(answered > before)
  pair.b.ping()
  pair.hosts[0].kill()
  await pair.world.advance(5000)
  pair.b.ping()
  await pair.world.advance(5000)
  assert.equal(heard(), answered)
})

test('what is sent into silence brings the end nearer: 30 s after the first of it', async () => {
  const pair = await connect(worldOf())
  pair.hosts[0].kill()
  await pair.world.advance(1000)
  const at = pair.world.clock.monotonic()
  await pair.world.run(() => pair.b.send(new Uint8Array(10), { signal: never }))
  const big = pair.b.send(new Uint8Array(2_000_000), { signal: never })
  await assert.rejects(
    pair.world.run(() => big),
    { code: 'TRANSPORT_SEND_STALLED' },
  )
  const lost = pair.b.send(new Uint8Array(10), { signal: never, acknowledged: true })
  const [outcome] = await pair.world.run(() => Promise.allSettled([lost]))
  assert.equal(outcome.status === 'rejected' && codeOf(outcome.reason), 'TRANSPORT_CLOSED')
  assert.equal(pair.world.clock.monotonic() - at, 30_000)
})

test('a short partition delays, a long one ends; no dial passes it', async () => {
  const pair = await connect(worldOf())
  const { world } = pair
  world.network.partition([[pair.hosts[0]]])
  await world.run(() => pair.a.send(new Uint8Array(1), { signal: never }))
  await assert.rejects(dial(pair, 0), { code: 'TRANSPORT_DIAL_TIMEOUT' })
  await world.advance(10_000)
  assert.deepEqual(pair.got, [])
  world.network.heal()
  await world.advance(500)
  assert.deepEqual(
    pair.got.map(({ bytes }) => bytes),
    [1],
  )
  world.network.cut(pair.hosts[0], pair.hosts[1])
  await world.advance(60_000)
  assert.equal(world.network.connections, 0)
  assert.equal((await pair.a.closed).kind, 'timeout')
  assert.equal((await pair.b.closed).kind, 'timeout')
})

test('a message on its way when the partition begins comes after it', async () => {
  const pair = await connect(worldOf())
  await pair.world.run(() => pair.a.send(new Uint8Array(1), { signal: never }))
  await pair.world.advance(10)
  pair.world.network.partition([[pair.hosts[0]]])
  await pair.world.advance(1000)
  assert.deepEqual(pair.got, [])
  pair.world.network.heal()
  await pair.world.advance(500)
  assert.equal(pair.got.length, 1)
})

test('one-way reachability: behind a NAT it dials but is not dialled; single ways can be blocked', async () => {
  const pair = await connect(worldOf())
  pair.hosts[0].reachable = false
  await assert.rejects(dial(pair, 1), { code: 'TRANSPORT_DIAL_TIMEOUT' })
  assert.equal((await dial(pair, 0)).side, 'dialler')
  pair.hosts[0].reachable = true
  pair.world.network.blockDials(pair.hosts[0], pair.hosts[1])
  await assert.rejects(dial(pair, 0), { code: 'TRANSPORT_DIAL_TIMEOUT' })
  assert.equal((await dial(pair, 1)).side, 'dialler')
  await pair.world.run(() => pair.a.send(new Uint8Array(1), { signal: never }))
})

test('two transports of a host cannot share a port', async () => {
  const pair = await connect(worldOf())
  const second = pair.hosts[0].createTransport({ port: 9000, publicKey: pair.b.remoteKey })
  await assert.rejects(second.start(never), { code: 'TRANSPORT_ADDRESS_IN_USE' })
})
