/** Child of the QUIC rows: gives small messages back, swallows large ones. Says its address in one line. */
import { never, release } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { formatSocketAddress } from '../../../src/protocol/index.ts'
import { createQuicTransport } from '../../../src/transport/index.ts'

const ECHO_MAX = 64 * 1024

const transport = createQuicTransport({
  secretKey: backend().mlDsaKeyPair(new Uint8Array(32).fill(4)).secretKey,
  bind: { ip: '127.0.0.1', port: 0 },
})
transport.onConnection = (connection) => {
  connection.onMessage = (message) => {
    if (message.length <= ECHO_MAX) connection.send(message, { signal: never }).catch(() => undefined)
    // As a node does with what it has stored.
    else release(message)
  }
}
await transport.start(never)
process.stdout.write(`${JSON.stringify({ address: formatSocketAddress(transport.localAddress) })}\n`)
process.stdin.resume().on('close', () => process.exit(0))
