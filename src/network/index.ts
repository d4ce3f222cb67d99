/** network: peers, signed messages, requests. */
export * from './dial-plan.ts'
export * from './errors.ts'
export * from './network.ts'
export * from './options.ts'
export { createNetwork, type NetworkDeps } from './peer-network.ts'
export { transportFingerprint } from './transport-fingerprint.ts'
