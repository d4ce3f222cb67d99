/**
 * Proofs of payment of the last hours, with who heard of each. Whoever missed a payment learns of it from hints when most
 * of the paid group confirm it (replication.md 9.3): of a chunk that was stored while the network was in two parts, the
 * others can never be told that way. Bounded by bytes, number and age, the oldest leave. Pure; `now` is monotonic
 * milliseconds.
 */
import type { InSlices } from '../../base/index.ts'
import { type ChunkAddress, keyOf, type PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'
import { closestOthers, type Widths } from '../view/groups.ts'
import type { OwnView } from '../view/own-view.ts'

export type KeptOptions = Widths & Pick<ReplicationOptions, 'keptProofBytes' | 'keptProofs' | 'keptProofMs'>

interface Kept {
  readonly key: ChunkAddress
  readonly proof: Uint8Array
  readonly keptAt: number
  readonly heard: Set<PeerId>
}

export interface Unheard {
  readonly key: ChunkAddress
  readonly proof: Uint8Array
  readonly strangers: readonly PeerId[]
}

/** Keys looked at in one go: some 2 ms. */
const SLICE = 128

export class KeptPayments {
  readonly #options: KeptOptions
  /** In the order in which they came. */
  readonly #kept = new Map<ChunkAddress, Kept>()
  #bytes = 0

  constructor(options: KeptOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#kept.size
  }
  get bytes(): number {
    return this.#bytes
  }

  /** The payment was proven, and everybody who takes part by this view hears of it now. The proof stays. */
  keep(key: ChunkAddress, proof: Uint8Array, view: OwnView, now: number): void {
    if (this.#kept.has(key)) return
    const heard = new Set(closestOthers(view, keyOf(key), this.#options.acceptanceWidth))
    this.#kept.set(key, { key, proof, keptAt: now, heard })
    this.#bytes += proof.length
    const { keptProofBytes, keptProofs, keptProofMs } = this.#options
    for (const oldest of this.#kept.values()) {
      const bounded = this.#bytes <= keptProofBytes && this.#kept.size <= keptProofs
      if (bounded && now - oldest.keptAt < keptProofMs) break
      this.forget(oldest.key)
    }
  }

  forget(key: ChunkAddress): void {
    const kept = this.#kept.get(key)
    if (!kept || !this.#kept.delete(key)) return
    this.#bytes -= kept.proof.length
  }

  /** Payments of which a third of those who take part by now never heard. */
  *unheard(view: OwnView, now: number): InSlices<Unheard[]> {
    const unheard: Unheard[] = []
    let seen = 0
    for (const { key, proof, keptAt, heard } of this.#kept.values()) {
      if (++seen % SLICE === 0) yield
      if (now - keptAt >= this.#options.keptProofMs) {
        this.forget(key)
        continue
      }
      const audience = closestOthers(view, keyOf(key), this.#options.acceptanceWidth)
      const strangers = audience.filter((peer) => !heard.has(peer))
      if (strangers.length * 3 < audience.length || strangers.length === 0) continue
      unheard.push({ key, proof, strangers })
    }
    return unheard
  }

  /** They hear of it now. */
  told({ key, strangers }: Unheard): void {
    const heard = this.#kept.get(key)?.heard
    for (const peer of strangers) heard?.add(peer)
  }
}
