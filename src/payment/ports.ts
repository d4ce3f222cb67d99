/** Paying and checking payment as ports: `free` local networks now, the chain with the payments issue. */
import type { ChunkAddress, PeerId } from '../protocol/index.ts'

/** What a proof is shown for; decides strictness and caching (payments.md 20). */
export type PaymentContext = 'clientPut' | 'freshReplication' | 'paidListAdmission'

export type PaymentVerdict =
  | { readonly kind: 'accepted' }
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

/** Client side: a proof for each address, in the order given. */
export interface Payer {
  readonly mode: 'local' | 'evm'
  pay(
    addresses: readonly { address: ChunkAddress; size: number }[],
    options: { signal: AbortSignal; group?: readonly PeerId[] },
  ): Promise<readonly Uint8Array[]>
}
