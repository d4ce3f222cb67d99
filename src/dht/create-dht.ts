/** Builds the room: table, messenger, walks, handlers, maintenance, and the facade over them. */
import {
  type Clock,
  Emitter,
  type Logger,
  messageOf,
  type Random,
  Registry,
  Semaphore,
  SemaphoreFull,
} from '../base/index.ts'
import type { Signer, Verifier } from '../crypto/index.ts'
import type { AddressBook, Network, PeerFault, PeerFaultSink } from '../network/index.ts'
import {
  createAddressRecord,
  type Key,
  type PeerId,
  type SignedAddressRecord,
  short,
  type TypedAddress,
  transportRecord,
  verifyAddressRecord,
} from '../protocol/index.ts'
import { createTrustMetrics, TrustEngine, type TrustEventName, type TrustMetrics } from '../trust/index.ts'
import { sameAddresses } from './address-entry.ts'
import { AnswerReader } from './answer-reader.ts'
import { Bootstrap } from './bootstrap.ts'
import type { Dht, DhtEvents, DhtPeer, LookupObserver, LookupResult, WitnessedCloseGroup } from './dht.ts'
import { DhtMessenger } from './dht-messenger.ts'
import { DhtError } from './errors.ts'
import { FailureSignals } from './failure-signals.ts'
import { DhtHandlers } from './handlers.ts'
import type { LookupPeer } from './lookup.ts'
import { type FindNodeOutcome, type LookupRequest, LookupRunner } from './lookup-runner.ts'
import { Maintenance } from './maintenance.ts'
import { createDhtMetrics, type DhtMetrics } from './metrics.ts'
import { NeighbourKeeper } from './neighbour-keeper.ts'
import { ObservedAddresses } from './observed-addresses.ts'
import { ANSWER_ENTRIES, type DhtOptions, resolveDhtOptions } from './options.ts'
import type { PeerFiles } from './peer-files.ts'
import { PeerStore } from './peer-store.ts'
import { Publisher } from './publisher.ts'
import { localRecordView } from './record-view.ts'
import { selfAddresses } from './self-addresses.ts'
import { TableKeeper } from './table-keeper.ts'
import { VerifiedRecords } from './verified-records.ts'
import { WitnessedLookup } from './witnessed-lookup.ts'

export interface DhtDeps {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Signs our address records; its key is the key of the network's identity. */
  readonly signer: Signer
  readonly verifier: Verifier
  /** Shared with other rooms of the node when given. */
  readonly trust?: TrustEngine
  readonly registry?: Registry
  /** Default: nothing is remembered over restarts. */
  readonly files?: PeerFiles
}

/** The facade plus what `node` wires into the network below it. */
export interface DhtService extends Dht, AddressBook, PeerFaultSink {
  readonly trust: TrustEngine
}

/** Does nothing visible before `start`. */
export function createDht(deps: DhtDeps, options?: Partial<DhtOptions>): DhtService {
  return new KademliaDht(deps, resolveDhtOptions(options))
}

class KademliaDht implements DhtService {
  readonly events: Emitter<DhtEvents>
  readonly trust: TrustEngine
  readonly #deps: DhtDeps
  readonly #options: DhtOptions
  readonly #metrics: DhtMetrics
  readonly #trustMetrics: TrustMetrics
  readonly #walks: Semaphore
  readonly #keeper: TableKeeper
  readonly #records: VerifiedRecords
  readonly #messenger: DhtMessenger
  readonly #reader: AnswerReader
  readonly #runner: LookupRunner
  readonly #witnessed: WitnessedLookup
  readonly #failures = new FailureSignals()
  readonly #observed = new ObservedAddresses()
  readonly #publisher: Publisher
  readonly #store: PeerStore
  readonly #bootstrap: Bootstrap
  readonly #maintenance: Maintenance
  readonly #neighbours: NeighbourKeeper
  #unsubscribe: (() => void)[] = []

  constructor(deps: DhtDeps, options: DhtOptions) {
    const { clock, log, network } = deps
    this.#deps = deps
    this.#options = options
    this.trust = deps.trust ?? new TrustEngine()
    this.events = new Emitter({ onError: (error) => log.error('a dht listener failed', { error: messageOf(error) }) })
    const registry = deps.registry ?? new Registry()
    this.#metrics = createDhtMetrics(registry, () => this.tableSize)
    this.#trustMetrics = createTrustMetrics(registry)
    this.#walks = new Semaphore(options.maxLookups, options.maxWaitingLookups)
    this.#keeper = this.#createKeeper()
    this.#records = new VerifiedRecords({
      table: this.#keeper.table,
      verify: async (record) => (await verifyAddressRecord(record, deps.verifier)).kind === 'ok',
    })
    this.#messenger = this.#createMessenger()
    this.#reader = new AnswerReader({ keeper: this.#keeper, records: this.#records, localRecordView })
    this.#runner = this.#createRunner()
    this.#witnessed = new WitnessedLookup(
      {
        ...{ self: network.self, clock },
        lookup: (target, count, request) => this.#lookup(target, count, request),
        findNode: (peer, target, signal, limit) => this.#findNode(peer, target, signal, limit),
      },
      options,
    )
    this.#publisher = this.#createPublisher()
    const { self } = network
    this.#store = new PeerStore(
      { self, clock, log, trust: this.trust, table: this.#keeper.table, files: this.#deps.files },
      options,
    )
    this.#bootstrap = this.#createBootstrap()
    this.#maintenance = this.#createMaintenance()
    const { neighbours } = options
    this.#neighbours = new NeighbourKeeper(
      { network, clock, log, keeper: this.#keeper, metrics: this.#metrics },
      neighbours,
    )
  }

  get tableSize(): number {
    return this.#keeper.table.size
  }
  get bootstrapped(): boolean {
    return this.#bootstrap.bootstrapped
  }

  /** Listens first, then joins; resolves when the bootstrap is over, reached anybody or not. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#unsubscribe.length > 0) return
    const { network } = this.#deps
    this.#messenger.start()
    this.#unsubscribe = [
      network.events.on('peerConnected', (connection) => this.#keeper.connected(connection)),
      network.events.on('peerDisconnected', ({ peer }) => this.#failures.failed(peer)),
      network.events.on('addressObserved', ({ peer, address }) => {
        const before = this.selfAddresses()
        this.#observed.observe(peer, address)
        // Told to others only when it changes what we say: any peer may report any address, as often as it likes.
        if (!sameAddresses(before, this.selfAddresses())) this.#maintenance.publishSoon(this.#closestPeers())
      }),
      this.events.on('closestPeersChanged', ({ previous, current }) => {
        const known = new Set(previous)
        this.#maintenance.publishSoon(current.filter((peer) => !known.has(peer)))
      }),
    ]
    for (const connection of network.connections()) this.#keeper.connected(connection)
    this.#maintenance.start()
    if (this.#options.role === 'node') this.#neighbours.start()
    await this.#bootstrap.run(signal)
  }

  async stop(): Promise<void> {
    const started = this.#unsubscribe.length > 0
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    await this.#neighbours.stop()
    await this.#maintenance.stop()
    await this.#keeper.stop()
    this.#messenger.stop()
    if (started) await this.#store.save()
  }

  bootstrap(signal: AbortSignal): Promise<void> {
    return this.#bootstrap.run(signal)
  }

  lookup(target: Key, count: number, options: { signal: AbortSignal } & LookupObserver): Promise<LookupResult> {
    return this.#lookup(target, count, options)
  }

  witnessedCloseGroup(
    target: Key,
    options: { count: number; viewSize: number; signal: AbortSignal },
  ): Promise<WitnessedCloseGroup> {
    return this.#witnessed.run(target, options)
  }

  peers(): readonly PeerId[] {
    return this.#keeper.table.entries().map(({ peer }) => peer)
  }
  closestToSelf(): readonly PeerId[] {
    return this.#closestPeers()
  }
  closestLocal(target: Key, count: number): readonly DhtPeer[] {
    return this.#keeper.table.closest(target, count).map(({ peer, addresses }) => ({ peer, addresses }))
  }
  closestLocalWithSelf(target: Key, count: number): readonly PeerId[] {
    return this.#keeper.table.closestWithSelf(target, count)
  }
  isResponsible(target: Key, width: number): boolean {
    return this.#keeper.table.isResponsible(target, width)
  }
  suspected(peer: PeerId): boolean {
    return this.#neighbours.suspected(peer)
  }
  uplinkDoubtedAt(): number | undefined {
    return this.#neighbours.uplinkDoubtedAt()
  }
  addressesOf(peer: PeerId): readonly TypedAddress[] {
    return this.#keeper.addressesOf(peer)
  }
  signedRecordOf(peer: PeerId): SignedAddressRecord | undefined {
    return this.#keeper.table.get(peer)?.publication?.record
  }
  selfAddresses(): readonly TypedAddress[] {
    const { allowLoopback } = this.#options
    return selfAddresses({ observed: this.#observed.list(), listen: [this.#deps.network.localAddress], allowLoopback })
  }
  trustOf(peer: PeerId): number {
    return this.trust.scoreOf(peer, this.#deps.clock.monotonic())
  }
  reportTrust(peer: PeerId, event: { success: boolean; weight: number; reason: string }): void {
    this.#trustMetrics.events.add(1, { event: 'application' })
    const score = this.trust.report(peer, event, this.#deps.clock.monotonic())
    this.#deps.log.debug('trust reported', { peer: short(peer), score, ...event })
  }

  /** What the network saw of a peer (dht.md 5). A foreign identity at the address is not the expected peer's fault. */
  peerFault(peer: PeerId, fault: PeerFault): void {
    this.#judge(peer, fault)
    if (fault === 'identityMismatch') this.#keeper.remove(peer, 'identityMismatch')
    this.#failures.failed(peer)
  }

  /** Waits for its turn when very many walks run; throws DHT_BUSY when the line is full. */
  async #lookup(target: Key, count: number, request: LookupRequest): Promise<LookupResult> {
    try {
      return await this.#walks.run(request.signal, () => this.#runner.run(target, count, request))
    } catch (cause) {
      if (!(cause instanceof SemaphoreFull)) throw cause
      throw new DhtError('DHT_BUSY', `lookup: ${this.#options.maxWaitingLookups} are waiting already`, { cause })
    }
  }

  #judge(peer: PeerId, event: TrustEventName): void {
    this.#trustMetrics.events.add(1, { event })
    this.trust.event(peer, event, this.#deps.clock.monotonic())
  }

  async #findNode(
    { peer, addresses }: Pick<LookupPeer, 'peer' | 'addresses'>,
    target: Key,
    signal: AbortSignal,
    limit = ANSWER_ENTRIES,
  ): Promise<FindNodeOutcome> {
    const known = addresses.length > 0 ? { signal, addresses } : { signal }
    const answer = await this.#messenger.request(peer, { kind: 'findNode', key: target }, known)
    if (answer.result.kind === 'peerRejected') return { kind: 'rejected' }
    return { kind: 'entries', entries: await this.#reader.read(target, answer, limit) }
  }

  #closestPeers(): PeerId[] {
    return this.#keeper.table.closestToSelf().map(({ peer }) => peer)
  }

  #createKeeper(): TableKeeper {
    const { clock, log, network } = this.#deps
    const { revalidationPingMs } = this.#options
    return new TableKeeper(
      {
        ...{ self: network.self, clock, log, metrics: this.#metrics, trust: this.trust, events: this.events },
        ping: (peer, signal) => this.#messenger.ping(peer, revalidationPingMs, signal),
        ownIps: () => new Set([network.localAddress.ip, ...this.#observed.list().map(({ socket }) => socket.ip)]),
        published: (peer, previous, current) => network.addressesPublished(peer, previous, current),
      },
      this.#options,
    )
  }

  #createMessenger(): DhtMessenger {
    const { clock, log, network, random } = this.#deps
    const handlers = new DhtHandlers(
      {
        ...{ self: network.self, clock, metrics: this.#metrics, keeper: this.#keeper, localRecordView },
        verifyRecord: (record) => this.#records.verify(record),
      },
      this.#options,
    )
    return new DhtMessenger(
      {
        ...{ network, clock, random, log, metrics: this.#metrics },
        touch: (peer) => this.#keeper.touch(peer),
        requestFailed: (peer) => this.#judge(peer, 'requestFailed'),
        answer: (operation, from) => handlers.answer(operation, from),
      },
      this.#options,
    )
  }

  #createRunner(): LookupRunner {
    const { clock, network } = this.#deps
    return new LookupRunner(
      {
        ...{ self: network.self, clock, metrics: this.#metrics, failures: this.#failures },
        selfPeer: () =>
          this.#options.role === 'node' ? { peer: network.self, addresses: this.selfAddresses() } : undefined,
        closestKnown: (target, count) => this.#keeper.table.closest(target, count),
        isDialable: (peer, addresses) => network.isDialable(peer, addresses),
        isTardy: (peer) => this.#messenger.tardy(peer),
        owedSince: (peer) => this.#messenger.owedSince(peer),
        findNode: (peer, target, signal) => this.#findNode(peer, target, signal),
        rejectedBy: (peer) => {
          this.#keeper.remove(peer, 'rejectedUs')
          void network.disconnect(peer, 'rejected').catch(() => undefined)
        },
      },
      this.#options,
    )
  }

  #createPublisher(): Publisher {
    const { clock, log, network, signer } = this.#deps
    return new Publisher(
      {
        ...{ clock, log },
        addresses: () => this.selfAddresses(),
        sign: (sequence, addresses) =>
          createAddressRecord({ sequence, records: addresses.map(transportRecord) }, signer),
        send: (peer, topic, operation, signal) => this.#messenger.publish(peer, topic, operation, signal),
        sendFailed: (peer) => this.#judge(peer, 'publicationFailed'),
        connectionOf: (peer) => network.connectionOf(peer),
        saidAt: (connection) => this.#messenger.saidAt(connection),
        ping: (peer, signal) => this.#messenger.ping(peer, this.#options.revalidationPingMs, signal),
      },
      this.#options,
    )
  }

  #createBootstrap(): Bootstrap {
    const { clock, log, network } = this.#deps
    return new Bootstrap(
      {
        ...{ network, clock, log, store: this.#store },
        tableSize: () => this.tableSize,
        findNode: (peer, target, signal) => this.#findNode(peer, target, signal),
        lookupSelf: (signal) => this.#maintenance.lookupSelf(signal),
        fillFarBuckets: (signal) => this.#maintenance.fillFarBuckets(signal),
        admissionSettled: (peer) => this.#keeper.admissionSettled(peer),
        completed: (peers) => {
          this.events.emit('bootstrapComplete', { peers })
          void this.#store.save()
        },
      },
      this.#options,
    )
  }

  #createMaintenance(): Maintenance {
    const { clock, log, network, random } = this.#deps
    return new Maintenance(
      {
        ...{ network, clock, random, log, keeper: this.#keeper, publisher: this.#publisher },
        ...{ bootstrap: this.#bootstrap, store: this.#store },
        lookup: (target, count, request) => this.#lookup(target, count, request),
        dialAll: (peers, signal) => this.#bootstrap.dialAll(peers, signal),
      },
      this.#options,
    )
  }
}
