/**
 * Joining (dht.md 11): peers of the close-group cache, configured seeds and the snapshot of the last run are dialled
 * side by side, then asked for our own neighbourhood. Nothing here ever fails: a node that reaches nobody runs on.
 */
import { type Clock, type Logger, messageOf, withDeadline } from '../base/index.ts'
import type { Network } from '../network/index.ts'
import {
  compareDistance,
  dialable,
  type Key,
  keyOf,
  type Multiaddr,
  type PeerId,
  type SocketAddress,
  short,
} from '../protocol/index.ts'
import type { BootstrapSeed, DhtPeer } from './dht.ts'
import { inParallel } from './dial-pool.ts'
import type { LookupPeer } from './lookup.ts'
import type { FindNodeOutcome } from './lookup-runner.ts'
import type { DhtOptions } from './options.ts'
import type { CachedPeer } from './peer-cache.ts'
import type { PeerStore } from './peer-store.ts'

export interface BootstrapDeps {
  readonly network: Pick<
    Network,
    | 'self'
    | 'connect'
    | 'connectAddress'
    | 'connections'
    | 'isConnected'
    | 'connectionOf'
    | 'isDialable'
    | 'disconnect'
    | 'events'
  >
  readonly clock: Clock
  readonly log: Logger
  readonly store: PeerStore
  tableSize(): number
  findNode(peer: LookupPeer, target: Key, signal: AbortSignal): Promise<FindNodeOutcome>
  /** Walks to self and dials what it finds. */
  lookupSelf(signal: AbortSignal): Promise<void>
  /** Walks into the far parts of the space of which we know too little. */
  fillFarBuckets(signal: AbortSignal): Promise<void>
  /** The peer's admission is decided; pending pings of a full bucket are waited for. */
  admissionSettled(peer: PeerId): Promise<void>
  completed(peers: number): void
}

type Options = Pick<
  DhtOptions,
  | 'role'
  | 'seeds'
  | 'rebootstrapBelow'
  | 'seedsAtOnce'
  | 'seedTimeoutMs'
  | 'clientConnections'
  | 'clientGossipBelow'
  | 'clientSettleMs'
  | 'snapshotDialsAtOnce'
  | 'snapshotBudgetMs'
  | 'gossipDialsAtOnce'
  | 'inboundWaitMs'
  | 'admissionWaitMs'
  | 'selfLookupsAfterBootstrap'
>

/** New addresses tried of one snapshot peer. */
const SNAPSHOT_ADDRESSES = 2
/** How often a client looks whether it knows enough peers. */
const USEFUL_POLL_MS = 25

export class Bootstrap {
  readonly #deps: BootstrapDeps
  readonly #options: Options
  #running: Promise<void> | undefined
  #snapshotTried = false
  #bootstrapped = false

  constructor(deps: BootstrapDeps, options: Options) {
    this.#deps = deps
    this.#options = options
  }

  get bootstrapped(): boolean {
    return this.#bootstrapped
  }

  /** One run at a time; a second caller waits for the same one. */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#join(signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { log, network, store } = this.#deps
    const { role, seeds } = this.#options
    const dialled = new Set<string>()
    const cached = await store.loadCloseGroup()
    const asked = new Set<PeerId>(network.connections().map(({ peer }) => peer))
    const first = [this.#dialSeeds(dialled, asked, signal), this.#dialCached(cached, dialled, asked, signal)]
    if (role === 'node') first.push(this.#dialSnapshot(cached, dialled, signal))
    await this.#untilUseful(Promise.all(first), () => network.isConnected, signal)
    if (!network.isConnected) {
      if (seeds.length === 0 && cached.length === 0) return
      await this.#waitForInbound(signal)
      if (!network.isConnected) {
        log.warn('bootstrap reached nobody', { seeds: seeds.length, cached: cached.length })
        return
      }
    }
    // Reached by others only: they are asked instead.
    if (asked.size === 0) for (const { peer } of network.connections()) asked.add(peer)
    await this.#gossip([...asked], signal)
    log.info('routing table ready', { peers: this.#deps.tableSize() })
    if (role === 'node') {
      for (let i = 0; i < this.#options.selfLookupsAfterBootstrap; i++) await this.#deps.lookupSelf(signal)
      await this.#deps.fillFarBuckets(signal)
    }
    if (this.#deps.tableSize() === 0) return
    this.#bootstrapped = true
    this.#deps.completed(this.#deps.tableSize())
  }

  async #dialSeeds(dialled: Set<string>, asked: Set<PeerId>, signal: AbortSignal): Promise<void> {
    await inParallel(this.#options.seeds, this.#options.seedsAtOnce, signal, async (seed: BootstrapSeed) => {
      if (this.#enough()) return
      const peer = await this.#dial(seed.address, seed.expected, dialled, signal)
      if (peer) asked.add(peer)
    })
  }

  async #dialCached(
    cached: readonly (CachedPeer & { score: number })[],
    dialled: Set<string>,
    asked: Set<PeerId>,
    signal: AbortSignal,
  ): Promise<void> {
    const self = keyOf(this.#deps.network.self)
    const ordered = cached
      .filter(({ peer }) => peer !== this.#deps.network.self)
      .toSorted((a, b) => b.score - a.score || compareDistance(self, keyOf(a.peer), keyOf(b.peer)))
    await inParallel(ordered, this.#options.gossipDialsAtOnce, signal, async ({ peer, addresses }) => {
      for (const socket of sockets(addresses)) {
        if (this.#enough() || this.#deps.network.connectionOf(peer)) break
        if (await this.#dial(socket, peer, dialled, signal)) asked.add(peer)
      }
    })
  }

  /** Once a process: the whole table of the last run, so that we do not believe ourselves close to everything. */
  async #dialSnapshot(cached: readonly CachedPeer[], dialled: Set<string>, signal: AbortSignal): Promise<void> {
    if (this.#snapshotTried) return
    this.#snapshotTried = true
    const { clock, network, store } = this.#deps
    const queued = new Set<PeerId>([network.self, ...cached.map(({ peer }) => peer)])
    const peers = (await store.loadSnapshot()).filter(({ peer }) => !queued.has(peer))
    const deadline = clock.monotonic() + this.#options.snapshotBudgetMs
    await inParallel(peers, this.#options.snapshotDialsAtOnce, signal, async ({ peer, addresses }) => {
      const fresh = sockets(addresses).filter((socket) => !dialled.has(nameOf(socket)))
      for (const socket of fresh.slice(0, SNAPSHOT_ADDRESSES)) {
        if (clock.monotonic() >= deadline || network.connectionOf(peer)) return
        await this.#dial(socket, peer, dialled, signal)
      }
    })
    store.restoreResolved(network.connections().length)
  }

  /** No trust moves on this path: an old address proves nothing against its peer. */
  async #dial(
    socket: SocketAddress,
    expected: PeerId | undefined,
    dialled: Set<string>,
    signal: AbortSignal,
  ): Promise<PeerId | undefined> {
    const name = nameOf(socket)
    if (dialled.has(name)) return undefined
    dialled.add(name)
    const { clock, network, log } = this.#deps
    try {
      const connection = await withDeadline(clock, this.#options.seedTimeoutMs, signal, `dial ${name}`, (scope) =>
        network.connectAddress(socket, { signal: scope, ...(expected === undefined ? {} : { expected }) }),
      )
      return connection.peer
    } catch (error) {
      signal.throwIfAborted()
      log.debug('bootstrap dial failed', { address: name, error: messageOf(error) })
      return undefined
    }
  }

  /** Asks each peer for our neighbourhood and dials whom it names. */
  async #gossip(peers: readonly PeerId[], signal: AbortSignal): Promise<void> {
    const { network } = this.#deps
    const self = keyOf(network.self)
    const named = new Map<PeerId, DhtPeer>()
    await inParallel(peers, this.#options.gossipDialsAtOnce, signal, async (peer) => {
      try {
        const outcome = await this.#deps.findNode({ peer, key: keyOf(peer), addresses: [] }, self, signal)
        if (outcome.kind === 'entries') for (const entry of outcome.entries) named.set(entry.peer, entry)
      } catch (error) {
        signal.throwIfAborted()
        this.#deps.log.debug('seed did not answer', { peer: short(peer), error: messageOf(error) })
      }
    })
    const enough = () => this.#deps.tableSize() >= this.#options.clientGossipBelow
    await this.#untilUseful(this.dialAll([...named.values()], signal), enough, signal)
  }

  /**
   * A node waits for all of `work`. A client only until it can do something: its user waits too, and a dead seed takes
   * seconds to show. What is under way then goes on by itself, and ends with the network at the latest.
   */
  async #untilUseful(work: Promise<unknown>, useful: () => boolean, signal: AbortSignal): Promise<void> {
    if (this.#options.role === 'node') return void (await work)
    const { clock } = this.#deps
    let ended = false
    const settled = work.finally(() => {
      ended = true
    })
    settled.catch(() => undefined)
    while (!ended && !useful()) await Promise.race([settled, clock.sleep(USEFUL_POLL_MS, signal)])
    if (!ended) await Promise.race([settled, clock.sleep(this.#options.clientSettleMs, signal)])
    signal.throwIfAborted()
  }

  /** Dials every peer that is not connected, some at once, each until it is admitted or refused. */
  async dialAll(peers: readonly DhtPeer[], signal: AbortSignal): Promise<void> {
    const { network, clock } = this.#deps
    await inParallel(peers, this.#options.gossipDialsAtOnce, signal, async ({ peer, addresses }) => {
      if (peer === network.self || network.connectionOf(peer) || !network.isDialable(peer, addresses)) return
      if (this.#options.role === 'client' && this.#deps.tableSize() >= this.#options.clientGossipBelow) return
      try {
        await withDeadline(
          clock,
          this.#options.admissionWaitMs,
          signal,
          `admission of ${short(peer)}`,
          async (scope) => {
            await network.connect(peer, { signal: scope, addresses })
            await this.#deps.admissionSettled(peer)
          },
        )
      } catch {
        signal.throwIfAborted()
      }
    })
  }

  async #waitForInbound(signal: AbortSignal): Promise<void> {
    const { clock, network } = this.#deps
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel()
        off()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = clock.timer(this.#options.inboundWaitMs, done)
      const off = network.events.on('peerConnected', done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
    signal.throwIfAborted()
  }

  #enough(): boolean {
    const { role, clientConnections } = this.#options
    return role === 'client' && this.#deps.network.connections().length >= clientConnections
  }
}

function sockets(addresses: readonly Multiaddr[]): SocketAddress[] {
  return addresses.flatMap((address) => dialable(address) ?? [])
}
function nameOf({ ip, port }: SocketAddress): string {
  return `${ip} ${port}`
}
