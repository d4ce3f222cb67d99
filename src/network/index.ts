/** network: peers, signed messages, requests. */
export * from './dial-plan.ts'
export * from './errors.ts'
export * from './network.ts'
export * from './options.ts'
export { createNetwork, type NetworkDeps } from './peer-network.ts'
export { LANES, type Lane, SEND_LANE_DEFAULTS, type SendLaneOptions } from './send-lanes.ts'
export { transportFingerprint } from './transport-fingerprint.ts'
