/** Two endpoints in two processes over loopback: what the channel carries, signatures left out. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { never } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import { type Connection, createQuicTransport, quicAvailability } from '../../src/transport/index.ts'
import { type Row, rowOf } from '../measure.ts'
import type { Shelf } from '../run.ts'

const SMALL = 1024
const LARGE = 4 * 1024 * 1024

const bench: Shelf = async function* ({ level }) {
  if (!quicAvailability().available) return
  const rounds = level === 'smoke' ? 1 : level === 'quick' ? 3 : 5
  const server = fork(new URL('./echo-server.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [port] = (await once(server, 'message')) as [number]
  const transport = createQuicTransport({
    secretKey: backend().mlDsaKeyPair(new Uint8Array(32).fill(3)).secretKey,
    bind: { ip: '127.0.0.1', port: 0 },
  })
  await transport.start(never)
  try {
    const handshakes: number[] = []
    for (let i = 0; i < (level === 'smoke' ? 3 : 30); i++) {
      const began = performance.now()
      const connection = await transport.dial({ ip: '127.0.0.1', port }, { signal: never, timeoutMs: 5000 })
      handshakes.push(performance.now() - began)
      await connection.close(0, 'done')
    }
    yield rowOf('quic handshake (PQ, mutual)', 'ms', [['native', handshakes]])
    const connection = await transport.dial({ ip: '127.0.0.1', port }, { signal: never, timeoutMs: 5000 })
    const bulk = level === 'smoke' ? 4 : 64
    yield await repeat(
      'quic 4 MiB messages, 4 in flight',
      'MB/s',
      rounds,
      async () => (bulk * LARGE) / 1e6 / (await flood(connection, bulk, LARGE, 4)),
    )
    const requests = level === 'smoke' ? 100 : 5000
    yield await repeat(
      'quic 1 KiB requests, 1 in flight',
      '/s',
      rounds,
      async () => requests / 4 / (await echoes(connection, requests / 4, 1)),
    )
    yield await repeat(
      'quic 1 KiB requests, 16 in flight',
      '/s',
      rounds,
      async () => requests / (await echoes(connection, requests, 16)),
    )
  } finally {
    await transport.stop()
    server.kill()
  }
}
export default bench

async function repeat(id: string, unit: string, rounds: number, run: () => Promise<number>): Promise<Row> {
  await run()
  const samples: number[] = []
  for (let i = 0; i < rounds; i++) samples.push(await run())
  return rowOf(id, unit, [['native', samples]])
}

/** Seconds for `count` acknowledged messages. */
async function flood(connection: Connection, count: number, size: number, lanes: number): Promise<number> {
  const message = new Uint8Array(size)
  message[0] = 1
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next++ < count) await connection.send(message, { signal: never, acknowledged: true })
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (performance.now() - began) / 1000
}

/** Seconds for `count` messages that the server sends back. */
async function echoes(connection: Connection, count: number, inFlight: number): Promise<number> {
  const message = new Uint8Array(SMALL)
  const began = performance.now()
  let sent = 0
  let received = 0
  await new Promise<void>((resolve, reject) => {
    const sendNext = () => {
      if (sent < count) {
        sent++
        connection.send(message, { signal: never }).catch(reject)
      }
    }
    connection.onMessage = () => (++received === count ? resolve() : sendNext())
    for (let i = 0; i < inFlight; i++) sendNext()
  })
  return (performance.now() - began) / 1000
}
