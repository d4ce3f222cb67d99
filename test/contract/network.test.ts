/** What a network does, whatever the transport below it: in memory, simulated, real QUIC when the addon is built. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never } from '../../src/base/index.ts'
import { type Harness, memoryHarness, metric, published, simHarness } from '../support/network-harness.ts'

const drivers: [string, () => Harness][] = [
  ['memory', memoryHarness],
  ['sim', () => simHarness()],
]

for (const [driver, create] of drivers) {
  const scenario = (name: string, work: (harness: Harness) => Promise<void>) =>
    test(`${driver}: ${name}`, async () => work(create()))

  scenario('both sides announce and identify each other', async (h) => {
    const [a, b] = [h.node('a'), h.node('b', { options: { userAgent: 'client/x' } })]
    const seen: string[] = []
    a.network.events.on('peerConnected', ({ peer, userAgent, side }) => seen.push(`a ${peer} ${userAgent} ${side}`))
    b.network.events.on('peerConnected', ({ peer, userAgent, side }) => seen.push(`b ${peer} ${userAgent} ${side}`))
    await h.run(async () => {
      await a.network.start(never)
      await b.network.start(never)
      const link = await a.network.connect(b.network.self, {
        signal: never,
        addresses: published(b.network.localAddress),
      })
      assert.equal(link.peer, b.network.self)
      assert.equal(link.userAgent, 'client/x')
      assert.equal(link.side, 'dialler')
    })
    await h.settle()
    assert.deepEqual(seen.sort(), [`a ${b.network.self} client/x dialler`, `b ${a.network.self} node/test acceptor`])
    assert.equal(b.network.connectionOf(a.network.self)?.userAgent, 'node/test')
    await h.run(async () => {
      await a.network.stop()
      await b.network.stop()
    })
    assert.equal(metric(a.registry, 'myrmex_network_connections_count'), 0)
  })
}
