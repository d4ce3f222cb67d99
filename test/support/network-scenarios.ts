/** What the contract tests of a network share: scenarios over every transport, and a peer made by hand. */
import { test } from 'node:test'
import { never } from '../../src/base/index.ts'
import { encodeIdentityAnnounce, type PeerId, peerIdOfPublicKey } from '../../src/protocol/index.ts'
import { type Connection, quicAvailability } from '../../src/transport/index.ts'
import { type Harness, memoryHarness, published, quicHarness, simHarness, type TestNode } from './network-harness.ts'

export const TOPIC = 'test.topic'
export const CONNECTIONS = 'myrmex_network_connections_count'
export const limit = { maxBytes: 1 << 20 }
const quic = quicAvailability()
const drivers: [string, () => Harness, string | false][] = [
  ['memory', () => memoryHarness(), false],
  ['sim', () => simHarness(), false],
  ['quic', () => quicHarness(), quic.available ? false : quic.reason],
]

export const start = (...nodes: TestNode[]) => Promise.all(nodes.map(({ network }) => network.start(never)))
export const stop = (...nodes: TestNode[]) => Promise.all(nodes.map(({ network }) => network.stop()))
export const at = (node: TestNode) => ({ signal: never, addresses: published(node.network.localAddress) })

type Scenario = (name: string, work: (harness: Harness) => Promise<void>) => void

/** In memory, simulated, and over real QUIC when the addon is built. */
export function onEveryTransport(define: (scenario: Scenario) => void): void {
  for (const [driver, create, skip] of drivers) {
    define((name, work) =>
      test(`${driver}: ${name}`, { skip, timeout: 60_000 }, async () => {
        const harness = create()
        try {
          await work(harness)
        } finally {
          await harness.cleanup()
        }
      }))
  }
}

/** A peer made by hand: its own key, messages of any shape. */
export async function stranger(
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
