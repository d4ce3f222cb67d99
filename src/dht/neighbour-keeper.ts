/**
 * Drives the watch over our closest peers (ADR 9): looks at what their connections brought, pings, dials again, and
 * takes from the table who is gone. Those are dialled now and then for hours: a node that comes back is welcome.
 */
import { type Clock, type Logger, messageOf, TaskGroup } from '../base/index.ts'
import type { Network } from '../network/index.ts'
import { type PeerId, short, type TypedAddress } from '../protocol/index.ts'
import type { DhtMetrics } from './metrics.ts'
import type { NeighbourOptions } from './neighbour-options.ts'
import { NeighbourWatch, type WatchAction } from './neighbour-watch.ts'
import { RecentlyLost } from './recently-lost.ts'
import type { TableKeeper } from './table-keeper.ts'

export interface NeighbourKeeperDeps {
  readonly network: Pick<Network, 'heard' | 'ping' | 'connect' | 'disconnect' | 'connectionOf' | 'events'>
  readonly clock: Clock
  readonly log: Logger
  readonly keeper: Pick<TableKeeper, 'table' | 'remove'>
  readonly metrics: Pick<DhtMetrics, 'neighbours'>
}

interface Brought {
  readonly peer: PeerId
  bytes: number | undefined
}

export class NeighbourKeeper {
  readonly #deps: NeighbourKeeperDeps
  readonly #options: NeighbourOptions
  readonly #watch: NeighbourWatch
  readonly #lost: RecentlyLost
  /** Bytes that the connection of a neighbour had brought when we looked last. */
  #brought: Brought[] = []
  /** The list that the watch was told last; undefined: to be told again. */
  #watching: readonly { readonly peer: PeerId }[] | undefined
  #tasks: TaskGroup
  #unsubscribe: () => void = () => undefined

  constructor(deps: NeighbourKeeperDeps, options: NeighbourOptions) {
    this.#deps = deps
    this.#options = options
    this.#watch = new NeighbourWatch(options, deps.clock.monotonic())
    this.#lost = new RecentlyLost(options)
    this.#tasks = this.#newTasks()
  }

  start(): void {
    this.#unsubscribe = this.#deps.network.events.on('peerConnected', ({ peer }) => this.#heard(peer))
    this.#tasks.spawn('look', async (signal) => {
      for (;;) {
        await this.#deps.clock.sleep(this.#pauseMs, signal)
        this.look()
      }
    })
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    await this.#tasks.stop()
    this.#tasks = this.#newTasks()
  }

  suspected(peer: PeerId): boolean {
    return this.#watch.isSuspect(peer) && !this.#watch.uplinkInDoubt
  }

  uplinkDoubtedAt(): number | undefined {
    return this.#watch.uplinkDoubtedAt(this.#deps.clock.monotonic())
  }

  /** One look at all neighbours, and what follows from it. */
  look(): void {
    const { clock, keeper } = this.#deps
    const now = clock.monotonic()
    const neighbours = keeper.table.closestToSelf()
    // The table gives the same list while nothing in it changed: most looks find that, every five seconds.
    if (neighbours !== this.#watching) {
      this.#watching = neighbours
      const peers = neighbours.map(({ peer }) => peer)
      this.#watch.watch(peers, now)
      const before = new Map(this.#brought.map(({ peer, bytes }) => [peer, bytes]))
      this.#brought = peers.map((peer) => ({ peer, bytes: before.get(peer) }))
    }
    for (const neighbour of this.#brought) this.#listen(neighbour)
    for (const action of this.#watch.step(now)) this.#act(action)
    for (const { peer, addresses } of this.#lost.due(now)) this.#call(peer, addresses)
  }

  get #pauseMs(): number {
    return this.#watch.pending > 0 ? this.#options.closeLookMs : this.#options.lookMs
  }

  #listen(neighbour: Brought): void {
    const bytes = this.#deps.network.heard(neighbour.peer)
    if (bytes === undefined) return
    const before = neighbour.bytes
    neighbour.bytes = bytes
    if (before !== undefined && bytes !== before) this.#heard(neighbour.peer)
  }

  #heard(peer: PeerId): void {
    const now = this.#deps.clock.monotonic()
    this.#lost.returned(peer, now)
    if (!this.#watch.heard(peer, now)) return
    this.#watching = undefined
    this.#said(peer, 'returned')
  }

  #act({ kind, peer }: WatchAction): void {
    const { network } = this.#deps
    switch (kind) {
      case 'probe':
        if (network.connectionOf(peer)) network.ping(peer)
        else this.#dial(peer, [])
        break
      case 'redial':
        this.#said(peer, 'suspect')
        this.#dialAgain(peer)
        break
      case 'otherPath':
        // Relays come with reachability; until then there is one path.
        this.#watch.failed(peer, this.#deps.clock.monotonic())
        break
      case 'gone':
        this.#lose(peer)
    }
  }

  /** A connection that brings nothing is no help: the peer may have a new one under the same name. */
  #dialAgain(peer: PeerId): void {
    const { network } = this.#deps
    this.#tasks.spawn('dial again', async () => {
      if (network.connectionOf(peer)) await network.disconnect(peer, 'silent')
      for (const neighbour of this.#brought) if (neighbour.peer === peer) neighbour.bytes = undefined
      this.#dial(peer, [])
    })
  }

  #dial(peer: PeerId, addresses: readonly TypedAddress[]): void {
    const { clock, network } = this.#deps
    this.#tasks.spawn('dial', async (signal) => {
      try {
        await network.connect(peer, { signal, ignoreFailures: true, ...(addresses.length > 0 ? { addresses } : {}) })
        this.#heard(peer)
      } catch (error) {
        signal.throwIfAborted()
        this.#deps.log.debug('neighbour not reached', { peer: short(peer), error: messageOf(error) })
        this.#watch.failed(peer, clock.monotonic())
      }
    })
  }

  #lose(peer: PeerId): void {
    const { clock, keeper } = this.#deps
    const addresses = keeper.table.get(peer)?.addresses ?? []
    this.#lost.add(peer, addresses, clock.monotonic())
    this.#said(peer, 'gone')
    keeper.remove(peer, 'gone')
  }

  /** Somebody that was lost: a connection is all that is needed, admission does the rest. */
  #call(peer: PeerId, addresses: readonly TypedAddress[]): void {
    if (!this.#deps.network.connectionOf(peer)) this.#dial(peer, addresses)
  }

  #said(peer: PeerId, state: 'suspect' | 'gone' | 'returned'): void {
    this.#deps.metrics.neighbours.add(1, { state })
    this.#deps.log.debug('neighbour', { peer: short(peer), state })
  }

  #newTasks(): TaskGroup {
    return new TaskGroup((error, name) =>
      this.#deps.log.warn('neighbour task failed', { name, error: messageOf(error) }),
    )
  }
}
