/** The node under fire, in a process of its own: a network over QUIC that answers `report` on its IPC channel. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { never } from '../../src/base/index.ts'
import type { QuicTransport } from '../../src/transport/index.ts'
import { quicHarness } from '../support/network-harness.ts'

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

const { network, transport } = quicHarness().node('target')
await network.start(never)

process.on('message', () => {
  globalThis.gc?.()
  process.send?.({
    rssBytes: process.memoryUsage.rss(),
    maxDelayMs: delay.max / 1e6,
    counters: (transport as QuicTransport).counters(),
  })
  delay.reset()
})
process.on('disconnect', () => process.exit(0))
process.send?.({ address: transport.localAddress })
