/** Takes fresh chunks and notices of payment from neighbours (replication.md 5.2, 5.3), in the order written there. */
import { CodedError, messageOf, release } from '../../base/index.ts'
import type { PaidQuote } from '../../payment/index.ts'
import {
  type ChunkAddress,
  keyOf,
  MAX_CHUNK_BYTES,
  type PeerId,
  type ReplicationBody,
  short,
} from '../../protocol/index.ts'
import { HashedContent } from '../../storage/index.ts'
import { type Parts, report } from '../parts.ts'
import { inAcceptanceWidth } from '../view/groups.ts'
import type { OfferMerge } from './offer-merge.ts'

type Offer = Extract<ReplicationBody, { kind: 'freshOffer' }>

export interface OffersDeps {
  readonly parts: Parts
  readonly merge: OfferMerge
  /** Quotes that paid for a chunk that is stored now. */
  paid(quotes: readonly PaidQuote[]): void
  /** A chunk is stored now; the proof is the callee's. */
  stored(key: ChunkAddress, proof: Uint8Array): void
}

/** What is said to a peer; '' stands for accepted. */
type Refusal = string

/** As stock peers say it (replication.md 4.2, 5.2 nr 7). */
export const BUSY = 'Receiver at fresh-offer capacity'
export const DUPLICATE = 'Duplicate offer already in flight'
const NO_PROOF = 'Missing proof of payment'
const TOO_FAR = 'Not in storage-admission range for this key'
/** Ours: what stock peers say is not known. */
export const FULL = 'No room'

export class Offers {
  readonly #deps: OffersDeps

  constructor(deps: OffersDeps) {
    this.#deps = deps
  }

  /** One offer to its end, which is that of its memory too. */
  async take(peer: PeerId, offer: Offer, signal: AbortSignal): Promise<void> {
    try {
      await this.#take(peer, offer, signal)
    } finally {
      release(offer.data)
    }
  }

  async #take(peer: PeerId, offer: Offer, signal: AbortSignal): Promise<void> {
    const { parts } = this.#deps
    const { store, metrics } = parts
    const { key, data } = offer
    metrics.receivedBytes.add(data.length, { by: 'offer' })
    const fault = this.#fault(offer)
    const content = fault === undefined ? await HashedContent.of(parts.hash, data) : undefined
    if (!content || content.address !== key) {
      const reason = fault ?? 'Content does not match the key'
      report(parts, peer, 'badOffer')
      return this.refuse(peer, key, reason, signal)
    }
    if (store.has(key)) {
      metrics.offers.add(1, { outcome: 'held' })
      await parts.holdings.learnPaid(key)
      return this.#accept(peer, key, signal)
    }
    if (!inAcceptanceWidth(parts.holdings.view, keyOf(key), parts.options))
      return this.refuse(peer, key, TOO_FAR, signal)
    if (!(await store.admits(data.length))) return this.refuse(peer, key, FULL, signal)
    await this.#mergedIn(peer, offer, content, signal)
  }

  async #mergedIn(peer: PeerId, { key, paymentProof }: Offer, content: HashedContent, signal: AbortSignal) {
    const { merge } = this.#deps
    const place = merge.offer(key, peer, paymentProof)
    if (place === 'merged') return
    if (place !== 'first') return this.refuse(peer, key, DUPLICATE, signal)
    let refusal: Refusal = NO_PROOF
    let sources: readonly PeerId[] = []
    try {
      for (let next = merge.nextProof(key); next && refusal !== ''; next = merge.nextProof(key))
        refusal = await this.#store(key, next.proof, content, signal)
    } finally {
      sources = merge.finish(key)
    }
    for (const source of sources) {
      if (refusal === '') await this.#accept(source, key, signal)
      else await this.refuse(source, key, refusal, signal)
    }
  }

  async #store(key: ChunkAddress, proof: Uint8Array, content: HashedContent, signal: AbortSignal): Promise<Refusal> {
    const { payment, holdings, store, log, metrics } = this.#deps.parts
    const verdict = await payment.verifyPayment(key, proof, 'freshReplication', { signal })
    if (verdict.kind !== 'accepted') return verdict.message
    await holdings.learnPaid(key)
    try {
      await store.put(key, content)
      metrics.offers.add(1, { outcome: 'stored' })
      this.#deps.paid(verdict.paid ?? [])
      this.#deps.stored(key, proof.slice())
      return ''
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      log.warn('an offered chunk could not be stored', { key: short(key), error: messageOf(error) })
      return FULL
    }
  }

  /** No answer, whatever comes of it. */
  async notified(key: ChunkAddress, proof: Uint8Array, signal: AbortSignal): Promise<void> {
    const { holdings, options, payment } = this.#deps.parts
    if (this.#proofFault(proof) !== undefined || holdings.paid(key)) return
    if (!inAcceptanceWidth(holdings.view, keyOf(key), options)) return
    const verdict = await payment.verifyPayment(key, proof, 'paidListAdmission', { signal })
    if (verdict.kind === 'accepted') await holdings.learnPaid(key)
  }

  async refuse(peer: PeerId, key: ChunkAddress, reason: string, signal: AbortSignal): Promise<void> {
    const { messenger, metrics } = this.#deps.parts
    metrics.offers.add(1, { outcome: 'refused' })
    await messenger.tell(peer, { kind: 'freshResponse', result: { kind: 'rejected', key, reason } }, signal)
  }

  async #accept(peer: PeerId, key: ChunkAddress, signal: AbortSignal): Promise<void> {
    const { messenger } = this.#deps.parts
    await messenger.tell(peer, { kind: 'freshResponse', result: { kind: 'accepted', key } }, signal)
  }

  #fault({ data, paymentProof }: Offer): Refusal | undefined {
    return this.#proofFault(paymentProof) ?? (data.length > MAX_CHUNK_BYTES ? 'Chunk too large' : undefined)
  }

  #proofFault(proof: Uint8Array): Refusal | undefined {
    const { minProofBytes, maxProofBytes } = this.#deps.parts.options
    if (proof.length === 0) return NO_PROOF
    return proof.length < minProofBytes || proof.length > maxProofBytes ? 'Proof of payment of a wrong size' : undefined
  }
}
