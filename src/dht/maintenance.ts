/** What a node does by itself, forever: publish, walk, ping, join again, save (dht.md 13). */
import {
  type Clock,
  type Logger,
  messageOf,
  type Random,
  randomBelow,
  randomBetween,
  TaskGroup,
} from '../base/index.ts'
import type { Network } from '../network/index.ts'
import { CLOSE_GROUP_SIZE, type Key, keyOf, type PeerId } from '../protocol/index.ts'
import type { Bootstrap } from './bootstrap.ts'
import type { DhtPeer, LookupResult } from './dht.ts'
import { inParallel } from './dial-pool.ts'
import type { DhtOptions } from './options.ts'
import type { PeerStore } from './peer-store.ts'
import type { Publisher } from './publisher.ts'
import { chooseBuckets, randomKeyInBucket } from './refresh.ts'
import { staleClosest } from './revalidation.ts'
import type { TableKeeper } from './table-keeper.ts'

export interface MaintenanceDeps {
  readonly network: Pick<Network, 'self' | 'isConnected'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly keeper: TableKeeper
  readonly publisher: Publisher
  readonly bootstrap: Bootstrap
  readonly store: PeerStore
  lookup(target: Key, count: number, options: { signal: AbortSignal }): Promise<LookupResult>
  dialAll(peers: readonly DhtPeer[], signal: AbortSignal): Promise<void>
}

export class Maintenance {
  readonly #deps: MaintenanceDeps
  readonly #options: DhtOptions
  #tasks: TaskGroup
  #waiting = new Set<PeerId>()
  #lastJoin: number
  #idleSince: number | undefined
  #backoffMs: number

  constructor(deps: MaintenanceDeps, options: DhtOptions) {
    this.#deps = deps
    this.#options = options
    this.#tasks = this.#newTasks()
    this.#lastJoin = deps.clock.monotonic()
    this.#backoffMs = options.isolationBackoffMinMs
  }

  start(): void {
    const { role, selfLookupMinMs, selfLookupMaxMs, bucketRefreshMinMs, bucketRefreshMaxMs } = this.#options
    this.#every(
      'watch',
      () => this.#options.isolationBackoffMinMs,
      (signal) => this.#watch(signal),
    )
    this.#every(
      'self lookup',
      () => this.#wholeSeconds(selfLookupMinMs, selfLookupMaxMs),
      (s) => this.selfTick(s),
    )
    if (role === 'client') return
    this.#every(
      'bucket refresh',
      () => randomBetween(this.#deps.random, bucketRefreshMinMs, bucketRefreshMaxMs),
      (s) => this.bucketTick(s),
    )
    this.#every(
      'save',
      () => this.#options.saveIntervalMs,
      () => this.#deps.store.save(),
    )
  }

  async stop(): Promise<void> {
    await this.#tasks.stop()
    this.#tasks = this.#newTasks()
    this.#waiting = new Set()
  }

  /** Our addresses to those who may not have them, a walk to ourselves, pings of silent neighbours, joining when alone. */
  async selfTick(signal: AbortSignal): Promise<void> {
    const { clock, keeper, publisher } = this.#deps
    if (this.#options.role === 'node') {
      await publisher.refresh(
        keeper.table.entries().map(({ peer }) => peer),
        signal,
      )
    }
    await this.lookupSelf(signal)
    const stale = staleClosest(keeper.table, clock.monotonic(), this.#options.staleAfterMs)
    await keeper.evictSilent(stale, signal)
    await this.#joinAgain(signal)
  }

  async lookupSelf(signal: AbortSignal): Promise<void> {
    const { network, lookup, dialAll } = this.#deps
    const result = await lookup(keyOf(network.self), this.#options.bucketSize, { signal })
    await dialAll(result.closest, signal)
  }

  /**
   * Part of joining (Maymounkov and Mazieres, 2002, 2.3): walks into the buckets beyond our neighbourhood that are
   * still sparse. Without it half the nodes of a young network know nobody in the other half of the space.
   */
  async fillFarBuckets(signal: AbortSignal): Promise<void> {
    const { keeper, random } = this.#deps
    const { bucketSize, sparseBucket, farWalksAtOnce } = this.#options
    const neighbours = keeper.table.closestToSelf()
    const farthest = neighbours[bucketSize - 1]
    if (!farthest) return
    const depth = keeper.table.bucketIndexOf(farthest.key)
    const indexes = Array.from({ length: depth }, (_, index) => index)
    await inParallel(indexes, farWalksAtOnce, signal, async (index) => {
      if ((keeper.table.buckets[index]?.size ?? 0) >= sparseBucket) return
      const key = randomKeyInBucket(keeper.table.selfKey, index, random) as Key
      await this.#deps.lookup(key, CLOSE_GROUP_SIZE, { signal })
      this.#probed(index)
    })
  }

  #probed(index: number): void {
    const bucket = this.#deps.keeper.table.buckets[index]
    if (bucket) bucket.lastProbe = this.#deps.clock.monotonic()
  }

  /** Walks into the two buckets that were heard of least lately. */
  async bucketTick(signal: AbortSignal): Promise<void> {
    const { clock, keeper, random } = this.#deps
    const { bucketsPerRefresh: count, refreshJitterMs: jitterMs } = this.#options
    for (const index of chooseBuckets(keeper.table.buckets, { count, now: clock.monotonic(), jitterMs, random })) {
      const key = randomKeyInBucket(keeper.table.selfKey, index, random) as Key
      try {
        const result = await this.#deps.lookup(key, this.#options.bucketSize, { signal })
        await this.#deps.dialAll(result.closest, signal)
      } finally {
        this.#probed(index)
      }
    }
    await this.#joinAgain(signal)
  }

  /** New members of the 20 closest hear from us soon; what happens in the meantime is sent in one go. */
  publishSoon(peers: readonly PeerId[]): void {
    if (this.#options.role === 'client' || peers.length === 0) return
    const first = this.#waiting.size === 0
    for (const peer of peers) this.#waiting.add(peer)
    if (!first) return
    this.#tasks.spawn('publish', async (signal) => {
      await this.#deps.clock.sleep(this.#options.publishFirstMs, signal)
      const waiting = this.#waiting
      this.#waiting = new Set()
      const recipients = [...waiting].filter((peer) => this.#deps.keeper.table.has(peer))
      await this.#deps.publisher.publishTo(recipients, signal)
    })
  }

  /** Below three entries there is no network to speak of; with nobody connected it is urgent. */
  async #joinAgain(signal: AbortSignal): Promise<void> {
    const { bootstrap, clock, keeper } = this.#deps
    if (keeper.table.size >= this.#options.rebootstrapBelow && bootstrap.bootstrapped) return
    if (clock.monotonic() - this.#lastJoin < this.#options.rebootstrapCooldownMs) return
    this.#lastJoin = clock.monotonic()
    await bootstrap.run(signal)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { bootstrap, clock, keeper, network } = this.#deps
    const now = clock.monotonic()
    if (network.isConnected) {
      this.#idleSince = undefined
      this.#backoffMs = this.#options.isolationBackoffMinMs
      // Found by others before we found anybody: this is our way in.
      if (!bootstrap.bootstrapped && keeper.table.size > 0) await bootstrap.run(signal)
      return
    }
    this.#idleSince ??= now
    const due = Math.max(this.#idleSince + this.#options.isolatedAfterMs, this.#lastJoin + this.#backoffMs)
    if (now < due) return
    this.#backoffMs = Math.min(this.#backoffMs * 2, this.#options.rebootstrapCooldownMs)
    this.#lastJoin = now
    await bootstrap.run(signal)
  }

  #every(name: string, intervalMs: () => number, work: (signal: AbortSignal) => Promise<void>): void {
    this.#tasks.spawn(name, async (signal) => {
      for (;;) {
        await this.#deps.clock.sleep(intervalMs(), signal)
        try {
          await work(signal)
        } catch (error) {
          signal.throwIfAborted()
          this.#deps.log.warn('maintenance step failed', { name, error: messageOf(error) })
        }
      }
    })
  }

  #wholeSeconds(minMs: number, maxMs: number): number {
    return minMs + randomBelow(this.#deps.random, Math.floor((maxMs - minMs) / 1000) + 1) * 1000
  }

  #newTasks(): TaskGroup {
    return new TaskGroup((error, name) => this.#deps.log.warn('dht task failed', { name, error: messageOf(error) }))
  }
}
