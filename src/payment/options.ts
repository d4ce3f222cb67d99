export interface PaymentVerifierOptions {
  /** Addresses whose payment was verified and need no proof again. */
  readonly cacheEntries: number
}

export const paymentVerifierDefaults: PaymentVerifierOptions = Object.freeze({
  cacheEntries: 100_000, // as the reference (payments.md 20)
})
