/** The arithmetic of trust (dht.md 5). Pure. */
export const NEUTRAL_TRUST = 0.5

/** A score after `seconds` without events: it drifts back to neutral. */
export function decayScore(score: number, seconds: number, decayPerSecond: number): number {
  return NEUTRAL_TRUST + (score - NEUTRAL_TRUST) * Math.exp(-decayPerSecond * Math.max(0, seconds))
}

/** A score after an observation worth `weight` unit observations in a row; a weight that is not above 0 changes nothing. */
export function observeScore(score: number, success: boolean, weight: number, emaWeight: number): number {
  if (!Number.isFinite(weight) || weight <= 0) return score
  const share = 1 - (1 - emaWeight) ** weight
  return clampScore((1 - share) * score + share * (success ? 1 : 0))
}

/** [0, 1]; what is no number is neutral. */
export function clampScore(score: number): number {
  return Number.isFinite(score) ? Math.min(1, Math.max(0, score)) : NEUTRAL_TRUST
}
