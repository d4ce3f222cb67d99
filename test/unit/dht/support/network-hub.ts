/**
 * Networks of one process without sockets and envelopes: what one sends another receives after a latency on a virtual
 * clock. Dead members keep their addresses: dials to them time out, messages to them vanish.
 */
import { type Clock, CodedError, concat, Emitter, type Random, raceAbort } from '../../../../src/base/index.ts'
import type {
  MessageHandler,
  Network,
  NetworkEvents,
  PeerConnection,
  PeerFault,
  PreparedMessage,
} from '../../../../src/network/index.ts'
import type { MessageData, PeerId, SocketAddress, TypedAddress } from '../../../../src/protocol/index.ts'

export interface HubOptions {
  /** One way, milliseconds. */
  readonly latencyMs: (random: Random) => number
  /** Share of messages that are late by a retransmission. */
  readonly loss: number
  readonly dialTimeoutMs: number
  readonly idleTimeoutMs: number
}

const DEFAULTS: HubOptions = { latencyMs: () => 10, loss: 0, dialTimeoutMs: 1250, idleTimeoutMs: 30_000 }
const RETRANSMISSION_MS = 250

export class NetworkHub {
  readonly clock: Clock
  readonly random: Random
  readonly options: HubOptions
  readonly members = new Map<PeerId, HubNetwork>()
  readonly #bySocket = new Map<string, HubNetwork>()
  messages = 0
  bytes = 0

  constructor(clock: Clock, random: Random, options: Partial<HubOptions> = {}) {
    this.clock = clock
    this.random = random
    this.options = { ...DEFAULTS, ...options }
  }

  add(
    peer: PeerId,
    socket: SocketAddress,
    userAgent = 'node/test',
    publicKey: Uint8Array = new Uint8Array(0),
  ): HubNetwork {
    const network = new HubNetwork(this, peer, socket, userAgent, publicKey)
    this.members.set(peer, network)
    this.#bySocket.set(name(socket), network)
    return network
  }

  at(socket: SocketAddress): HubNetwork | undefined {
    return this.#bySocket.get(name(socket))
  }

  /** As with kill -9: the others notice after the idle timeout, or never when they do not talk to it. */
  kill(peer: PeerId): void {
    const network = this.members.get(peer)
    if (!network) return
    network.alive = false
    for (const other of network.peers()) {
      this.clock.timer(this.options.idleTimeoutMs, () => this.members.get(other)?.drop(peer, false))
    }
  }

  delay(): number {
    const { latencyMs, loss } = this.options
    let delay = latencyMs(this.random)
    for (let wait = RETRANSMISSION_MS; loss > 0 && this.random.float() < loss; wait *= 2) delay += wait
    return delay
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.clock.sleep(ms, signal)
  }
}

export class HubNetwork implements Network {
  readonly self: PeerId
  readonly events = new Emitter<NetworkEvents>()
  /** Where others see and dial it. */
  readonly socket: SocketAddress
  /** What it knows itself; a wildcard-bound one publishes nothing. */
  localAddress: SocketAddress
  readonly userAgent: string
  readonly publicKey: Uint8Array
  readonly faults: { peer: PeerId; fault: PeerFault }[] = []
  readonly published: PeerId[] = []
  alive = true
  onFault: (peer: PeerId, fault: PeerFault) => void = () => undefined
  addressBook: (peer: PeerId) => readonly TypedAddress[] = () => []
  readonly #hub: NetworkHub
  readonly #connections = new Map<PeerId, PeerConnection>()
  readonly #handlers = new Map<string, { maxBytes: number; handler: MessageHandler }>()
  readonly #dials = new Map<PeerId, Promise<PeerConnection>>()
  readonly #failed = new Set<string>()
  readonly #stop = new AbortController()
  #packets = 0

  constructor(hub: NetworkHub, peer: PeerId, socket: SocketAddress, userAgent: string, publicKey: Uint8Array) {
    this.#hub = hub
    this.self = peer
    this.socket = socket
    this.localAddress = socket
    this.userAgent = userAgent
    this.publicKey = publicKey
  }

  peers(): PeerId[] {
    return [...this.#connections.keys()]
  }
  connectionOf(peer: PeerId): PeerConnection | undefined {
    return this.#connections.get(peer)
  }
  get isConnected(): boolean {
    return this.connections().length > 0
  }

  /** Grows while the peer lives. */
  heard(peer: PeerId): number | undefined {
    if (!this.#connections.has(peer)) return undefined
    if (this.#hub.members.get(peer)?.alive) this.#packets++
    return this.#packets
  }
  ping(): void {}

  connections(): readonly PeerConnection[] {
    return [...this.#connections.values()]
  }
  isDialable(peer: PeerId, addresses: readonly TypedAddress[]): boolean {
    return (
      this.#connections.has(peer) ||
      addresses.some(({ address }) => address.socket && !this.#failed.has(name(address.socket)))
    )
  }
  addressesPublished(peer: PeerId): void {
    this.published.push(peer)
  }

  async connect(
    peer: PeerId,
    { signal, addresses }: { signal: AbortSignal; addresses?: readonly TypedAddress[] },
  ): Promise<PeerConnection> {
    const open = this.#connections.get(peer)
    if (open) return open
    let dial = this.#dials.get(peer)
    if (!dial) {
      dial = this.#walk(peer, addresses?.length ? addresses : this.addressBook(peer)).finally(() =>
        this.#dials.delete(peer),
      )
      this.#dials.set(peer, dial)
      dial.catch(() => undefined)
    }
    return raceAbort(signal, dial)
  }

  async connectAddress(
    socket: SocketAddress,
    { signal, expected }: { signal: AbortSignal; expected?: PeerId },
  ): Promise<PeerConnection> {
    return this.#dial(socket, expected, signal)
  }

  async disconnect(peer: PeerId, _reason: string): Promise<void> {
    this.drop(peer, true)
    this.#hub.members.get(peer)?.drop(this.self, true)
  }

  prepare(topic: string, data: MessageData): PreparedMessage {
    return { topic, bytes: async () => concat([data].flat()), release: () => undefined }
  }

  async sendPrepared(peer: PeerId, message: PreparedMessage, options: { signal: AbortSignal }): Promise<void> {
    await this.send(peer, message.topic, await message.bytes(), options)
  }

  async send(peer: PeerId, topic: string, parts: MessageData, { signal }: { signal: AbortSignal }): Promise<void> {
    const data = concat([parts].flat())
    await this.connect(peer, { signal })
    const other = this.#hub.members.get(peer)
    this.#hub.messages++
    this.#hub.bytes += data.length
    this.#hub.clock.timer(this.#hub.delay(), () => {
      if (this.alive && other?.alive) other.deliver(this.self, topic, data)
    })
  }

  request(): Promise<Uint8Array> {
    throw new Error('the hub carries plain topics only')
  }
  handle(topic: string, { maxBytes }: { maxBytes: number }, handler: MessageHandler): () => void {
    this.#handlers.set(topic, { maxBytes, handler })
    return () => this.#handlers.delete(topic)
  }
  handleRequests(): () => void {
    return () => undefined
  }

  deliver(from: PeerId, topic: string, data: Uint8Array): void {
    const connection = this.#connections.get(from)
    const entry = this.#handlers.get(topic)
    if (!connection || !entry || data.length > entry.maxBytes) return
    void entry.handler(data, { from: connection, signal: this.#stop.signal })
  }

  drop(peer: PeerId, orderly: boolean): void {
    if (this.#connections.delete(peer)) this.events.emit('peerDisconnected', { peer, orderly })
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'))
  }

  async #walk(peer: PeerId, addresses: readonly TypedAddress[]): Promise<PeerConnection> {
    for (const { address } of addresses) {
      if (!address.socket || this.#failed.has(name(address.socket))) continue
      try {
        return await this.#dial(address.socket, peer, this.#stop.signal)
      } catch {
        this.#failed.add(name(address.socket))
      }
    }
    this.faults.push({ peer, fault: 'dialFailed' })
    this.onFault(peer, 'dialFailed')
    throw new CodedError('NETWORK_UNREACHABLE', `no address of ${peer.slice(0, 8)} works`)
  }

  async #dial(socket: SocketAddress, expected: PeerId | undefined, signal: AbortSignal): Promise<PeerConnection> {
    const other = this.#hub.at(socket)
    if (!this.alive || !other?.alive) {
      await this.#hub.sleep(this.#hub.options.dialTimeoutMs, signal)
      throw new CodedError('NETWORK_UNREACHABLE', `nobody at ${name(socket)}`)
    }
    await this.#hub.sleep(3 * this.#hub.delay(), signal)
    if (expected !== undefined && other.self !== expected)
      throw new CodedError('NETWORK_IDENTITY_MISMATCH', `${name(socket)} is somebody else`)
    if (!other.alive || other === this) throw new CodedError('NETWORK_UNREACHABLE', `nobody at ${name(socket)}`)
    other.opened(this, 'acceptor')
    return this.opened(other, 'dialler')
  }

  opened(other: HubNetwork, side: 'dialler' | 'acceptor'): PeerConnection {
    const known = this.#connections.get(other.self)
    if (known) return known
    const { self: peer, publicKey, userAgent, socket: remote } = other
    const connection = { peer, publicKey, userAgent, remote, side }
    this.#connections.set(peer, connection)
    this.events.emit('peerConnected', connection)
    return connection
  }
}

function name({ ip, port }: SocketAddress): string {
  return `${ip} ${port}`
}
