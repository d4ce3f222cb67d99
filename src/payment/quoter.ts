/** Node side of quoting: prices the commitment that is shown, signs (storage.md 12). */
import { type Clock, messageOf, Registry } from '../base/index.ts'
import type { Signer } from '../crypto/index.ts'
import type { Priced } from './binding.ts'
import { PaymentError } from './errors.ts'
import { encodeCandidate, signCandidate } from './merkle-candidate.ts'
import { createQuoterMetrics, type QuoterMetrics } from './metrics.ts'
import { priceOf } from './pricing.ts'
import { encodeQuote, signQuote } from './quote.ts'
import { NO_REWARDS_ADDRESS } from './rewards-address.ts'

/** The storage commitment that quotes refer to. */
export interface ShownCommitment {
  /** 1 .. 1 000 000. */
  readonly keyCount: number
  /** 32 bytes. */
  readonly pin: Uint8Array
  /** Sidecar: the commitment as MessagePack, at most 8192 bytes. */
  readonly encoded: Uint8Array
}

export interface CommitmentSource {
  /**
   * The commitment in force, marked answerable (3 h) by the time it resolves, so that no crash can repudiate a pin
   * that went out; undefined when there is none.
   */
  show(): Promise<ShownCommitment | undefined>
}

export interface QuoterDeps {
  readonly signer: Signer
  readonly clock: Clock
  /** 20 bytes; default: zeros, for networks without a chain. */
  readonly rewardsAddress?: Uint8Array
  /** Default: none, so every quote has count 0 and no pin. */
  readonly commitments?: CommitmentSource
  readonly registry?: Registry
}

/** Bytes for the wire. */
export interface IssuedQuote {
  readonly bytes: Uint8Array
  readonly commitment?: Uint8Array
}

export interface Quoter {
  /** A quote for 32 bytes of content name. Throws PAYMENT_QUOTE_FAILED. */
  quote(content: Uint8Array): Promise<IssuedQuote>
  /** A merkle candidate for the payment of this time (Unix seconds). Throws PAYMENT_QUOTE_FAILED. */
  candidate(timestamp: bigint): Promise<IssuedQuote>
}

/** What quotes and candidates have in common. */
interface Offer extends Priced {
  readonly rewardsAddress: Uint8Array
}

class SigningQuoter implements Quoter {
  readonly #deps: QuoterDeps
  readonly #rewardsAddress: Uint8Array
  readonly #metrics: QuoterMetrics

  constructor(deps: QuoterDeps) {
    this.#deps = deps
    this.#rewardsAddress = deps.rewardsAddress ?? NO_REWARDS_ADDRESS
    this.#metrics = createQuoterMetrics(deps.registry ?? new Registry())
  }

  quote(content: Uint8Array): Promise<IssuedQuote> {
    return this.#issue(async (priced) => {
      const now = this.#deps.clock.now()
      const timestamp = { seconds: BigInt(Math.floor(now / 1000)), nanos: Math.floor(now % 1000) * 1_000_000 }
      return encodeQuote(await signQuote({ ...priced, content, timestamp }, this.#deps.signer))
    })
  }

  candidate(timestamp: bigint): Promise<IssuedQuote> {
    return this.#issue(async (priced) =>
      encodeCandidate(await signCandidate({ ...priced, timestamp }, this.#deps.signer)),
    )
  }

  async #issue(sign: (priced: Offer) => Promise<Uint8Array>): Promise<IssuedQuote> {
    try {
      const shown = await this.#deps.commitments?.show()
      const bytes = await sign(this.#priced(shown))
      this.#metrics.quotes.add()
      return shown ? { bytes, commitment: shown.encoded } : { bytes }
    } catch (cause) {
      throw new PaymentError('PAYMENT_QUOTE_FAILED', `signing a quote failed: ${messageOf(cause)}`, { cause })
    }
  }

  #priced(shown: ShownCommitment | undefined): Offer {
    const committedKeyCount = shown?.keyCount ?? 0
    return {
      rewardsAddress: this.#rewardsAddress,
      price: priceOf(committedKeyCount),
      committedKeyCount,
      ...(shown ? { commitmentPin: shown.pin } : {}),
    }
  }
}

/** A quoter that signs with the node's key. */
export function createQuoter(deps: QuoterDeps): Quoter {
  return new SigningQuoter(deps)
}
