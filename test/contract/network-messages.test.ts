/** How messages and requests arrive, and what bad ones get, whatever the transport below. */
import assert from 'node:assert/strict'
import { Aborted, codeOf, never, seededRandom, utf8 } from '../../src/base/index.ts'
import type { MessageContext } from '../../src/network/index.ts'
import { encodeRequestEnvelope, encodeWireMessage, peerIdOfPublicKey } from '../../src/protocol/index.ts'
import { metric, type TestNode } from '../support/network-harness.ts'
import { at, limit, onEveryTransport, start, stop, stranger, TOPIC } from '../support/network-scenarios.ts'

/** Messages that came in, whatever became of them. */
const total = ({ registry }: TestNode) =>
  [...registry.render().matchAll(/^myrmex_network_received_messages_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )

onEveryTransport((scenario) => {
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
})
