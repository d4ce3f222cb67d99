/** What a node sends first, on a line of 1 MB/s in virtual time (docs/adr/0012). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../src/base/index.ts'
import { type Lane, type NetworkOptions, SEND_LANE_DEFAULTS } from '../../src/network/index.ts'
import { published, SEED, simHarness, type TestNode } from '../support/network-harness.ts'

const TOPIC = 'test.topic'
const LARGE = 500_000

function scene(options: Partial<NetworkOptions> = {}) {
  const h = simHarness({ seed: SEED })
  const place = () => ({ port: 9000, host: h.world.network.addHost({ bandwidth: 1_000_000 }) })
  const sender = h.node('sender', { ...place(), options })
  const others = ['a', 'b', 'c'].map((name) => h.node(name, place()))
  const log: string[] = []
  const join = async () => {
    for (const node of [sender, ...others]) await node.network.start(never)
    for (const { network, host } of others) {
      network.handle(TOPIC, { maxBytes: LARGE }, (data) => void log.push(String.fromCharCode(data[0] as number)))
      const addresses = published({ ip: host?.ip as string, port: 9000 })
      await sender.network.connect(network.self, { signal: never, addresses })
    }
  }
  const send = (to: number, letter: string, bytes: number, lane: Lane, signal: AbortSignal = never) => {
    const data = new Uint8Array(bytes).fill(letter.charCodeAt(0))
    return sender.network.send((others[to] as TestNode).network.self, TOPIC, data, { signal, lane })
  }
  return { h, sender, others, log, join, send }
}

test('copies wait while a chunk is read, small messages pass, and the metrics tell (TEST_SEED)', async () => {
  const { h, sender, log, join, send } = scene()
  await h.run(join)
  await h.run(async () => {
    const sends = [send(0, 'r', LARGE, 'get'), send(1, 'c', LARGE, 'spread'), send(2, 's', 5000, 'hints')]
    await h.clock.sleep(100, never)
    const rendered = sender.registry.render()
    assert.match(rendered, /lane_waiting_bytes\{lane="spread"\} 50\d{4}/, `seed ${h.seed}`)
    assert.match(rendered, /lane_moving_bytes\{lane="get"\} 50\d{4}/, `seed ${h.seed}`)
    await Promise.all(sends)
  })
  assert.deepEqual(log, ['s', 'r', 'c'], `seed ${h.seed}`)
  const rest = sender.registry.render().match(/lane_(waiting|moving)_bytes\{[^}]*\} [1-9]/)
  assert.equal(rest, null, `seed ${h.seed}`)
  await h.cleanup()
})

test('a request that never had its turn is no fault of the peer; a full lane says so at once', async () => {
  const { lanes } = SEND_LANE_DEFAULTS
  const hints = { ...lanes.hints, waiting: 1, patienceMs: 60_000 }
  const { h, sender, others, join, send } = scene({
    lanes: { ...SEND_LANE_DEFAULTS, lanes: { ...lanes, hints } },
  })
  await h.run(join)
  const [a, b] = others.map(({ network }) => network.self) as [TestNode['network']['self'], TestNode['network']['self']]
  await h.run(async () => {
    const read = send(0, 'r', (9 * LARGE) / 10, 'get')
    const ask = () =>
      sender.network.request(b, 'mute', new Uint8Array(LARGE), { signal: never, timeoutMs: 200, lane: 'hints' })
    const waits = assert.rejects(ask(), { code: 'NETWORK_BUSY', message: /waited too long for its turn/ })
    await h.clock.sleep(50, never)
    await assert.rejects(ask(), { code: 'NETWORK_BUSY', message: /hints/ })
    await waits
    await read
    assert.deepEqual(sender.faults, [], `seed ${h.seed}`)
    // What had its turn and stays without an answer is its fault.
    const small = sender.network.request(a, 'mute', new Uint8Array(10), {
      signal: never,
      timeoutMs: 200,
      lane: 'hints',
    })
    await assert.rejects(small, { code: 'NETWORK_REQUEST_TIMEOUT' })
    assert.deepEqual(sender.faults, [{ peer: a, fault: 'requestFailed' }], `seed ${h.seed}`)
  })
  await h.cleanup()
})

test('who gives up while it waits leaves the line; without lanes everything goes at once', async () => {
  const { h, log, join, send } = scene()
  await h.run(join)
  await h.run(async () => {
    const { signal, abort } = controller()
    const read = send(0, 'r', LARGE, 'get')
    const given = assert.rejects(send(1, 'x', LARGE, 'spread', signal), /enough/)
    const other = send(2, 'c', LARGE, 'spread')
    await h.clock.sleep(50, never)
    abort()
    await Promise.all([read, given, other])
  })
  assert.deepEqual(log, ['r', 'c'], `seed ${h.seed}`)
  await h.cleanup()
  const free = scene({ lanes: { ...SEND_LANE_DEFAULTS, enabled: false } })
  await free.h.run(free.join)
  await free.h.run(() => Promise.all([free.send(1, 'c', LARGE, 'spread'), free.send(0, 'r', LARGE, 'get')]))
  assert.deepEqual(free.log, ['c', 'r'], `seed ${free.h.seed}`)
  await free.h.cleanup()
})

function controller() {
  const made = new AbortController()
  return { signal: made.signal, abort: () => made.abort(new Error('enough')) }
}
