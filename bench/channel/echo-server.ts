/** Child of quic.bench.ts: sends messages of up to 64 KiB back, swallows larger ones. */
import { never } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { createQuicTransport } from '../../src/transport/index.ts'

const transport = createQuicTransport({
  secretKey: backend().mlDsaKeyPair(new Uint8Array(32).fill(4)).secretKey,
  bind: { ip: '127.0.0.1', port: 0 },
  // The pace of newcomers is no part of what is measured.
  options: { newConnectionsPerMinute: 1e6, newConnectionsBurst: 1e5 },
})
transport.onConnection = (connection) => {
  connection.onMessage = (message) => {
    if (message.length <= 65536) connection.send(message, { signal: never }).catch(() => undefined)
  }
}
await transport.start(never)
process.send?.(transport.localAddress.port)
process.on('disconnect', () => process.exit())
