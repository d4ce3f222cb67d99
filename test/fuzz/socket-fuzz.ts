/**
 * Fires hostile datagrams and messages at a node in a process of its own. Long run:
 * `node test/fuzz/socket-fuzz.ts --datagrams 10000000 --messages 1000000 [--seed N]`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MiB, never, type Random, randomBelow, seededRandom } from '../../src/base/index.ts'
import type { SocketAddress } from '../../src/protocol/index.ts'
import { type Connection, createQuicTransport, type QuicCounters, type Transport } from '../../src/transport/index.ts'
import { DatagramSender, Wiretap } from '../support/datagrams.ts'
import { hostileDatagram, hostileMessage } from './hostile-input.ts'

export interface FuzzOptions {
  readonly datagrams: number
  readonly messages: number
  readonly seed: number
  log(text: string): void
}

export interface TargetReport {
  readonly rssBytes: number
  readonly maxDelayMs: number
  readonly counters: QuicCounters
}

export interface FuzzReport {
  /** After a first handshake, before any fire. */
  readonly before: TargetReport
  readonly after: TargetReport
  /** Whether a connection whose own socket the fire came through still carries messages. */
  readonly tappedAlive: boolean
  /** Bytes of the announce that a fresh connection received after all of it. */
  readonly freshAnnounceBytes: number
}

const DIAL = { signal: never, timeoutMs: 10_000 }
const BATCH = 100
const RECORDED = 400
const SENDERS = 8

/** Throws when the target dies or no longer answers. */
export async function socketFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const random = seededRandom(options.seed)
  await using target = await Target.start()
  await freshAnnounce(target.address)
  const before = await target.report()
  const { tappedAlive } = await fireDatagrams(target, random, options)
  await fireMessages(target, random, options)
  const freshAnnounceBytes = await freshAnnounce(target.address)
  return { before, after: await target.report(), tappedAlive, freshAnnounceBytes }
}

async function fireDatagrams(target: Target, random: Random, { datagrams, log }: FuzzOptions) {
  await using tap = await Wiretap.open(target.address, RECORDED)
  await using stack = new AsyncDisposableStack()
  const senders: DatagramSender[] = []
  while (senders.length < SENDERS) senders.push(stack.use(await DatagramSender.open()))
  return await withTransport(async (peer) => {
    const tapped = await peer.dial(tap.address, DIAL)
    await record(tapped, random)
    for (let sent = 0; sent < datagrams; sent += BATCH) {
      for (let i = 0; i < BATCH; i++) {
        const datagram = hostileDatagram(random, tap.recorded)
        const sender = senders[randomBelow(random, senders.length)] as DatagramSender
        // Every third comes from the address that the live connection has.
        if (i % 3 === 0) tap.inject(datagram)
        else sender.send(datagram, target.address)
      }
      await pause(2)
      if (sent % 100_000 === 0) log(`${sent} datagrams: ${describe(await target.report())}`)
    }
    const tappedAlive = await tapped.send(random.bytes(1000), { signal: never, acknowledged: true }).then(
      () => true,
      () => false,
    )
    return { tappedAlive }
  })
}

/** Traffic of every kind on the wiretap: small, large, acknowledged, reset. */
async function record(connection: Connection, random: Random): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await connection.send(random.bytes(3000), { signal: never, acknowledged: true })
    const controller = new AbortController()
    const sent = connection.send(random.bytes(300_000), { signal: controller.signal })
    controller.abort(new Error('reset'))
    await sent.catch(() => undefined)
  }
}

async function fireMessages(target: Target, random: Random, { messages, log }: FuzzOptions): Promise<void> {
  await withTransport(async (peer) => {
    let connection = await peer.dial(target.address, DIAL)
    for (let sent = 0; sent < messages; sent++) {
      const controller = new AbortController()
      const sending = connection.send(hostileMessage(random), { signal: controller.signal })
      if (randomBelow(random, 10) === 0) controller.abort(new Error('reset'))
      const closed = await sending.then(
        () => false,
        (error: { code?: string }) => error.code === 'TRANSPORT_CLOSED',
      )
      // A node may well hang up on such a peer.
      if (closed) connection = await peer.dial(target.address, DIAL)
      if (sent % 10_000 === 0) log(`${sent} messages: ${describe(await target.report())}`)
    }
  })
}

async function freshAnnounce(address: SocketAddress): Promise<number> {
  return await withTransport(async (peer) => {
    const connection = await peer.dial(address, DIAL)
    const announce = await new Promise<Uint8Array>((resolve, reject) => {
      connection.onMessage = resolve
      void connection.closed.then(({ reason }) => reject(new Error(`closed instead of an announce: ${reason}`)))
    })
    return announce.length
  })
}

async function withTransport<T>(work: (transport: Transport) => Promise<T>): Promise<T> {
  const secretKey = crypto.getRandomValues(new Uint8Array(32))
  const options = { maxMessageBytes: 16 * MiB }
  const transport = createQuicTransport({ secretKey, bind: { ip: '127.0.0.1', port: 0 }, options })
  await transport.start(never)
  try {
    return await work(transport)
  } finally {
    await transport.stop()
  }
}

class Target implements AsyncDisposable {
  readonly address: SocketAddress
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: SocketAddress) {
    this.#child = child
    this.address = address
  }

  static async start(): Promise<Target> {
    const program = fileURLToPath(new URL('fuzz-target.ts', import.meta.url))
    const child = fork(program, { execArgv: ['--expose-gc'] })
    const { address } = await answer<{ address: SocketAddress }>(child)
    return new Target(child, address)
  }

  report(): Promise<TargetReport> {
    const reply = answer<TargetReport>(this.#child)
    this.#child.send('report')
    return reply
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null, signal: string | null) => reject(new Error(`the target died: ${code ?? signal}`))
    child.once('exit', died)
    child.once('message', (message) => {
      child.off('exit', died)
      resolve(message as T)
    })
  })
}

function describe({ rssBytes, maxDelayMs, counters }: TargetReport): string {
  const { datagramsReceived, messagesReceived, connections, halfOpen, retried } = counters
  const rss = (rssBytes / MiB).toFixed(0)
  return (
    `${rss} MiB, loop ${maxDelayMs.toFixed(0)} ms at most, ${datagramsReceived} datagrams, ${messagesReceived} messages, ` +
    `${connections} connections, ${halfOpen} half open, ${retried} retried`
  )
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      datagrams: { type: 'string', default: '1000000' },
      messages: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
    },
  })
  const [datagrams, messages, seed] = [Number(values.datagrams), Number(values.messages), Number(values.seed)]
  console.log(`seed ${seed}`)
  const report = await socketFuzz({ datagrams, messages, seed, log: console.log })
  console.log(`before: ${describe(report.before)}\nafter:  ${describe(report.after)}`)
  console.log(`tapped connection alive: ${report.tappedAlive}, fresh announce: ${report.freshAnnounceBytes} bytes`)
}
