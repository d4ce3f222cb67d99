/**
 * One loader, a process of its own: sends puts and gets straight to one node, as many at once as it is told, and never
 * waits between them. Prints how requests ended as one JSON line a second. Ends with standard input.
 */
import { Registry, silentLogger, systemClock, systemRandom } from '../../src/base/index.ts'
import { ChunkRequests, type Reply } from '../../src/client/chunk-requests.ts'
import { CLIENT_DEFAULTS } from '../../src/client/index.ts'
import { backend, mlDsaVerifier } from '../../src/crypto/index.ts'
import { createNetwork } from '../../src/network/index.ts'
import { generateIdentity } from '../../src/node/identity.ts'
import { createLocalPayer } from '../../src/payment/index.ts'
import { type ChunkAddress, chunkAddressOf, type PeerId, type SocketAddress } from '../../src/protocol/index.ts'
import { createQuicTransport } from '../../src/transport/index.ts'

export interface LoadOrder {
  readonly peer: PeerId
  readonly socket: SocketAddress
  readonly puts: number
  readonly gets: number
  /** Fresh chunks are sent up to so many bytes, then the same ones again. */
  readonly freshBytes: number
}

const SIZES = [4_194_304, 4_194_304, 1_048_576, 65_536]
const order = JSON.parse(process.argv[2] as string) as LoadOrder
const counts: Record<string, number> = {}
const count = (name: string) => (counts[name] = (counts[name] ?? 0) + 1)

const stop = new AbortController()
const { signal } = stop
process.stdin.resume().once('end', () => stop.abort(new Error('the run is over')))

const identity = generateIdentity()
const transport = createQuicTransport({ secretKey: identity.secretKey, bind: { ip: '127.0.0.1', port: 0 } })
const ports = { clock: systemClock, random: systemRandom }
const network = createNetwork(
  {
    ...ports,
    ...{ transport, signer: identity.signer, verifier: mlDsaVerifier(backend()) },
    ...{ log: silentLogger, registry: new Registry() },
  },
  { userAgent: 'client/soak', allowLoopback: true, maxOutstandingRequests: 1024 },
)
await network.start(signal)
const requests = new ChunkRequests(
  { ...ports, network, metrics: { droppedReplies: new Registry().counter('dropped', '') } },
  { ...CLIENT_DEFAULTS, sendTimeoutMs: 20_000 },
)
requests.start()
const payer = createLocalPayer(identity.signer, systemClock)
const target = { peer: order.peer, addresses: [] }

/** Random once; a number in front makes each chunk another one. */
const body = systemRandom.bytes(SIZES[0] as number)
const stored: { readonly address: ChunkAddress; readonly bytes: number }[] = []
let sent = 0
let freshBytes = 0

function content(number: number): Uint8Array {
  const bytes = body.slice(0, SIZES[number % SIZES.length])
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

async function connected(): Promise<void> {
  if (network.connectionOf(order.peer)) return
  await network.connectAddress(order.socket, { signal, expected: order.peer })
}

async function put(): Promise<void> {
  const fresh = freshBytes < order.freshBytes || sent === 0
  const number = fresh ? sent++ : systemRandom.uint32() % sent
  const bytes = content(number)
  if (fresh) freshBytes += bytes.length
  const address = chunkAddressOf(backend().blake3(bytes))
  const [paymentProof] = await payer.pay([{ address, size: bytes.length }], { signal })
  const request = requests.prepare({
    kind: 'putRequest',
    address,
    content: bytes,
    ...(paymentProof && { paymentProof }),
  })
  const reply = await requests.ask(target, request, { signal })
  const outcome = outcomeOf(reply, 'putResponse', (result) =>
    result.kind === 'success' ? 'stored' : result.kind === 'alreadyExists' ? 'already' : undefined,
  )
  if ((outcome === 'stored' || outcome === 'already') && stored.length < 5000)
    stored.push({ address, bytes: bytes.length })
  count(`put ${outcome}`)
}

async function get(): Promise<void> {
  const known = stored[systemRandom.uint32() % Math.max(1, stored.length)]
  // One of eight asks for what nobody has.
  const unknown = known === undefined || systemRandom.uint32() % 8 === 0
  const address = unknown ? chunkAddressOf(systemRandom.bytes(32)) : known.address
  const reply = await requests.ask(target, requests.prepare({ kind: 'getRequest', address }), { signal })
  const outcome = outcomeOf(reply, 'getResponse', (result) => {
    if (result.kind === 'notFound') return unknown ? 'notFound' : 'lost'
    if (result.kind !== 'success') return undefined
    return chunkAddressOf(backend().blake3(result.content as Uint8Array)) === address ? 'found' : 'wrong'
  })
  count(`get ${outcome}`)
}

interface Result {
  readonly kind: string
  readonly content?: Uint8Array
  readonly error?: { readonly kind: string; readonly message?: string }
}

function outcomeOf(reply: Reply, kind: string, good: (result: Result) => string | undefined): string {
  if (reply.kind === 'timeout') return 'timeout'
  if (reply.kind === 'dial') return 'unsent'
  if (reply.body.kind !== kind) return 'odd'
  const result = (reply.body as unknown as { result: Result }).result
  const outcome = good(result)
  if (outcome !== undefined) return outcome
  if (result.error?.kind === 'internal' && result.error.message?.startsWith('busy')) return 'busy'
  return `error ${result.error?.kind ?? result.kind}`
}

async function loop(work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await connected()
      await work()
    } catch {
      if (signal.aborted) return
      count('connection failed')
      await systemClock.sleep(200, signal).catch(() => undefined)
    }
  }
}

const report = setInterval(() => process.stdout.write(`${JSON.stringify(counts)}\n`), 1000)
await Promise.all([
  ...Array.from({ length: order.puts }, () => loop(put)),
  ...Array.from({ length: order.gets }, () => loop(get)),
])
clearInterval(report)
process.stdout.write(`${JSON.stringify(counts)}\n`)
requests.stop()
await network.stop()
process.exit(0)
