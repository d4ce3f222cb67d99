import { resolveOptions } from '../base/index.ts'
import { TrustError } from './errors.ts'

/** Numbers of dht.md section 5. They decide who may be replaced, so nodes should agree on them roughly. */
export interface TrustOptions {
  /** Below this a peer may be replaced in a full bucket; in [0, 0.5), 0 switches that off. */
  readonly swapThreshold: number
  /** From here on a live peer is not displaced by a nearer one of the same IP or subnet. */
  readonly protectionThreshold: number
  /** Weight of one unit observation in the moving average. */
  readonly emaWeight: number
  /** Decay towards neutral per second. */
  readonly decayPerSecond: number
  /** Heaviest observation that the application may report. */
  readonly weightCap: number
  /** Peers remembered; the least recently updated leaves and is neutral again. */
  readonly maxPeers: number
}

export const trustDefaults: TrustOptions = Object.freeze({
  swapThreshold: 0.35, // three unit failures in a row (0.336) cross it, two (0.384) do not
  protectionThreshold: 0.7, // one heavy success (0.742) reaches it
  emaWeight: 0.124, // the network's number
  decayPerSecond: 1.394e-5, // the worst score passes 0.35 again after one day
  weightCap: 5, // one W=5 failure (0.258) makes a peer replaceable at once
  maxPeers: 65_536, // about 10 MB; more peers than a table and its churn of a day
})

export function resolveTrustOptions(given?: Partial<TrustOptions>): TrustOptions {
  const options = resolveOptions('trust', trustDefaults, given)
  if (!(options.swapThreshold >= 0 && options.swapThreshold < 0.5)) {
    throw new TrustError('TRUST_OPTIONS', `trust swapThreshold ${options.swapThreshold} is outside [0, 0.5)`)
  }
  return options
}
