/** 10^4 malformed messages over one connection: nothing escapes, nothing grows, the next good message is delivered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, randomBelow, seededRandom, utf8 } from '../../src/base/index.ts'
import { encodeRequestEnvelope, encodeWireMessage, peerIdOfPublicKey, Writer } from '../../src/protocol/index.ts'
import { memoryHarness, metric } from '../support/network-harness.ts'

const MESSAGES = 10_000
const TOPIC = 'test.topic'

test('10^4 malformed messages are survived', async () => {
  const h = memoryHarness()
  const random = seededRandom(h.seed)
  const node = h.node('victim')
  const delivered: number[] = []
  node.network.handle(TOPIC, { maxBytes: 100 }, (data) => void delivered.push(data.length))
  node.network.handleRequests('ask', { maxBytes: 100 }, async () => undefined)
  const signer = h.signer('evil')
  const from = peerIdOfPublicKey(signer.publicKey)
  const fields = { topic: TOPIC, data: utf8('good'), from, timestamp: 1, userAgent: 'node/evil' }
  const good = await encodeWireMessage(fields, signer)
  const envelope = encodeRequestEnvelope({ messageId: 'x', isResponse: true, payload: utf8('y') })
  const signed = [
    await encodeWireMessage({ ...fields, topic: '/rr/ask', data: utf8('no envelope') }, signer),
    await encodeWireMessage({ ...fields, topic: '/rr/ask', data: envelope }, signer),
    await encodeWireMessage({ ...fields, topic: '/rr/a/b', data: envelope }, signer),
    await encodeWireMessage({ ...fields, data: new Uint8Array(101) }, signer),
    await encodeWireMessage({ ...fields, topic: '', userAgent: '\0'.repeat(10_000) }, signer),
  ]
  /** A length that promises more than there is, at a random field. */
  const liar = () => {
    const writer = new Writer(64)
    const fields = randomBelow(random, 3)
    for (let i = 0; i < fields; i++) writer.byteString(random.bytes(4))
    return writer.uint(2n ** BigInt(randomBelow(random, 64))).finish()
  }
  const kinds: (() => Uint8Array)[] = [
    () => random.bytes(randomBelow(random, 200)),
    () => good.subarray(0, randomBelow(random, good.length)),
    () => {
      const broken = good.slice()
      const at = randomBelow(random, broken.length)
      broken[at] = (broken[at] as number) ^ (1 + randomBelow(random, 255))
      return broken
    },
    liar,
    () => signed[randomBelow(random, signed.length)] as Uint8Array,
    () => new Uint8Array(0),
  ]
  const transport = h.transport(signer)
  await h.run(async () => {
    await node.network.start(never)
    await transport.start(never)
    const link = await transport.dial(node.network.localAddress, { signal: never, timeoutMs: 5000 })
    for (let i = 0; i < MESSAGES; i++) {
      const kind = kinds[randomBelow(random, kinds.length)] as () => Uint8Array
      await link.send(kind(), { signal: never })
      if (i % 32 === 0) await h.clock.sleep(1, never)
    }
    await h.clock.sleep(1000, never)
    await link.send(good, { signal: never })
  })
  await h.settle(() => true)
  assert.deepEqual(delivered, [4], `seed ${h.seed}`)
  const outcomes = node.registry.render().match(/received_messages_total\{[^}]*outcome="(\w+)"/g) ?? []
  assert.ok(outcomes.length >= 6, outcomes.join())
  assert.equal(metric(node.registry, 'myrmex_network_connections_count'), 1)
  await h.run(async () => void (await Promise.all([node.network.stop(), transport.stop()])))
})

test('a flood is cut at the queue and does not starve others', async () => {
  const h = memoryHarness()
  const node = h.node('victim')
  const seen = new Map<string, number>()
  node.network.handle(
    TOPIC,
    { maxBytes: 100 },
    (_, { from }) => void seen.set(from.userAgent, (seen.get(from.userAgent) ?? 0) + 1),
  )
  const [flooder, quiet] = [
    h.node('flooder', { options: { userAgent: 'flooder' } }),
    h.node('quiet', { options: { userAgent: 'quiet' } }),
  ]
  await h.run(async () => {
    await Promise.all([node, flooder, quiet].map(({ network }) => network.start(never)))
    const to = { signal: never }
    await flooder.network.connectAddress(node.network.localAddress, to)
    await quiet.network.connectAddress(node.network.localAddress, to)
    const flood = Array.from({ length: 1000 }, () => flooder.network.send(node.network.self, TOPIC, utf8('x'), to))
    const calm = Array.from({ length: 10 }, () => quiet.network.send(node.network.self, TOPIC, utf8('x'), to))
    await Promise.all([...flood, ...calm])
  })
  await h.settle(() => true)
  assert.equal(seen.get('quiet'), 10)
  const dropped = metric(node.registry, 'myrmex_network_received_messages_total{topic="other",outcome="queueFull"}')
  assert.ok(dropped > 0)
  assert.equal((seen.get('flooder') ?? 0) + dropped, 1000)
  await h.run(async () => void (await Promise.all([node, flooder, quiet].map(({ network }) => network.stop()))))
})
