/**
 * Two endpoints in two processes over loopback: what the channel carries, signatures of messages left out. The
 * handshake decides how many new peers a node can meet, bulk whether a transfer is bound by the endpoint or by the
 * kernels, requests what a lookup costs, their latencies whether something makes single messages wait.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { never } from '../../src/base/index.ts'
import { backend } from '../../src/crypto/index.ts'
import {
  type Connection,
  createQuicTransport,
  type QuicTransport,
  quicAvailability,
} from '../../src/transport/index.ts'
import { sizeText } from '../format.ts'
import { latencyRow, type Row, rounds } from '../measure.ts'
import { benchFile, type Context, type Step } from '../shelf.ts'

const LARGE = 4 * 1024 * 1024
const REQUESTS = [
  [1024, 1],
  [1024, 16],
  [65536, 1],
  [65536, 16],
] as const

interface State {
  readonly context: Context
  readonly server: ChildProcess
  readonly transport: QuicTransport
  dial(): Promise<Connection>
}

export default benchFile<State>({
  skip: () => {
    const availability = quicAvailability()
    return availability.available ? undefined : availability.reason
  },
  steps: () => [
    { id: 'quic handshake', run: handshakes },
    { id: 'quic bulk, 4 MiB messages', run: bulk },
    ...REQUESTS.map(([size, inFlight]): Step<State> => {
      const id = `quic requests of ${sizeText(size)}, ${inFlight} in flight`
      return { id, run: (state) => requests(id, state, size, inFlight) }
    }),
  ],
  async setup(context) {
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    const server = fork(new URL('./echo-server.ts', import.meta.url), { stdio: [...stdio] })
    const [port] = (await once(server, 'message', { signal: context.signal })) as [number]
    const { secretKey } = backend().mlDsaKeyPair(new Uint8Array(32).fill(3))
    const transport = createQuicTransport({ secretKey, bind: { ip: '127.0.0.1', port: 0 } })
    await transport.start(never)
    const dial = () => transport.dial({ ip: '127.0.0.1', port }, { signal: context.signal, timeoutMs: 5000 })
    return { context, server, transport, dial }
  },
  async teardown({ server, transport }) {
    await transport.stop()
    server.kill()
  },
})

const COUNTS = {
  smoke: { handshakes: 3, bulk: 4, requests: 100 },
  quick: { handshakes: 50, bulk: 64, requests: 3000 },
  full: { handshakes: 200, bulk: 128, requests: 10_000 },
} as const

async function handshakes({ context, dial }: State): Promise<Row> {
  const times: number[] = []
  for (let i = -2; i < COUNTS[context.level].handshakes; i++) {
    const began = performance.now()
    const connection = await dial()
    if (i >= 0) times.push(performance.now() - began)
    await connection.close(0, 'done')
  }
  return latencyRow('quic handshake', 'ms', [['post-quantum, mutual', times]], {
    place: { chart: 'Latency of the channel', line: 'handshake', xTitle: 'latency', xUnit: 'n' },
  })
}

async function bulk({ context, dial }: State): Promise<Row> {
  const connection = await dial()
  const count = COUNTS[context.level].bulk
  const of = (lanes: number) => ({
    name: `${lanes} in flight`,
    measure: async () => (count * LARGE) / 1e6 / (await flood(connection, count, lanes)),
  })
  const row = await rounds('quic bulk, 4 MiB messages', 'MB/s', [of(4), of(1)], context.effort.rounds)
  await connection.close(0, 'done')
  return row
}

async function requests(id: string, { context, dial }: State, size: number, inFlight: number): Promise<Row[]> {
  const connection = await dial()
  const full = COUNTS[context.level].requests
  const count = size > 1024 ? full / 10 : inFlight === 1 ? full / 4 : full
  const latencies: number[] = []
  const measure = async () => {
    const round = await echoes(connection, count, size, inFlight)
    for (const latency of round.latencies) latencies.push(latency)
    return count / round.seconds
  }
  await measure()
  latencies.length = 0
  const row = await rounds(id, '/s', [{ name: 'native', measure }], context.effort.rounds, { warmup: false })
  await connection.close(0, 'done')
  const line = `${sizeText(size)}, ${inFlight} in flight`
  const latency = latencyRow(`${id}: latency`, 'ms', [['native', latencies]], {
    place: { chart: 'Latency of the channel', line, xTitle: 'latency', xUnit: 'n' },
  })
  return [row, latency]
}

/** Seconds for `count` acknowledged messages. */
async function flood(connection: Connection, count: number, lanes: number): Promise<number> {
  const message = new Uint8Array(LARGE)
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next++ < count) await connection.send(message, { signal: never, acknowledged: true })
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (performance.now() - began) / 1000
}

/** `count` messages that the server sends back, each told from the others by its first bytes. */
async function echoes(connection: Connection, count: number, size: number, inFlight: number) {
  const began = performance.now()
  const latencies: number[] = []
  const sentAt = new Map<number, number>()
  let sent = 0
  await new Promise<void>((resolve, reject) => {
    const sendNext = () => {
      if (sent >= count) return
      const message = new Uint8Array(size)
      new DataView(message.buffer).setUint32(0, sent)
      sentAt.set(sent++, performance.now())
      connection.send(message, { signal: never }).catch(reject)
    }
    connection.onMessage = (message) => {
      const number = new DataView(message.buffer, message.byteOffset).getUint32(0)
      latencies.push(performance.now() - (sentAt.get(number) as number))
      sentAt.delete(number)
      if (latencies.length === count) resolve()
      else sendNext()
    }
    for (let i = 0; i < inFlight; i++) sendNext()
  })
  return { seconds: (performance.now() - began) / 1000, latencies }
}
