/** What the table of live connections must not forget: timers, counts, grudges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../../src/base/index.ts'
import { peerIdOfPublicKey } from '../../../src/protocol/index.ts'
import { memoryHarness, published, simHarness, type TestNode } from '../../support/network-harness.ts'

const at = (node: TestNode) => ({ signal: never, addresses: published(node.network.localAddress) })

test('who has said who it is stays, however long it is silent then', async () => {
  const h = memoryHarness()
  const [a, b] = [h.node('a', { options: { inboundIdentityWaitMs: 300 } }), h.node('b')]
  await h.run(async () => {
    await Promise.all([a.network.start(never), b.network.start(never)])
    await b.network.connect(a.network.self, at(a))
    await h.clock.sleep(10_000, never)
  })
  assert.equal(a.network.connections().length, 1)
  await h.run(async () => void (await Promise.all([a.network.stop(), b.network.stop()])))
})

test('a node is connected from the first identity to the end of the last link, also when both dialled at once', async () => {
  const h = memoryHarness()
  const [a, b, c] = [h.node('a'), h.node('b'), h.node('c')]
  const agrees = () => {
    for (const { network } of [a, b, c]) assert.equal(network.isConnected, network.connections().length > 0)
  }
  await h.run(async () => {
    await Promise.all([a, b, c].map(({ network }) => network.start(never)))
    agrees()
    await Promise.all([a.network.connect(b.network.self, at(b)), b.network.connect(a.network.self, at(a))])
    await c.network.connect(a.network.self, at(a))
    agrees()
    assert.equal(a.network.isConnected, true)
    // Long enough for the loser of the simultaneous open to be closed.
    await h.clock.sleep(60_000, never)
    agrees()
    await a.network.disconnect(b.network.self, 'test')
    await h.clock.sleep(1000, never)
    agrees()
    assert.equal(a.network.isConnected, true)
    assert.equal(b.network.isConnected, false)
    await c.network.stop()
    await h.clock.sleep(1000, never)
    assert.equal(a.network.isConnected, false)
    await Promise.all([a, b].map(({ network }) => network.stop()))
  })
})

test('a connection that ended leaves its place to the next one of its IP', async () => {
  const h = simHarness()
  const [a, b] = [h.node('a', { options: { maxConnectionsPerIp: 1 } }), h.node('b')]
  await h.run(async () => {
    await Promise.all([a.network.start(never), b.network.start(never)])
    for (let i = 0; i < 3; i++) {
      await b.network.connect(a.network.self, at(a))
      await b.network.disconnect(a.network.self, 'test')
      await h.clock.sleep(1000, never)
    }
    const second = h.node('c', b.host ? { host: b.host } : {})
    await second.network.start(never)
    await b.network.connect(a.network.self, at(a))
    await assert.rejects(second.network.connect(a.network.self, at(a)), 'two at once of one IP')
    await Promise.all([a, b, second].map(({ network }) => network.stop()))
  })
})

test('a peer that was silent once and then connects by itself is forgiven', async () => {
  const h = memoryHarness()
  const a = h.node('a')
  const signer = h.signer('shy')
  const peer = peerIdOfPublicKey(signer.publicKey)
  const silent = h.transport(signer)
  await h.run(async () => {
    await Promise.all([a.network.start(never), silent.start(never)])
    const addresses = published(silent.localAddress)
    await assert.rejects(a.network.connect(peer, { signal: never, addresses }), { code: 'NETWORK_IDENTITY_FAILED' })
    const { port } = silent.localAddress
    await silent.stop()
    const shy = h.node('shy', { signer, port })
    await shy.network.start(never)
    assert.equal(a.network.isDialable(peer, addresses), false)
    await shy.network.connect(a.network.self, at(a))
    await h.clock.sleep(100, never)
    await shy.network.disconnect(a.network.self, 'test')
    await h.clock.sleep(100, never)
    assert.equal(a.network.isDialable(peer, addresses), true)
    await Promise.all([a, shy].map(({ network }) => network.stop()))
  })
})
