/**
 * The replication engine: keeps every chunk that this node is responsible for, and sees to it that its neighbours do
 * (replication.md). Puts the machines and their drivers together; each decides or does one thing.
 */
import { LaunchStamps } from '../audit/index.ts'
import { type Logger, messageOf, Registry, resolveOptions, silentLogger, TaskGroup, withPauses } from '../base/index.ts'
import type { CommitmentLookup, CommitmentSource } from '../payment/index.ts'
import type { ChunkAddress, PeerId, ReplicationBody } from '../protocol/index.ts'
import { Challenger } from './audits/challenger.ts'
import { ClaimTracker } from './audits/claim-tracker.ts'
import { Commitments } from './audits/commitments.ts'
import { auditDeadlineMs } from './audits/deadlines.ts'
import { DigestAuditor } from './audits/digest-auditor.ts'
import { FirstAuditor } from './audits/first-auditor.ts'
import { PinLookups } from './audits/pin-lookups.ts'
import { PossessionSchedule } from './audits/possession-schedule.ts'
import { SubtreeAuditor } from './audits/subtree-auditor.ts'
import { SubtreeResponder } from './audits/subtree-responder.ts'
import { Extender } from './extend/extender.ts'
import { FreshReplication } from './fresh/fresh-replication.ts'
import { OfferMerge } from './fresh/offer-merge.ts'
import { BUSY, Offers } from './fresh/offers.ts'
import { Respreader } from './fresh/respreader.ts'
import { Spreader } from './fresh/spreader.ts'
import { Ledger } from './ledger.ts'
import { Keeper } from './memory/keeper.ts'
import { replicationMetrics } from './metrics.ts'
import { REPLICATION_DEFAULTS, type ReplicationOptions } from './options.ts'
import type { Parts } from './parts.ts'
import type { FreshPayment, Replication, ReplicationDeps } from './ports.ts'
import { PaidPrune } from './prune/prune-paid.ts'
import { RecordPrune } from './prune/prune-records.ts'
import { Pruner } from './prune/pruner.ts'
import { BootstrapDrain } from './sync/bootstrap-drain.ts'
import { Comeback } from './sync/comeback.ts'
import { HintExchange } from './sync/hint-exchange.ts'
import { HintListMaker } from './sync/hint-lists.ts'
import { Joiner } from './sync/joiner.ts'
import { NeighborSync } from './sync/neighbor-sync.ts'
import { Repair } from './sync/repair.ts'
import { RepairProofs } from './sync/repair-proofs.ts'
import { fetchResponse, pointerAnswer, verificationResponse } from './traffic/answers.ts'
import { Inbound } from './traffic/inbound.ts'
import { Messenger } from './traffic/messenger.ts'
import { PeerBudgets } from './traffic/peer-budgets.ts'
import { VerificationGate } from './traffic/verification-gate.ts'
import { validateReplicationOptions } from './validate.ts'
import { Fetcher } from './verify/fetcher.ts'
import { HintPipeline } from './verify/hint-pipeline.ts'
import { KeyVerifier } from './verify/key-verifier.ts'
import { Holdings } from './view/holdings.ts'

/** Throws REPLICATION_OPTIONS for values that make no engine (replication.md 2). */
export function createReplication(deps: ReplicationDeps, options?: Partial<ReplicationOptions>): Replication {
  const resolved = resolveOptions('replication', REPLICATION_DEFAULTS, options)
  validateReplicationOptions(resolved)
  return new Engine(deps, resolved)
}

class Engine implements Replication {
  readonly #deps: ReplicationDeps
  readonly #options: ReplicationOptions
  readonly #log: Logger
  readonly #ledger: Ledger
  readonly #parts: Parts
  readonly #holdings: Holdings
  readonly #pipeline: HintPipeline
  readonly #sync: NeighborSync
  readonly #lists: HintListMaker
  readonly #claims: ClaimTracker
  readonly #proofs: RepairProofs
  readonly #drain: BootstrapDrain
  readonly #schedule: PossessionSchedule
  readonly #exchange: HintExchange
  readonly #repair: Repair
  readonly #verifier: KeyVerifier
  readonly #fetcher: Fetcher
  readonly #extender: Extender
  readonly #spreader: Spreader
  readonly #respreader: Respreader
  readonly #offers: Offers
  readonly #challenger: Challenger
  readonly #pruner: Pruner
  readonly #commitments: Commitments
  readonly #responder: SubtreeResponder
  readonly #auditor: SubtreeAuditor
  readonly #firstAudits: FirstAuditor
  readonly #lookups: PinLookups
  readonly #digests: DigestAuditor
  readonly #inbound: Inbound
  readonly #budgets: PeerBudgets
  readonly #joiner: Joiner
  readonly #keeper: Keeper
  readonly #comeback: Comeback
  readonly #tasks: TaskGroup
  #unsubscribe: (() => void)[] = []

  constructor(deps: ReplicationDeps, options: ReplicationOptions) {
    const { clock, random } = deps
    const registry = deps.registry ?? new Registry()
    const ledger = new Ledger(registry)
    const network = ledger.around(deps.network)
    this.#deps = deps
    this.#ledger = ledger
    this.#options = options
    this.#log = (deps.log ?? silentLogger).child('replication')
    this.#tasks = new TaskGroup((error, name) => this.#log.error('a task failed', { name, error: messageOf(error) }))
    this.#holdings = new Holdings({
      ...{ self: network.self, store: deps.store, paidList: deps.paidList, log: this.#log },
      peers: () => deps.dht.peers(),
      suspected: (peer) => deps.dht.suspected(peer),
      breathe: () => clock.sleep(0, this.#tasks.signal),
    })
    this.#pipeline = new HintPipeline(network.self, options)
    this.#sync = new NeighborSync(options)
    this.#claims = new ClaimTracker(options)
    this.#proofs = new RepairProofs(options)
    this.#drain = new BootstrapDrain(options, clock.monotonic())
    this.#schedule = new PossessionSchedule(options)
    this.#parts = {
      ...{ self: network.self, clock, random, log: this.#log, options, network, dht: deps.dht, store: deps.store },
      ...{ payment: deps.payment, hash: deps.hash, kernels: deps.kernels },
      ...{ holdings: this.#holdings, tasks: this.#tasks },
      metrics: replicationMetrics(registry, {
        pending: () => this.#pipeline.pending.size,
        fetching: () => this.#pipeline.fetches.size,
        paid: () => this.#holdings.index.count('paid'),
      }),
      messenger: new Messenger(network, random),
      auditStore: deps.auditStore ?? deps.store,
      bootstrapping: () => this.#drain.bootstrapping,
    }
    const parts = this.#parts
    const [pipeline, sync, claims] = [this.#pipeline, this.#sync, this.#claims]
    this.#lists = new HintListMaker(parts)
    const hinted = () => this.#verifier.wake()
    const newsCame = () => this.#exchange.newsCame()
    const gate = new VerificationGate(parts.messenger)
    this.#extender = new Extender({ parts, gate, sync, lists: this.#lists, newsCame })
    const committedKeys = (peer: PeerId) => this.#auditor.recent(peer)?.commitment.keyCount
    const inTable = (peer: PeerId) => this.#holdings.view.has(peer)
    this.#challenger = new Challenger({ parts, claims, schedule: this.#schedule, extender: this.#extender })
    this.#pruner = new Pruner({
      ...{ parts, claims, challenger: this.#challenger },
      records: new RecordPrune(options, deps.timers),
      paid: new PaidPrune(options, deps.timers),
      committed: (key) => this.#commitments.isCommitted(key as ChunkAddress),
      ...{ gate, committedKeys },
    })
    const { signer, verifier, retention: files } = deps
    this.#commitments = new Commitments({ ...{ parts, signer, verifier, files }, built: () => this.#exchange.wake() })
    this.#responder = new SubtreeResponder(parts, this.#commitments)
    const launches = new LaunchStamps()
    this.#auditor = new SubtreeAuditor(parts, verifier, claims, launches)
    this.#firstAudits = new FirstAuditor({ parts, auditor: this.#auditor, launches })
    this.#lookups = new PinLookups({ parts, verifier, auditor: this.#auditor })
    this.#digests = new DigestAuditor({
      ...{ parts, sync, proofs: this.#proofs, claims, challenger: this.#challenger, committedKeys },
      extender: this.#extender,
    })
    this.#exchange = new HintExchange({
      commitment: () => this.#commitments.show(),
      shown: (peer, commitment) => this.#auditor.shown(peer, commitment),
      startable: () => this.#fetcher.wake(),
      ...{ parts, sync, pipeline, claims, lists: this.#lists, proofs: this.#proofs, drain: this.#drain, hinted },
      inTable,
      cycleEnded: () => this.#tasks.spawn('prune', (signal) => this.#pruner.pass(signal)),
    })
    this.#repair = new Repair({ parts, sync, lists: this.#lists, newsCame })
    this.#verifier = new KeyVerifier({
      ...{
        parts,
        pipeline,
        gate,
        credited: (peer, key) => this.#auditor.credited(peer, key),
        waits: () => this.#drain.verificationWaits,
      },
      verified: () => this.#fetcher.wake(),
    })
    this.#fetcher = new Fetcher({ parts, pipeline, hinted })
    this.#spreader = new Spreader({
      ...{ parts, plans: new FreshReplication(options), gate },
      spread: (key, peers) => this.#schedule.add({ key, peers }, clock.monotonic(), random),
      refused: (key, peer, full) => (full ? this.#extender.lacks([key], peer) : this.#extender.doubt([key])),
    })
    this.#respreader = new Respreader({ parts, spread: (key, proof) => this.#spreader.again(key, proof) })
    this.#offers = new Offers({
      ...{ parts, merge: new OfferMerge(options) },
      stored: (key, proof) => this.#respreader.keep(key, proof),
      paid: (quotes) => this.#firstAudits.nominate(quotes),
    })
    this.#joiner = new Joiner({
      ...{ parts, drain: this.#drain, pipeline, exchange: this.#exchange },
      asked: () => {
        hinted()
        this.#exchange.wake()
      },
      nearest: () => this.#nearest(),
      joined: (signal) => this.#commitments.begin(signal),
      drained: () => {
        this.#log.info('caught up with the neighbours', { chunks: deps.store.size })
        this.#tasks.spawn('first commitments', (signal) => this.#commitments.caughtUp(signal))
        this.#tasks.spawn('digest audits', (signal) => this.#digests.run(signal))
      },
    })
    this.#keeper = new Keeper({ parts, memory: deps.memory, claims, pipeline })
    this.#comeback = new Comeback({
      parts,
      lost: (key) => this.chunkRemoved(key, true),
      changed: () => {
        this.#lists.forgetAll()
        for (const peer of this.#nearest()) sync.addNews(peer, clock.monotonic())
        newsCame()
      },
      room: async (signal) => {
        await withPauses(pipeline.pending.wake(clock.monotonic()), () => this.#holdings.pause(signal))
        hinted()
      },
      missed: (keys) => this.#miss(keys),
    })
    this.#budgets = new PeerBudgets(options, clock, inTable)
    this.#inbound = new Inbound({
      ...{ parts, network, known: inTable },
      answer: (peer, body, signal) => this.#answer(peer, body, signal),
      // Who has just heard of us from all of them is asked by all of them.
      atOnce: (body) => (body.kind === 'subtreeAuditChallenge' ? this.#responder.joining(body) : undefined),
      receive: (peer, body, signal) => this.#receive(peer, body, signal),
      busy: (peer, body) => this.#busy(peer, body),
      deadlineMs: (body) =>
        auditDeadlineMs(body, (pin) => this.#commitments.retention?.find(pin, clock.monotonic())?.tree.keyCount),
    })
  }

  get bootstrapping(): boolean {
    return this.#drain.bootstrapping
  }
  get pending(): number {
    return this.#pipeline.pending.size + this.fetching
  }
  get fetching(): number {
    return this.#pipeline.fetches.size
  }

  get commitments(): CommitmentSource & CommitmentLookup {
    return { show: () => this.#commitments.showForQuote(), bundle: () => this.#lookups.bundle() }
  }

  freshChunk({ address, proof, paid }: FreshPayment): void {
    this.#spreader.stored(address, proof)
    this.#respreader.keep(address, proof)
    if (paid) this.#firstAudits.nominate(paid)
  }
  chunkStored(address: ChunkAddress): void {
    this.#holdings.added(address)
  }
  chunkRemoved(address: ChunkAddress, corrupt: boolean): void {
    this.#holdings.removed(address)
    this.#proofs.keyRemoved(address)
    this.#extender.forget(address)
    // Should it come back, it has its whole time.
    this.#deps.timers.clear('record', address)
    if (corrupt) this.#miss([address])
    else this.#respreader.forget(address)
  }

  /** As if it had been hinted: whoever holds it gives it back (30.3 nr 9). */
  #miss(keys: readonly ChunkAddress[]): void {
    const { clock, self } = this.#parts
    this.#pipeline.hint(self, { replica: keys, paid: [] }, this.#holdings, clock.monotonic())
    this.#verifier.wake()
  }

  chunkPaid(address: ChunkAddress): Promise<void> {
    return this.#holdings.learnPaid(address)
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#unsubscribe.length > 0) return
    await this.#holdings.load(signal)
    await this.#commitments.load()
    await this.#keeper.load()
    const { events } = this.#deps.dht
    const viewChanged = () => {
      this.#holdings.viewChanged()
      this.#repair.viewChanged()
      this.#respreader.viewChanged()
    }
    this.#unsubscribe = [
      events.on('peerAdded', viewChanged),
      events.on('peerRemoved', ({ peer }) => {
        viewChanged()
        this.#forget(peer)
      }),
      events.on('closestPeersChanged', ({ current }) => {
        if (this.#sync.neighboursChanged(current)) this.#exchange.wake()
      }),
      events.on('bootstrapComplete', () => this.#drain.bootstrapComplete()),
      this.#comeback.watch(),
      this.#inbound.listen(),
    ]
    this.#sync.rebuild(this.#nearest())
    const loops = { exchange: this.#exchange, repair: this.#repair, verifier: this.#verifier, fetcher: this.#fetcher }
    const more = {
      spreader: this.#spreader,
      respreader: this.#respreader,
      extender: this.#extender,
      challenger: this.#challenger,
      joiner: this.#joiner,
      commitments: this.#commitments,
      firstAudits: this.#firstAudits,
      keeper: this.#keeper,
      comeback: this.#comeback,
    }
    for (const [name, loop] of Object.entries({ ...loops, ...more }))
      this.#tasks.spawn(name, (inner) => loop.run(inner))
    const { clock } = this.#parts
    this.#tasks.spawn('traffic', (inner) =>
      this.#ledger.run({ clock, log: this.#log, everyMs: this.#options.trafficLogMs }, inner),
    )
  }

  async stop(): Promise<void> {
    const started = this.#unsubscribe.length > 0
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    // Before the tasks end: what they are about is owed.
    if (started) await this.#keeper.save()
    await this.#ended()
  }

  async #ended(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#parts.clock.timer(this.#options.taskStopMs, late.resolve)
    await Promise.race([this.#tasks.stop(), late.promise])
    timer.cancel()
    if (this.#tasks.size > 0) this.#log.warn('tasks have not ended in time', { tasks: this.#tasks.names() })
  }

  #nearest(): readonly PeerId[] {
    return this.#deps.dht.closestToSelf().slice(0, this.#options.syncScope)
  }

  #forget(peer: PeerId): void {
    this.#sync.peerRemoved(peer)
    this.#extender.gone(peer)
    this.#proofs.peerRemoved(peer)
    this.#lists.forget(peer)
    this.#auditor.forget(peer)
    this.#pipeline.pending.forgetRejection(peer)
  }

  async #answer(peer: PeerId, body: ReplicationBody, signal: AbortSignal): Promise<ReplicationBody | undefined> {
    switch (body.kind) {
      case 'neighborSyncRequest':
        return this.#exchange.answer(peer, body, signal)
      case 'verificationRequest':
        return verificationResponse(body, this.#holdings)
      case 'fetchRequest':
        return fetchResponse(body, this.#deps.store, this.#parts.metrics, this.#budgets.fetches(peer))
      case 'auditChallenge':
        return this.#challenger.answer(body, this.#budgets.digests(peer), signal)
      case 'subtreeAuditChallenge':
        return this.#responder.roundOne(peer, body, signal)
      case 'subtreeSliceChallenge':
        return this.#responder.roundTwo(peer, body, signal)
      case 'getCommitmentByPin':
        return this.#commitments.answer(body.pin)
      default:
        return pointerAnswer(body)
    }
  }

  async #receive(peer: PeerId, body: ReplicationBody, signal: AbortSignal): Promise<void> {
    if (body.kind === 'freshOffer') {
      const budget = this.#budgets.offers(peer)
      if (!budget.isOpen()) return this.#busy(peer, body)
      budget.charge(body.data.length)
      await this.#offers.take(peer, body, signal)
    }
    if (body.kind === 'paidNotify') await this.#offers.notified(body.key, body.paymentProof, signal)
    else if (body.kind === 'freshResponse') this.#spreader.answered(peer, body.result)
  }

  /** Only a fresh offer hears that there was no place (4.2). */
  #busy(peer: PeerId, body: ReplicationBody): void {
    if (body.kind !== 'freshOffer') return
    this.#tasks.spawn('refuse', (signal) => this.#offers.refuse(peer, body.key, BUSY, signal))
  }
}
