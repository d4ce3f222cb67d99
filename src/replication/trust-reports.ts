/**
 * What an observation of replication costs or earns a peer (replication.md 2.4, 24). What is not listed costs nothing:
 * invalid payment proofs, undecodable messages, busy drops, refused offers, silence of a subtree audit. Dial and request
 * timeouts are charged by the network itself.
 */
export interface TrustReport {
  readonly success: boolean
  readonly weight: number
  readonly reason: string
}

const failure = (weight: number, reason: string): TrustReport => Object.freeze({ success: false, weight, reason })

export const TRUST_REPORTS = Object.freeze({
  badOffer: failure(1, 'an offer with an ill-sized proof, too many bytes or the wrong hash'),
  fetchFailed: failure(1, 'a fetch that gave no chunk or the wrong one'),
  wrongHint: failure(1, 'the only source of a hint that nobody confirms'),
  bootstrapClaim: failure(1, 'bootstrapping for longer than a day, or again'),
  badPointer: failure(1, 'a pointer that is malformed, badly signed or missing'),
  digestAudit: failure(5, 'a digest audit failed or unanswered'),
  possession: failure(5, 'a possession check failed or unanswered'),
  pruneAudit: failure(5, 'a prune audit failed or unanswered'),
  subtreeAudit: failure(5, 'a subtree audit failed'),
  auditPassed: Object.freeze({ success: true, weight: 1, reason: 'an audit passed' }),
})
export type TrustReportName = keyof typeof TRUST_REPORTS
