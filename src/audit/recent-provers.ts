/** Who proved a key of late, and under which commitment (replication.md 20): the holder-credit gate asks. */
import type { ChunkAddress, PeerId } from '../protocol/index.ts'
import type { Pin } from './commitment.ts'
import { type AuditOptions, defaultAuditOptions } from './options.ts'

interface Proof {
  readonly pin: Pin
  readonly at: number
}

/** Dropped in one go: some milliseconds. */
const KEYS_A_CALL = 4096

export class RecentProvers {
  readonly #options: AuditOptions
  /** By key, then by peer, the oldest first. */
  readonly #byKey = new Map<ChunkAddress, Map<PeerId, Proof>>()
  readonly #keysOf = new Map<PeerId, Set<ChunkAddress>>()

  constructor(options: AuditOptions = defaultAuditOptions) {
    this.#options = options
  }

  get keys(): number {
    return this.#byKey.size
  }
  get peers(): number {
    return this.#keysOf.size
  }
  /** Proofs held for one key, expired ones included. */
  proversOf(key: ChunkAddress): number {
    return this.#byKey.get(key)?.size ?? 0
  }

  /** A peer that is known for the key takes its own place again; of 17 the oldest proof leaves. */
  record(key: ChunkAddress, peer: PeerId, pin: Pin, now: number): void {
    const provers = this.#byKey.get(key) ?? new Map<PeerId, Proof>()
    // To the end: the first key is the one that was proven longest ago.
    this.#byKey.delete(key)
    this.#byKey.set(key, provers)
    provers.delete(peer)
    provers.set(peer, { pin, at: now })
    this.#index(peer).add(key)
    if (provers.size > this.#options.proversPerKey) this.#drop(key, first(provers.keys()))
    if (this.#byKey.size > this.#options.provenKeys) this.#dropKey(first(this.#byKey.keys()))
  }

  /** Only under the commitment that the peer shows now: a rotated pin loses the credit. */
  credits(key: ChunkAddress, peer: PeerId, currentPin: Pin, now: number): boolean {
    const proof = this.#byKey.get(key)?.get(peer)
    if (proof === undefined) return false
    if (now - proof.at < this.#options.proverMs) return proof.pin === currentPin
    this.#drop(key, peer)
    return false
  }

  /** All credit of a peer, or what it has under one pin. */
  forget(peer: PeerId, pin?: Pin): void {
    for (const key of [...(this.#keysOf.get(peer) ?? [])]) {
      if (pin === undefined || this.#byKey.get(key)?.get(peer)?.pin === pin) this.#drop(key, peer)
    }
  }

  /** Drops keys whose last proof expired, some thousands a call: with every audit, so that the table holds what counts. */
  expire(now: number): void {
    let left = KEYS_A_CALL
    for (const [key, provers] of this.#byKey) {
      // In the order of the last proof.
      const newest = Math.max(...[...provers.values()].map(({ at }) => at))
      if (now - newest < this.#options.proverMs || left-- === 0) return
      this.#dropKey(key)
    }
  }

  #index(peer: PeerId): Set<ChunkAddress> {
    const keys = this.#keysOf.get(peer) ?? new Set<ChunkAddress>()
    this.#keysOf.set(peer, keys)
    return keys
  }

  #dropKey(key: ChunkAddress): void {
    for (const peer of [...(this.#byKey.get(key)?.keys() ?? [])]) this.#drop(key, peer)
  }

  #drop(key: ChunkAddress, peer: PeerId): void {
    const [provers, keys] = [this.#byKey.get(key), this.#keysOf.get(peer)]
    provers?.delete(peer)
    if (provers?.size === 0) this.#byKey.delete(key)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(peer)
  }
}

function first<T>(values: IterableIterator<T>): T {
  return values.next().value as T
}
