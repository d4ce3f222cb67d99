/** Paying and checking payment as ports: `free` local networks now, the chain with the payments issue. */
import type { ChunkAddress, PeerId, StorageCommitment } from '../protocol/index.ts'

/** What a proof is shown for; decides strictness and caching (payments.md 20). */
export type PaymentContext = 'clientPut' | 'freshReplication' | 'paidListAdmission'

/** A quote of a proof that was settled: its issuer is worth an audit of the commitment it was priced by. */
export interface PaidQuote {
  readonly issuer: PeerId
  /** 32 bytes; no view into the proof, whose message is given back when the verdict is there. */
  readonly pin: Uint8Array
  readonly keyCount: number
  /** Unix ms. */
  readonly quotedAt: number
}

export type PaymentVerdict =
  /**
   * `paid`: the settled issuer of a single payment, each paid index of a merkle one, when they were pinned and the
   * proof was looked at. Local proofs have none.
   */
  | { readonly kind: 'accepted'; readonly paid?: readonly PaidQuote[] }
  | { readonly kind: 'required'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }

/** Node side. */
export interface PaymentVerifier {
  verifyPayment(
    address: ChunkAddress,
    proof: Uint8Array | undefined,
    context: PaymentContext,
    options: { signal: AbortSignal },
  ): Promise<PaymentVerdict>
}

/** Commitments of others by their pins, for the cross-checks of a proof without sidecars (replication.md 14.4). */
export interface CommitmentLookup {
  /** For the quotes of one proof: what was shown to us, else what few of the issuers say. */
  bundle(): CommitmentFinder
}

export interface CommitmentFinder {
  /** Checked: it is of this peer, has this pin and its signature is valid. Rejects only with the signal's reason. */
  find(
    issuer: PeerId,
    pin: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<StorageCommitment | undefined>
}

/** Client side: a proof for each address, in the order given. */
export interface Payer {
  readonly mode: 'local' | 'evm'
  pay(
    addresses: readonly { address: ChunkAddress; size: number }[],
    options: { signal: AbortSignal; group?: readonly PeerId[] },
  ): Promise<readonly Uint8Array[]>
}
