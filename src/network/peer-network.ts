/** The facade's implementation: ties transport, links, dialler, receiver, router, sender and requests together. */
import {
  Aborted,
  type Clock,
  type Emitter,
  type LaneFigures,
  type Logger,
  messageOf,
  type Random,
  type Registry,
  randomUuid,
  resolveOptions,
  type Startable,
  TaskGroup,
} from '../base/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import {
  type MessageData,
  type PeerId,
  peerIdOfPublicKey,
  requestEnvelopeParts,
  requestTopic,
  type SocketAddress,
  TOPIC_IDENTITY,
  type TypedAddress,
} from '../protocol/index.ts'
import type { Connection, Transport } from '../transport/index.ts'
import type { DialContext } from './dial-plan.ts'
import { Dialler, type DiallerDeps } from './dialler.ts'
import { isOwnFault, NetworkError } from './errors.ts'
import type { Link } from './link.ts'
import { Links, type LinksDeps } from './links.ts'
import { type NetworkMetrics, networkMetrics, type ReceiveOutcome } from './metrics.ts'
import type {
  AddressBook,
  ConnectOptions,
  MessageHandler,
  Network,
  NetworkEvents,
  PeerConnection,
  PeerFaultSink,
  PreparedMessage,
  RequestHandler,
  RouteLimits,
  SendOptions,
} from './network.ts'
import { NETWORK_DEFAULTS, type NetworkOptions } from './options.ts'
import { Receiver, type ReceiverDeps } from './receiver.ts'
import { Requests } from './requests.ts'
import { Router } from './router.ts'
import { type Lane, SendLanes } from './send-lanes.ts'
import { Sender, type SenderDeps } from './sender.ts'

export interface NetworkDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly signer: Signer
  readonly verifier: Verifier
  readonly log: Logger
  readonly registry: Registry
  /** Where peers can be dialled. Without it only given and last seen addresses are. */
  readonly addressBook?: AddressBook
  readonly faults?: PeerFaultSink
  /** Our own WAN and LAN addresses, for the dial plan. */
  readonly ownAddresses?: () => Pick<DialContext, 'ownWanIps' | 'ownLanIps'>
}

/** Ends the sending half of a request that has its outcome. A constant: without a reason each abort builds an exception. */
const SETTLED = new Aborted('the request has its outcome')

/** Builds without side effects. Owns the transport: `start` and `stop` start and stop it. */
export function createNetwork(deps: NetworkDeps, options?: Partial<NetworkOptions>): Network & Startable {
  return new PeerNetwork(deps, resolveOptions('network', NETWORK_DEFAULTS, options))
}

class PeerNetwork implements Network, Startable {
  readonly self: PeerId
  readonly events: Emitter<NetworkEvents>
  readonly #deps: NetworkDeps
  readonly #tasks: TaskGroup
  readonly #metrics: NetworkMetrics
  readonly #links: Links
  readonly #dialler: Dialler
  readonly #receiver: Receiver
  readonly #router: Router
  readonly #requests: Requests
  readonly #sender: Sender
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(deps: NetworkDeps, options: NetworkOptions) {
    const { clock, signer } = deps
    const log = deps.log.child('network')
    const tasks = new TaskGroup((error, name) => log.error('a task failed', { name, error: messageOf(error) }))
    this.#deps = deps
    this.#tasks = tasks
    this.self = peerIdOfPublicKey(signer.publicKey)
    this.#router = new Router({ clock, log, tasks, count: this.#countReceived }, options)
    this.#requests = new Requests(clock, options)
    this.#sender = this.#createSender(options)
    this.#receiver = this.#createReceiver(log, options)
    this.#links = this.#createLinks(log, options)
    this.#dialler = this.#createDialler(options)
    const { table, events } = this.#links
    this.events = events
    this.#metrics = networkMetrics(deps.registry, {
      peers: () => table.usable().length,
      connections: () => table.size,
      queuedMessages: () => this.#receiver.waiting.messages,
      queuedBytes: () => this.#receiver.waiting.bytes,
      runningHandlers: () => this.#router.running,
      awaitedAnswers: () => this.#requests.size,
    })
  }

  #createSender(options: NetworkOptions): Sender {
    const { clock, signer } = this.#deps
    const deps: SenderDeps = {
      self: this.self,
      clock,
      signer,
      allocate: (bytes) => this.#deps.transport.allocate(bytes),
      linkTo: (peer, signal) => this.#linkTo(peer, { signal }),
      onDead: (link) => this.#links.dead(link),
      lanes: new SendLanes({ clock, changed: this.#laneChanged }, options.lanes),
      count: (topic, outcome, bytes) => this.#countSent(topic, outcome, bytes),
    }
    return new Sender(deps, options)
  }

  #createReceiver(log: Logger, options: NetworkOptions): Receiver {
    const deps: ReceiverDeps = {
      verifier: this.#deps.verifier,
      log,
      router: this.#router,
      requests: this.#requests,
      onIdentified: (link, userAgent) => this.#links.identified(link, userAgent),
      answer: (link, topic, messageId, answer, options) => this.#answer(link, topic, messageId, answer, options),
      count: this.#countReceived,
      countBytes: (topic, bytes) => this.#metrics.receivedBytes.add(bytes, { topic: this.#label(topic) }),
    }
    return new Receiver(deps, options)
  }

  #createLinks(log: Logger, options: NetworkOptions): Links {
    const deps: LinksDeps = {
      self: this.self,
      ownKey: this.#deps.signer.publicKey,
      clock: this.#deps.clock,
      log,
      tasks: this.#tasks,
      peerOf,
      announce: (link, signal) => this.#sender.announce(link, signal),
      onMessage: (link, message) => this.#receiver.accept(link, message),
      onIdentified: (link) => this.#dialler.identified(link),
      onEnded: (link) => this.#receiver.forget(link),
      onPeerGone: (peer) => this.#requests.peerGone(peer),
      countRefused: (reason) => this.#metrics.inboundRefused.add(1, { reason }),
    }
    return new Links(deps, options)
  }

  #createDialler(options: NetworkOptions): Dialler {
    const { clock, transport, faults, ownAddresses } = this.#deps
    const own = ownAddresses ?? (() => ({ ownWanIps: [], ownLanIps: [] }))
    const deps: DiallerDeps = {
      self: this.self,
      clock,
      transport,
      faults: faults ?? { peerFault: () => undefined },
      context: () => ({ ...own(), allowLoopback: options.allowLoopback }),
      peerOf,
      track: (connection, peer) => this.#links.adopt(connection, peer),
      usedLink: (peer) => this.#links.table.used(peer),
      linkAt: (socket) => this.#links.table.at(socket),
      count: (outcome) => this.#metrics.dials.add(1, { outcome }),
    }
    return new Dialler(deps, options)
  }

  get localAddress(): SocketAddress {
    return this.#deps.transport.localAddress
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#state === 'running') return
    if (this.#state === 'stopped')
      throw new NetworkError('NETWORK_NOT_RUNNING', 'a stopped network is not started again')
    this.#deps.transport.onConnection = (connection) => this.#links.accept(connection)
    await this.#deps.transport.start(signal)
    this.#state = 'running'
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#receiver.stop()
    this.#requests.failAll(new NetworkError('NETWORK_NOT_RUNNING', 'the network stops'))
    const tasks = this.#tasks.stop()
    await this.#deps.transport.stop()
    await tasks
  }

  async connect(peer: PeerId, options: ConnectOptions): Promise<PeerConnection> {
    return this.#linkTo(peer, options)
  }

  async connectAddress(
    address: SocketAddress,
    options: { signal: AbortSignal; expected?: PeerId },
  ): Promise<PeerConnection> {
    this.#assertRunning()
    const present = options.expected === undefined ? undefined : this.#links.table.used(options.expected)
    return present ?? this.#dialler.connectAddress(address, options)
  }

  connectionOf(peer: PeerId): PeerConnection | undefined {
    return this.#links.table.used(peer)
  }

  get isConnected(): boolean {
    return this.#links.table.anyUsable
  }

  connections(): readonly PeerConnection[] {
    return this.#links.table.usable()
  }

  heard(peer: PeerId): number | undefined {
    return this.#links.table.used(peer)?.connection.stats().receivedBytes
  }

  ping(peer: PeerId): void {
    this.#links.table.used(peer)?.connection.ping()
  }

  disconnect(peer: PeerId, reason: string): Promise<void> {
    return this.#links.closeAll(peer, reason)
  }

  isDialable(peer: PeerId, addresses: readonly TypedAddress[]): boolean {
    return this.#links.table.used(peer) !== undefined || this.#dialler.mayDial(peer, addresses)
  }

  addressesPublished(peer: PeerId, previous: readonly TypedAddress[], current: readonly TypedAddress[]): void {
    this.#dialler.published(peer, previous, current)
  }

  send(peer: PeerId, topic: string, data: MessageData, options: SendOptions): Promise<void> {
    return this.#sender.sendOnce(peer, topic, data, options)
  }

  prepare(topic: string, data: MessageData): PreparedMessage {
    return this.#sender.prepare(topic, data)
  }

  sendPrepared(peer: PeerId, message: PreparedMessage, options: SendOptions): Promise<void> {
    return this.#sender.send(peer, message, options)
  }

  async request(
    peer: PeerId,
    protocol: string,
    data: Uint8Array,
    { signal, lane = 'control', timeoutMs }: SendOptions & { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const topic = requestTopic(protocol)
    const messageId = randomUuid(this.#deps.random)
    const answer = this.#requests.expect(peer, messageId, { timeoutMs, signal, protocol })
    const sending = new AbortController()
    const over = () => sending.abort(signal.reason)
    signal.addEventListener('abort', over, { once: true })
    const envelope = requestEnvelopeParts({ messageId, isResponse: false, payload: data })
    let waits = false
    const onWait = (now: boolean) => {
      waits = now
    }
    this.#sender
      .sendOnce(peer, topic, envelope, { signal: sending.signal, lane, onWait })
      .catch((error: unknown) => this.#requests.fail(peer, messageId, error))
    try {
      const payload = await answer
      this.#metrics.requests.add(1, { outcome: 'answered' })
      return payload
    } catch (cause) {
      this.#metrics.requests.add(1, { outcome: signal.aborted ? 'aborted' : 'failed' })
      const error = waits ? ratherBusy(cause, peer) : cause
      if (!signal.aborted && error instanceof NetworkError && !isOwnFault(error))
        this.#deps.faults?.peerFault(peer, 'requestFailed')
      throw error
    } finally {
      signal.removeEventListener('abort', over)
      sending.abort(SETTLED)
    }
  }

  handle(topic: string, limits: RouteLimits, handler: MessageHandler): () => void {
    return this.#router.handle(topic, limits, handler)
  }

  handleRequests(protocol: string, limits: RouteLimits, handler: RequestHandler): () => void {
    return this.#router.handleRequests(protocol, limits, handler)
  }

  async #linkTo(peer: PeerId, { signal, addresses, ignoreFailures = false }: ConnectOptions): Promise<Link> {
    this.#assertRunning()
    if (peer === this.self) throw new NetworkError('NETWORK_SELF', 'that peer is ourselves')
    const present = this.#links.table.used(peer)
    if (present !== undefined) return present
    return this.#dialler.connect(peer, { addresses: addresses ?? this.#knownAddresses(peer), signal, ignoreFailures })
  }

  /** What the owner published, even when nothing of it can be dialled; else where it was seen (dht.md 7). */
  #knownAddresses(peer: PeerId): readonly TypedAddress[] {
    const known = this.#deps.addressBook?.addressesOf(peer) ?? []
    return known.length > 0 ? known : this.#links.savedAddresses(peer)
  }

  async #answer(
    link: Link,
    topic: string,
    messageId: string,
    payload: MessageData,
    options: SendOptions,
  ): Promise<void> {
    const envelope = requestEnvelopeParts({ messageId, isResponse: true, payload })
    const current = this.#links.table.used(link.peer) ?? link
    await this.#sender.sendOn(current, topic, envelope, options)
  }

  #assertRunning(): void {
    if (this.#state !== 'running') throw new NetworkError('NETWORK_NOT_RUNNING', 'the network is not running')
  }

  readonly #countReceived = (topic: string, outcome: ReceiveOutcome): void => {
    this.#metrics.receivedMessages.add(1, { topic: this.#label(topic), outcome })
  }

  readonly #laneChanged = (lane: Lane, { waiting, moving }: LaneFigures): void => {
    this.#metrics.laneWaitingBytes.set(waiting, { lane })
    this.#metrics.laneMovingBytes.set(moving, { lane })
  }

  #countSent(topic: string, outcome: 'sent' | 'failed', bytes: number): void {
    const label = this.#label(topic)
    this.#metrics.sentMessages.add(1, { topic: label, outcome })
    this.#metrics.sentBytes.add(bytes, { topic: label })
  }

  /** Peers choose topics, so only those with a handler become labels. */
  #label(topic: string): string {
    return topic === TOPIC_IDENTITY || this.#router.knows(topic) ? topic : 'other'
  }
}

function peerOf(connection: Connection): PeerId {
  return peerIdOfPublicKey(connection.remoteKey)
}

/** Its time was up before it had left: that says nothing about the peer. */
function ratherBusy(cause: unknown, peer: PeerId): unknown {
  if (!(cause instanceof NetworkError) || cause.code !== 'NETWORK_REQUEST_TIMEOUT') return cause
  return new NetworkError('NETWORK_BUSY', 'the request waited too long for its turn', { data: { peer }, cause })
}
