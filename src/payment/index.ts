/** payment: quotes, prices, proofs; chain-neutral. */
export * from './ports.ts'
