/** What a network does, whatever the transport below it: in memory, simulated, real QUIC when the addon is built. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Aborted, codeOf, never, seededRandom, utf8 } from '../../src/base/index.ts'
import type { MessageContext } from '../../src/network/index.ts'
import {
  encodeIdentityAnnounce,
  encodeRequestEnvelope,
  encodeWireMessage,
  type PeerId,
  peerIdOfPublicKey,
} from '../../src/protocol/index.ts'
import { type Connection, quicAvailability } from '../../src/transport/index.ts'
import {
  type Harness,
  memoryHarness,
  metric,
  published,
  quicHarness,
  simHarness,
  type TestNode,
} from '../support/network-harness.ts'

const TOPIC = 'test.topic'
const CONNECTIONS = 'myrmex_network_connections_count'
const limit = { maxBytes: 1 << 20 }
const quic = quicAvailability()
const drivers: [string, () => Harness, string | false][] = [
  ['memory', () => memoryHarness(), false],
  ['sim', () => simHarness(), false],
  ['quic', () => quicHarness(), quic.available ? false : quic.reason],
]

const start = (...nodes: TestNode[]) => Promise.all(nodes.map(({ network }) => network.start(never)))
/** Messages that came in, whatever became of them. */
const total = ({ registry }: TestNode) =>
  [...registry.render().matchAll(/^myrmex_network_received_messages_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )
const stop = (...nodes: TestNode[]) => Promise.all(nodes.map(({ network }) => network.stop()))
const at = (node: TestNode) => ({ signal: never, addresses: published(node.network.localAddress) })

/** A peer made by hand: its own key, messages of any shape. */
async function stranger(
  h: Harness,
  name: string,
  to: TestNode,
): Promise<{
  connection: Connection
  peer: PeerId
  close: () => Promise<void>
  announce: () => Promise<void>
  received: Uint8Array[]
}> {
  const signer = h.signer(name)
  const transport = h.transport(signer)
  await transport.start(never)
  const connection = await transport.dial(to.network.localAddress, { signal: never, timeoutMs: 5000 })
  const received: Uint8Array[] = []
  connection.onMessage = (message) => received.push(message)
  const peer = peerIdOfPublicKey(signer.publicKey)
  const announce = async () => {
    const bytes = await encodeIdentityAnnounce({ from: peer, timestamp: 1, userAgent: 'node/hand' }, signer)
    await connection.send(bytes, { signal: never })
  }
  return { connection, peer, received, announce, close: () => transport.stop() }
}

for (const [driver, create, skip] of drivers) {
  const scenario = (name: string, work: (harness: Harness) => Promise<void>) =>
    test(`${driver}: ${name}`, { skip, timeout: 60_000 }, async () => {
      const harness = create()
      try {
        await work(harness)
      } finally {
        await harness.cleanup()
      }
    })

  scenario('both sides announce and identify each other', async (h) => {
    const [a, b] = [h.node('a'), h.node('b', { options: { userAgent: 'client/x' } })]
    const seen: string[] = []
    a.network.events.on('peerConnected', ({ peer, userAgent, side }) => seen.push(`a ${peer} ${userAgent} ${side}`))
    b.network.events.on('peerConnected', ({ peer, userAgent, side }) => seen.push(`b ${peer} ${userAgent} ${side}`))
    await h.run(async () => {
      await start(a, b)
      const link = await a.network.connect(b.network.self, at(b))
      assert.equal(link.peer, b.network.self)
      assert.equal(link.userAgent, 'client/x')
      assert.equal(link.side, 'dialler')
      assert.deepEqual(link.publicKey, b.signer.publicKey)
    })
    await h.settle(() => seen.length === 2)
    assert.deepEqual(seen.sort(), [`a ${b.network.self} client/x dialler`, `b ${a.network.self} node/test acceptor`])
    assert.deepEqual(b.network.connectionOf(a.network.self)?.remote, a.network.localAddress)
    await h.run(() => stop(a, b))
    assert.equal(metric(a.registry, CONNECTIONS), 0)
    assert.equal(metric(b.registry, CONNECTIONS), 0)
  })

  scenario('a peer counts as connected only after its first verified message', async (h) => {
    const a = h.node('a')
    const connected: PeerId[] = []
    const observed: string[] = []
    a.network.events.on('peerConnected', ({ peer }) => void connected.push(peer))
    a.network.events.on('addressObserved', ({ address }) => void observed.push(`${address.ip} ${address.port}`))
    await h.run(() => start(a))
    const peer = await h.run(() => stranger(h, 's', a))
    await h.settle(() => peer.received.length === 1)
    assert.deepEqual(connected, [])
    assert.equal(a.network.connectionOf(peer.peer), undefined)
    assert.deepEqual(observed, [])
    assert.equal(peer.received.length, 1, 'we announce at once')
    await h.run(() => peer.announce())
    await h.settle(() => connected.length === 1 && observed.length === 1)
    assert.deepEqual(connected, [peer.peer])
    assert.equal(a.network.connectionOf(peer.peer)?.userAgent, 'node/hand')
    const { ip, port } = a.network.localAddress
    assert.deepEqual(observed, [`${ip} ${port}`])
    await h.run(async () => void (await Promise.all([stop(a), peer.close()])))
  })

  scenario('messages arrive with their sender, in both directions, small and large', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    const got: string[] = []
    const record =
      (name: string) =>
      (data: Uint8Array, { from }: MessageContext) =>
        void got.push(`${name} ${data.length} ${from.peer}`)
    a.network.handle(TOPIC, limit, record('a'))
    b.network.handle(TOPIC, limit, record('b'))
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
      await b.network.connect(a.network.self, at(a))
      await a.network.send(b.network.self, TOPIC, utf8('hello'), { signal: never })
      await a.network.send(b.network.self, TOPIC, new Uint8Array(500_000), { signal: never, lane: 'get' })
      await b.network.send(a.network.self, TOPIC, new Uint8Array(0), { signal: never })
    })
    await h.settle(() => got.length === 3)
    assert.deepEqual(
      got.sort(),
      [`a 0 ${b.network.self}`, `b 5 ${a.network.self}`, `b 500000 ${a.network.self}`].sort(),
    )
    assert.equal(metric(a.registry, `myrmex_network_sent_messages_total{topic="other",outcome="sent"}`), 0)
    assert.equal(metric(a.registry, `myrmex_network_sent_messages_total{topic="${TOPIC}",outcome="sent"}`), 2)
    await h.run(() => stop(a, b))
  })

  scenario('a prepared message is signed once, whoever gets it', async (h) => {
    const [a, b, c] = [h.node('a'), h.node('b'), h.node('c')]
    const got: string[] = []
    for (const node of [b, c]) node.network.handle(TOPIC, limit, (data) => void got.push(`${data.length}`))
    await h.run(async () => {
      await start(a, b, c)
      for (const node of [b, c]) await a.network.connect(node.network.self, at(node))
      const message = a.network.prepare(TOPIC, new Uint8Array(70_000))
      const bytes = message.bytes()
      for (const node of [b, c]) await a.network.sendPrepared(node.network.self, message, { signal: never })
      assert.equal(await message.bytes(), await bytes)
      const tooLarge = a.network.prepare(TOPIC, new Uint8Array(11 << 20))
      await assert.rejects(a.network.sendPrepared(b.network.self, tooLarge, { signal: never }), {
        code: 'NETWORK_MESSAGE_TOO_LARGE',
      })
    })
    await h.settle(() => got.length === 2)
    assert.deepEqual(got, ['70000', '70000'])
    await h.run(() => stop(a, b, c))
  })

  scenario('callers that connect at once share one dial', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    await h.run(async () => {
      await start(a, b)
      const links = await Promise.all(Array.from({ length: 20 }, () => a.network.connect(b.network.self, at(b))))
      assert.equal(new Set(links).size, 1)
    })
    await h.settle(() => metric(b.registry, CONNECTIONS) === 1)
    assert.equal(metric(a.registry, 'myrmex_network_dials_total{outcome="connected"}'), 1)
    assert.equal(metric(b.registry, CONNECTIONS), 1)
    await h.run(() => stop(a, b))
  })

  scenario('a joiner that gives up does not end the dial of the others', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    await h.run(async () => {
      await start(a, b)
      const impatient = new AbortController()
      const given = a.network.connect(b.network.self, { ...at(b), signal: impatient.signal })
      const stays = a.network.connect(b.network.self, at(b))
      impatient.abort(new Aborted('no time'))
      await assert.rejects(given, /no time/)
      assert.equal((await stays).peer, b.network.self)
    })
    await h.run(() => stop(a, b))
  })

  scenario('the wrong identity is refused, remembered and reported', async (h) => {
    const [a, b, c] = [h.node('a'), h.node('b'), h.node('c')]
    await h.run(async () => {
      await start(a, b)
      const wrong = () => a.network.connect(c.network.self, at(b))
      await assert.rejects(wrong, { code: 'NETWORK_IDENTITY_MISMATCH' })
      await assert.rejects(wrong, { code: 'NETWORK_IDENTITY_MISMATCH', message: /suppressed/ })
      assert.equal(a.network.isDialable(c.network.self, at(b).addresses), false)
      const bare = a.network.connectAddress(b.network.localAddress, { signal: never, expected: c.network.self })
      await assert.rejects(bare, { code: 'NETWORK_IDENTITY_MISMATCH' })
      await assert.rejects(a.network.connect(a.network.self, at(b)), { code: 'NETWORK_SELF' })
    })
    assert.deepEqual(a.faults, [{ peer: c.network.self, fault: 'identityMismatch' }])
    await h.run(() => stop(a, b))
  })

  scenario('a bare address is dialled for whoever is there; a live connection is used again', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    await h.run(async () => {
      await start(a, b)
      const bare = () => a.network.connectAddress(b.network.localAddress, { signal: never })
      const first = await bare()
      assert.equal(first.peer, b.network.self)
      assert.equal(await bare(), first)
      assert.equal(await a.network.connect(b.network.self, { signal: never, addresses: [] }), first)
      await assert.rejects(a.network.connectAddress(a.network.localAddress, { signal: never }), {
        code: 'NETWORK_SELF',
      })
    })
    assert.equal(metric(b.registry, CONNECTIONS), 1)
    await h.run(() => stop(a, b))
  })

  scenario('somebody who never says who it is is given up and left alone', async (h) => {
    const a = h.node('a')
    const signer = h.signer('silent')
    const silent = peerIdOfPublicKey(signer.publicKey)
    const transport = h.transport(signer)
    await h.run(async () => {
      await start(a)
      await transport.start(never)
      const signal = never
      const dial = () => a.network.connect(silent, { signal, addresses: published(transport.localAddress) })
      await assert.rejects(dial, { code: 'NETWORK_IDENTITY_FAILED' })
      await assert.rejects(dial, { code: 'NETWORK_IDENTITY_FAILED', message: /suppressed/ })
    })
    assert.deepEqual(a.faults, [{ peer: silent, fault: 'identityFailed' }])
    await h.settle(() => metric(a.registry, CONNECTIONS) === 0)
    assert.equal(metric(a.registry, CONNECTIONS), 0)
    await h.run(async () => void (await Promise.all([stop(a), transport.stop()])))
  })

  scenario('nobody at any address: one fault, then the memory answers', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    await h.run(async () => {
      await start(a, b)
      const options = at(b)
      await b.network.stop()
      const dial = () => a.network.connect(b.network.self, options)
      await assert.rejects(dial, { code: 'NETWORK_UNREACHABLE' })
      await assert.rejects(dial, { code: 'NETWORK_UNREACHABLE', message: /may be dialled/ })
      assert.equal(a.network.isDialable(b.network.self, options.addresses), false)
      a.network.addressesPublished(b.network.self, [], options.addresses)
      assert.equal(a.network.isDialable(b.network.self, options.addresses), true)
      const send = a.network.send(b.network.self, TOPIC, utf8('x'), { signal: never })
      await assert.rejects(send, { code: 'NETWORK_UNREACHABLE' }, 'no address known')
    })
    assert.deepEqual(a.faults, [{ peer: b.network.self, fault: 'dialFailed' }])
    await h.run(() => stop(a, b))
  })

  scenario('a peer that stops is gone at once, and a send after its restart recovers', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    const got: number[] = []
    const gone: boolean[] = []
    a.network.events.on('peerDisconnected', ({ orderly }) => void gone.push(orderly))
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
    })
    const { port } = b.network.localAddress
    await h.run(() => stop(b))
    await h.settle(() => gone.length === 1)
    assert.deepEqual(gone, [true])
    assert.equal(a.network.connectionOf(b.network.self), undefined)
    const again = h.node('b', { port, signer: b.signer, ...(b.host ? { host: b.host } : {}) })
    again.network.handle(TOPIC, limit, (data) => void got.push(data.length))
    await h.run(async () => {
      await start(again)
      await a.network.send(b.network.self, TOPIC, utf8('again'), { signal: never })
    })
    await h.settle(() => got.length === 1)
    assert.deepEqual(got, [5])
    await h.run(() => stop(a, again))
  })

  scenario('a connection that dies under a send costs one reconnect and no message', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    const got: number[] = []
    b.network.handle(TOPIC, limit, (data) => void got.push(data.length))
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
      const closing = a.network.disconnect(b.network.self, 'test')
      await a.network.send(b.network.self, TOPIC, utf8('still'), { signal: never })
      await closing
    })
    await h.settle(() => got.length === 1)
    assert.deepEqual(got, [5])
    await h.run(() => stop(a, b))
  })

  scenario('requests are answered, time out, and end when the peer is gone', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    b.network.handleRequests('echo', limit, async (data) => Uint8Array.from(data, (byte) => byte + 1))
    b.network.handleRequests('mute', limit, async () => undefined)
    b.network.handleRequests('broken', limit, async () => {
      throw new Error('a bug')
    })
    const ask = (protocol: string, timeoutMs = 5000) =>
      a.network.request(b.network.self, protocol, Uint8Array.of(1, 2), { signal: never, timeoutMs })
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
      assert.deepEqual([...(await ask('echo'))], [2, 3])
      await assert.rejects(ask('mute', 300), { code: 'NETWORK_REQUEST_TIMEOUT' })
      await assert.rejects(ask('broken', 300), { code: 'NETWORK_REQUEST_TIMEOUT' })
      await assert.rejects(ask('unknown', 300), { code: 'NETWORK_REQUEST_TIMEOUT' })
      await assert.rejects(ask('a/b'), { code: 'PROTOCOL_ENCODE' })
      const given = new AbortController()
      const aborted = a.network.request(b.network.self, 'mute', utf8(''), { signal: given.signal, timeoutMs: 5000 })
      given.abort(new Aborted('not needed'))
      await assert.rejects(aborted, /not needed/)
      const [lost] = await Promise.allSettled([ask('mute', 60_000), b.network.stop()])
      assert.equal(lost.status === 'rejected' && codeOf(lost.reason), 'NETWORK_REQUEST_LOST')
    })
    assert.equal(a.faults.filter(({ fault }) => fault === 'requestFailed').length, 4)
    assert.equal(
      metric(b.registry, 'myrmex_network_received_messages_total{topic="/rr/broken",outcome="handlerFailed"}'),
      1,
    )
    await h.run(() => stop(a))
  })

  scenario('at most 256 requests are outstanding', async (h) => {
    const [a, b] = [h.node('a', { options: { maxOutstandingRequests: 3 } }), h.node('b')]
    b.network.handleRequests('mute', limit, async () => undefined)
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
      const ask = () => a.network.request(b.network.self, 'mute', utf8(''), { signal: never, timeoutMs: 500 })
      const results = await Promise.allSettled([ask(), ask(), ask(), ask()])
      const codes = results.map((result) => result.status === 'rejected' && codeOf(result.reason))
      assert.deepEqual(codes.sort(), ['NETWORK_REQUESTS_FULL', ...Array(3).fill('NETWORK_REQUEST_TIMEOUT')])
    })
    assert.equal(a.faults.length, 3, 'our own limit is not the peer’s fault')
    await h.run(() => stop(a, b))
  })

  scenario('a spoofed answer finds nothing and consumes nothing', async (h) => {
    const [a, b, evil] = [h.node('a'), h.node('b'), h.node('evil')]
    let id = ''
    let answer: (() => void) | undefined
    b.network.handleRequests('slow', limit, () => new Promise((resolve) => (answer = () => resolve(utf8('true')))))
    b.network.handle('leak', limit, () => undefined)
    await h.run(async () => {
      await start(a, b, evil)
      await a.network.connect(b.network.self, at(b))
      await evil.network.connect(a.network.self, at(a))
    })
    const randomIds = seededRandom(h.seed)
    const { randomUuid } = await import('../../src/base/index.ts')
    id = randomUuid(randomIds)
    const result = h.run(async () => {
      const asked = a.network.request(b.network.self, 'slow', utf8('?'), { signal: never, timeoutMs: 20_000 })
      const spoof = encodeRequestEnvelope({ messageId: id, isResponse: true, payload: utf8('lie') })
      await evil.network.send(a.network.self, '/rr/slow', spoof, { signal: never })
      await evil.network.send(a.network.self, '/rr/slow', spoof, { signal: never })
      while (answer === undefined) await h.clock.sleep(50, never)
      answer()
      return asked
    })
    assert.equal(new TextDecoder().decode(await result), 'true')
    const unmatched = () =>
      metric(a.registry, 'myrmex_network_received_messages_total{topic="other",outcome="unmatchedResponse"}')
    await h.settle(() => unmatched() === 2)
    assert.equal(unmatched(), 2)
    await h.run(() => stop(a, b, evil))
  })

  scenario('what bad messages get (wire.md 9, 25)', async (h) => {
    const a = h.node('a')
    const delivered: string[] = []
    a.network.handle(TOPIC, { maxBytes: 10 }, (data) => void delivered.push(new TextDecoder().decode(data)))
    await h.run(() => start(a))
    const peer = await h.run(() => stranger(h, 's', a))
    const [own, other] = [h.signer('s2'), h.signer('other')]
    const transport = h.transport(own)
    const from = peerIdOfPublicKey(own.publicKey)
    const fields = { topic: TOPIC, data: utf8('ok'), from, timestamp: 1, userAgent: 'node/x' }
    await h.run(async () => {
      await transport.start(never)
      const link = await transport.dial(a.network.localAddress, { signal: never, timeoutMs: 5000 })
      const send = (bytes: Uint8Array) => link.send(bytes, { signal: never })
      const good = await encodeWireMessage(fields, own)
      const changed = (at: number) => Uint8Array.from(good, (byte, i) => (i === at ? byte ^ 1 : byte))
      await send(await encodeWireMessage({ ...fields, from: peerIdOfPublicKey(other.publicKey) }, other)) // foreign key
      await send(await encodeWireMessage({ ...fields, from: peerIdOfPublicKey(other.publicKey) }, own)) // foreign from
      await send(await encodeWireMessage(fields, other)) // own from, foreign key
      await send(changed(13)) // data
      await send(changed(good.length - 3309)) // signature
      await send(good.subarray(0, good.length - 1)) // one byte short
      await send(utf8('junk'))
      await send(good)
      await send(good) // replayed
      await send(Uint8Array.of(...good, 1, 2, 3)) // trailing bytes
      await send(await encodeWireMessage({ ...fields, data: utf8('eleven long') }, own)) // above the topic's limit
      await send(await encodeWireMessage({ ...fields, topic: 'nobody.listens' }, own))
      await send(await encodeWireMessage({ ...fields, topic: '/rr/nobody', data: utf8('no envelope') }, own))
      const unsigned = good.slice(0, good.length - 3309 - 2)
      await send(Uint8Array.of(...unsigned, 0)) // key without signature
    })
    await h.settle(() => total(a) === 14)
    assert.deepEqual(delivered, ['ok', 'ok', 'ok'])
    const count = (outcome: string, topic = 'other') =>
      metric(a.registry, `myrmex_network_received_messages_total{topic="${topic}",outcome="${outcome}"}`)
    assert.equal(count('foreignKey', TOPIC), 2)
    assert.equal(count('badSignature', TOPIC), 3, 'a key that is not the sender’s, changed data, changed signature')
    assert.equal(count('undecodable'), 3)
    assert.equal(count('tooLarge', TOPIC), 1)
    assert.equal(count('unknownTopic'), 1)
    assert.equal(count('unsigned', TOPIC), 1)
    assert.equal(a.network.connectionOf(from)?.peer, from, 'the connection lives')
    await h.run(async () => void (await Promise.all([stop(a), transport.stop(), peer.close()])))
  })

  scenario('handlers that throw, hang or come too many harm nobody', async (h) => {
    const [a, b] = [h.node('a'), h.node('b', { options: { maxRunningHandlers: 2, handlerBudgetMs: 1000 } })]
    const aborted: unknown[] = []
    let calls = 0
    b.network.handle(TOPIC, limit, (_, { signal }) => {
      if (calls++ === 0) throw new Error('a bug')
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted.push(codeOf(signal.reason))
          reject(signal.reason)
        }),
      )
    })
    const busy = () => metric(b.registry, `myrmex_network_received_messages_total{topic="${TOPIC}",outcome="busy"}`)
    await h.run(async () => {
      await start(a, b)
      await a.network.connect(b.network.self, at(b))
      for (let i = 0; i < 5; i++) {
        await a.network.send(b.network.self, TOPIC, Uint8Array.of(i), { signal: never })
        while (calls + busy() === i) await h.clock.sleep(5, never)
      }
    })
    await h.settle(() => aborted.length === 2)
    assert.equal(calls, 3)
    assert.deepEqual(aborted, ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
    assert.equal(busy(), 2)
    await h.run(() => stop(a, b))
  })

  scenario('both dial at once: both agree on one connection and close the other', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    const got: string[] = []
    a.network.handle(TOPIC, limit, (data) => void got.push(`a ${data[0]}`))
    b.network.handle(TOPIC, limit, (data) => void got.push(`b ${data[0]}`))
    await h.run(async () => {
      await start(a, b)
      const [toB, toA] = [at(b), at(a)]
      await Promise.all([a.network.connect(b.network.self, toB), b.network.connect(a.network.self, toA)])
      for (let i = 0; i < 10; i++) {
        await a.network.send(b.network.self, TOPIC, Uint8Array.of(i), { signal: never })
        await b.network.send(a.network.self, TOPIC, Uint8Array.of(i), { signal: never })
        await h.clock.sleep(100, never)
      }
    })
    await h.settle(
      () => metric(a.registry, CONNECTIONS) === 1 && metric(b.registry, CONNECTIONS) === 1 && got.length === 20,
    )
    assert.equal(got.length, 20, 'nothing was lost')
    assert.equal(metric(a.registry, CONNECTIONS), 1)
    assert.equal(metric(b.registry, CONNECTIONS), 1)
    const sides = [a.network.connectionOf(b.network.self)?.side, b.network.connectionOf(a.network.self)?.side]
    assert.deepEqual(sides.sort(), ['acceptor', 'dialler'])
    await h.run(() => stop(a, b))
  })

  scenario('inbound connections are limited', async (h) => {
    const a = h.node('a', { options: { maxConnections: 2 } })
    await h.run(() => start(a))
    const peers = await h.run(() => Promise.all(['x', 'y', 'z'].map((name) => stranger(h, name, a))))
    await h.run(() => Promise.allSettled(peers.map((peer) => peer.announce())))
    const refused = () => metric(a.registry, 'myrmex_network_inbound_refused_total{reason="total"}')
    await h.settle(() => a.network.connections().length === 2 && refused() === 1)
    assert.equal(a.network.connections().length, 2)
    assert.equal(refused(), 1)
    await h.run(async () => void (await Promise.all([stop(a), ...peers.map((peer) => peer.close())])))
  })

  scenario('having all the connections one may have is nobody’s fault', async (h) => {
    const [a, b, c] = [h.node('a', { options: { maxConnections: 1 } }), h.node('b'), h.node('c')]
    await h.run(async () => {
      await start(a, b, c)
      await a.network.connect(b.network.self, at(b))
      await assert.rejects(a.network.connect(c.network.self, at(c)), { code: 'NETWORK_UNREACHABLE' })
      assert.ok(a.network.isDialable(c.network.self, at(c).addresses), 'nothing is held against the peer')
    })
    assert.deepEqual(a.faults, [])
    await h.run(() => stop(a, b, c))
  })

  scenario('a stranger that stays silent is shown the door', async (h) => {
    const a = h.node('a', { options: { inboundIdentityWaitMs: 300 } })
    await h.run(() => start(a))
    const peer = await h.run(() => stranger(h, 's', a))
    const reason = await h.run(() => peer.connection.closed)
    assert.equal(reason.kind, 'peer')
    await h.run(async () => void (await Promise.all([stop(a), peer.close()])))
  })

  scenario('starts and stops twice, and not again after that', async (h) => {
    const [a, b] = [h.node('a'), h.node('b')]
    await h.run(async () => {
      await assert.rejects(a.network.connect(b.network.self, { signal: never }), { code: 'NETWORK_NOT_RUNNING' })
      await start(a, b)
      await start(a)
      const pending = a.network.request(b.network.self, 'x', utf8(''), { signal: never, timeoutMs: 60_000 })
      const [lost] = await Promise.allSettled([pending, a.network.stop(), a.network.stop()])
      assert.equal(lost.status === 'rejected' && codeOf(lost.reason), 'NETWORK_NOT_RUNNING')
      await assert.rejects(a.network.start(never), { code: 'NETWORK_NOT_RUNNING' })
      await assert.rejects(a.network.send(b.network.self, TOPIC, utf8(''), { signal: never }), {
        code: 'NETWORK_NOT_RUNNING',
      })
      await stop(b)
    })
  })
}
