/**
 * Offers for one key that arrive together (replication.md 5.2 nr 7): the bytes of the first are kept, other proofs are
 * tried in turn until one stores. Pure; proofs are borrowed until the key is finished.
 */
import { equal } from '../../base/index.ts'
import type { ChunkAddress, PeerId } from '../../protocol/index.ts'
import type { ReplicationOptions } from '../options.ts'

export type OfferMergeOptions = Pick<ReplicationOptions, 'mergedKeys' | 'mergedProofs'>

export type OfferPlace =
  /** Keep the bytes and start with `nextProof`. */
  | 'first'
  /** Drop the bytes: the proof waits in line, and the source hears what comes of the key. */
  | 'merged'
  /** "Duplicate offer already in flight". */
  | 'duplicate'
  /** More keys than are let in at once. */
  | 'full'

interface Merge {
  readonly proofs: Uint8Array[]
  readonly sources: PeerId[]
  next: number
}

export class OfferMerge {
  readonly #options: OfferMergeOptions
  readonly #keys = new Map<ChunkAddress, Merge>()

  constructor(options: OfferMergeOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#keys.size
  }

  /** One proof a source, each different from the others, 4 in all. */
  offer(key: ChunkAddress, source: PeerId, proof: Uint8Array): OfferPlace {
    const merge = this.#keys.get(key)
    if (!merge) {
      if (this.#keys.size >= this.#options.mergedKeys) return 'full'
      this.#keys.set(key, { proofs: [proof], sources: [source], next: 0 })
      return 'first'
    }
    const known = merge.sources.includes(source) || merge.proofs.some((other) => equal(other, proof))
    if (known || merge.proofs.length >= this.#options.mergedProofs) return 'duplicate'
    // Its message ends with this call; that of the first lives until all are tried.
    merge.proofs.push(proof.slice())
    merge.sources.push(source)
    return 'merged'
  }

  /** The next proof to verify and who gave it; undefined when all were tried: then `finish`. */
  nextProof(key: ChunkAddress): { readonly source: PeerId; readonly proof: Uint8Array } | undefined {
    const merge = this.#keys.get(key)
    const proof = merge?.proofs[merge.next]
    if (!merge || !proof) return undefined
    return { proof, source: merge.sources[merge.next++] as PeerId }
  }

  /** Stored or given up: everybody who is to be answered, in order of arrival. */
  finish(key: ChunkAddress): readonly PeerId[] {
    const sources = this.#keys.get(key)?.sources ?? []
    this.#keys.delete(key)
    return sources
  }
}
