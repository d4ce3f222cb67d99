/**
 * Which peer was told of which key, and when (replication.md 7.4): a digest audit may ask a peer only for keys that it
 * has had the time to fetch. Bounded by keys, the oldest leave. Pure; `now` is monotonic milliseconds.
 */
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type RepairProofOptions = Pick<ReplicationOptions, 'hintMaturityMs' | 'hintMaturityEpochs' | 'repairProofKeys'>

interface Told {
  readonly at: number
  readonly epoch: number
}

export class RepairProofs {
  readonly #options: RepairProofOptions
  readonly #keys = new Map<ChunkAddress, Map<PeerId, Told>>()
  readonly #peers = new Map<PeerId, Set<ChunkAddress>>()

  constructor(options: RepairProofOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#keys.size
  }
  /** Peers that were told something. */
  get peers(): number {
    return this.#peers.size
  }

  /**
   * The peer was hinted the key while `group` were its 7 closest. Proofs of others than these fall away; a repeated
   * hint keeps the time of the first.
   */
  told(key: ChunkAddress, peer: PeerId, group: readonly PeerId[], moment: { now: number; epoch: number }): void {
    this.groupChanged(key, group)
    let peers = this.#keys.get(key)
    if (!group.includes(peer) || peers?.has(peer)) return
    if (!peers) this.#keys.set(key, (peers = new Map()))
    peers.set(peer, { at: moment.now, epoch: moment.epoch })
    const keys = this.#peers.get(peer)
    if (keys) keys.add(key)
    else this.#peers.set(peer, new Set([key]))
    if (this.#keys.size > this.#options.repairProofKeys) this.keyRemoved(this.#keys.keys().next().value as ChunkAddress)
  }

  /** Peers that left the group lose their proof: should they come back they need a new hint. */
  groupChanged(key: ChunkAddress, group: readonly PeerId[]): void {
    for (const peer of this.#keys.get(key)?.keys() ?? []) if (!group.includes(peer)) this.#drop(key, peer)
  }

  keyRemoved(key: ChunkAddress): void {
    for (const peer of this.#keys.get(key)?.keys() ?? []) this.#drop(key, peer)
  }

  peerRemoved(peer: PeerId): void {
    for (const key of this.#peers.get(peer) ?? []) this.#drop(key, peer)
  }

  /** At least an hour ago, and a sync epoch has passed since. */
  mature(key: ChunkAddress, peer: PeerId, moment: { now: number; epoch: number }): boolean {
    const told = this.#keys.get(key)?.get(peer)
    if (!told) return false
    const { hintMaturityMs, hintMaturityEpochs } = this.#options
    return moment.now - told.at >= hintMaturityMs && moment.epoch - told.epoch >= hintMaturityEpochs
  }

  /** Keys a peer was told of, mature or not. */
  keysTold(peer: PeerId): Iterable<ChunkAddress> {
    return this.#peers.get(peer) ?? []
  }

  #drop(key: ChunkAddress, peer: PeerId): void {
    const peers = this.#keys.get(key)
    if (peers?.delete(peer) && peers.size === 0) this.#keys.delete(key)
    const keys = this.#peers.get(peer)
    if (keys?.delete(key) && keys.size === 0) this.#peers.delete(peer)
  }
}
