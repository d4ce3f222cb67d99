/** When a connection counts, what it tells, how many there may be and how it ends, whatever the transport below. */
import assert from 'node:assert/strict'
import { codeOf, never, utf8 } from '../../src/base/index.ts'
import type { PeerId } from '../../src/protocol/index.ts'
import { metric } from '../support/network-harness.ts'
import { at, CONNECTIONS, limit, onEveryTransport, start, stop, stranger, TOPIC } from '../support/network-scenarios.ts'

onEveryTransport((scenario) => {
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
})
