/** Whom a network reaches, whatever the transport below: dials that are shared, cross, are refused or lead nowhere. */
import assert from 'node:assert/strict'
import { Aborted, never, utf8 } from '../../src/base/index.ts'
import { peerIdOfPublicKey } from '../../src/protocol/index.ts'
import { metric, published } from '../support/network-harness.ts'
import { at, CONNECTIONS, limit, onEveryTransport, start, stop, TOPIC } from '../support/network-scenarios.ts'

onEveryTransport((scenario) => {
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
})
