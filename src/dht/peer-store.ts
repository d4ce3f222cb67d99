/** What is remembered over restarts: trust and addresses of the 20 closest, and the whole table (dht.md 12). */
import type { Clock, Logger } from '../base/index.ts'
import type { PeerId } from '../protocol/index.ts'
import type { TrustEngine } from '../trust/index.ts'
import type { DhtOptions } from './options.ts'
import {
  type CachedPeer,
  formatCloseGroupCache,
  formatRoutingSnapshot,
  maySaveSnapshot,
  parseCloseGroupCache,
  parseRoutingSnapshot,
  type TrustedPeer,
} from './peer-cache.ts'
import type { PeerFiles } from './peer-files.ts'
import type { RoutingTable } from './routing-table.ts'

export interface PeerStoreDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Logger
  readonly trust: TrustEngine
  readonly table: RoutingTable
  /** Absent: nothing is remembered. */
  readonly files: PeerFiles | undefined
}

export class PeerStore {
  readonly #deps: PeerStoreDeps
  readonly #options: Pick<DhtOptions, 'cacheMaxAgeMs' | 'snapshotMaxAgeMs' | 'snapshotNoShrinkMs'>
  #restored: { peers: number; at: number } | undefined
  #snapshotPeers = 0
  #saving: Promise<void> = Promise.resolve()

  constructor(
    deps: PeerStoreDeps,
    options: Pick<DhtOptions, 'cacheMaxAgeMs' | 'snapshotMaxAgeMs' | 'snapshotNoShrinkMs'>,
  ) {
    this.#deps = deps
    this.#options = options
  }

  /** Peers of the cache; their trust is taken over. */
  async loadCloseGroup(): Promise<readonly TrustedPeer[]> {
    const { clock, files, trust } = this.#deps
    const text = await files?.read('close_group_cache.json')
    const peers = text === undefined ? undefined : parseCloseGroupCache(text, clock.now(), this.#options.cacheMaxAgeMs)
    if (peers) trust.import(peers, clock.monotonic())
    return peers ?? []
  }

  async loadSnapshot(): Promise<readonly CachedPeer[]> {
    const { clock, files, log, self } = this.#deps
    const text = await files?.read('routing_snapshot.json')
    const snapshot =
      text === undefined ? undefined : parseRoutingSnapshot(text, self, clock.now(), this.#options.snapshotMaxAgeMs)
    if (snapshot?.truncated) log.warn('routing snapshot holds too many peers and was cut')
    this.#snapshotPeers = snapshot?.peers.length ?? 0
    return snapshot?.peers ?? []
  }

  /** The dials of the snapshot are over: from now on it may be overwritten, for a while not by a smaller table. */
  restoreResolved(connected: number): void {
    this.#restored = { peers: Math.min(this.#snapshotPeers, connected), at: this.#deps.clock.monotonic() }
  }

  /** Both files, one save at a time. A disk that fails is logged, not thrown: the next save may work. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    const { clock, files, log, self, table, trust } = this.#deps
    if (!files || table.size === 0) return
    const now = clock.monotonic()
    const closest = table.closestToSelf().map(({ peer, addresses }) => ({
      ...{ peer, addresses },
      score: trust.scoreOf(peer, now),
    }))
    try {
      await files.write('close_group_cache.json', formatCloseGroupCache(closest, clock.now()))
      if (maySaveSnapshot(table.size, this.#restored, now, this.#options.snapshotNoShrinkMs)) {
        await files.write('routing_snapshot.json', formatRoutingSnapshot(self, table.entries(), clock.now()))
      }
    } catch (error) {
      log.warn('peer files not saved', { error })
    }
  }
}
