/** network: peers, signed messages, requests. */
export * from './network.ts'
