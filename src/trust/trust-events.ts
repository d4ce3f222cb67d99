/** The closed list of events that move trust, with their weights (dht.md 5). What is not listed here costs nothing. */
export interface TrustObservation {
  readonly success: boolean
  readonly weight: number
}

const failure = (weight: number): TrustObservation => Object.freeze({ success: false, weight })
const success = (weight: number): TrustObservation => Object.freeze({ success: true, weight })

export const TRUST_EVENTS = Object.freeze({
  /** Every address of the dial plan failed. */
  dialFailed: failure(1),
  /** Connected, but no announce in time. */
  identityFailed: failure(1),
  /** Authenticated as another peer than expected: suspicious, but not the expected peer's fault. */
  identityMismatch: failure(0),
  /** A request was sent but failed or timed out. */
  requestFailed: failure(1),
  /** An address publication could not be sent; once per recipient and publication. */
  publicationFailed: failure(1),
  /** No reward for DHT answers. */
  dhtAnswer: success(0),
  /** Wrong bytes, malformed offers, missing pointers, claim abuse. */
  applicationFault: failure(1),
  /** Failed audit, possession check or prune audit. */
  auditFailed: failure(5),
  auditPassed: success(1),
})
export type TrustEventName = keyof typeof TRUST_EVENTS
