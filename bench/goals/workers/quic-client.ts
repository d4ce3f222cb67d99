/** Child of the QUIC rows: times rounds against a server, command for command as native/bench does. */
import { never } from '../../../src/base/index.ts'
import { backend } from '../../../src/crypto/index.ts'
import { type Connection, createQuicTransport } from '../../../src/transport/index.ts'
import { median } from '../goal.ts'
import { serveSession } from '../session.ts'

const LARGE = 4 * 1024 * 1024
const SMALL = 1024
const LARGE_IN_FLIGHT = 4
const SMALL_IN_FLIGHT = 16

const [ip, port] = (process.argv[2] as string).split(':') as [string, string]
const transport = createQuicTransport({
  secretKey: backend().mlDsaKeyPair(new Uint8Array(32).fill(3)).secretKey,
  bind: { ip: '127.0.0.1', port: 0 },
})
await transport.start(never)
const dial = () => transport.dial({ ip, port: Number(port) }, { signal: never, timeoutMs: 5000 })
const connection = await dial()

async function bulk(count: number): Promise<number> {
  const message = transport.allocate(LARGE).fill(1)
  const began = performance.now()
  let left = count
  const lane = async () => {
    while (left-- > 0) await connection.send(message, { signal: never, acknowledged: true })
  }
  await Promise.all(Array.from({ length: LARGE_IN_FLIGHT }, lane))
  return performance.now() - began
}

async function rate(count: number, link: Connection): Promise<number> {
  const message = new Uint8Array(SMALL).fill(1)
  const began = performance.now()
  const done = Promise.withResolvers<void>()
  let [sent, back] = [0, 0]
  const next = () => {
    if (sent++ < count) link.send(message, { signal: never }).catch(done.reject)
  }
  link.onMessage = () => (++back === count ? done.resolve() : next())
  for (let i = 0; i < SMALL_IN_FLIGHT; i++) next()
  await done.promise
  return performance.now() - began
}

async function handshakes(count: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    const link = await dial()
    times.push(performance.now() - began)
    await link.close(0, '')
  }
  return median(times)
}

serveSession(async ([command, word]) => {
  const count = Number(word)
  if (command === 'bulk') return { ms: await bulk(count) }
  if (command === 'rate') return { ms: await rate(count, connection) }
  if (command === 'handshake') return { ms: await handshakes(count) }
  throw new Error(`no command "${command}"`)
})
