/** The statistics of the benches, and nothing else: pure functions over samples. */

/** Linear interpolation between order statistics (Hyndman and Fan 1996, type 7). */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * Math.min(1, Math.max(0, share))
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low + (high - low) * (at - Math.floor(at))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * Distance between the 10th and the 90th percentile, as a share of the median: one definition for three rounds (four
 * fifths of the range) and for three hundred samples (outliers left out).
 */
export function spread(values: readonly number[]): number {
  const middle = median(values)
  if (values.length < 2 || middle === 0) return 0
  return (quantile(values, 0.9) - quantile(values, 0.1)) / Math.abs(middle)
}

export interface Interval {
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly pairs: number
}

/**
 * Ratio of paired rounds (`right / left`), with a 99 % confidence interval: Student's t on the logarithms, so that
 * twice as fast and twice as slow weigh the same. Rounds are few, where a bootstrap would be too sure of itself. With one
 * pair the interval is everything.
 */
export function pairedRatio(left: readonly number[], right: readonly number[]): Interval {
  const logs: number[] = []
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const log = Math.log((right[i] as number) / (left[i] as number))
    if (Number.isFinite(log)) logs.push(log)
  }
  const pairs = logs.length
  if (pairs === 0) return { ratio: Number.NaN, low: 0, high: Number.POSITIVE_INFINITY, pairs }
  const mean = logs.reduce((sum, log) => sum + log, 0) / pairs
  if (pairs === 1) return { ratio: Math.exp(mean), low: 0, high: Number.POSITIVE_INFINITY, pairs }
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (pairs - 1)
  const half = studentT99(pairs - 1) * Math.sqrt(variance / pairs)
  return { ratio: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), pairs }
}

/** Two-sided 99 % points of Student's t for 1 to 30 degrees of freedom (any table of the distribution). */
const T99 = [
  63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898,
  2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.75,
] as const

export function studentT99(degrees: number): number {
  const exact = T99[degrees - 1]
  if (exact !== undefined) return exact
  // Cornish-Fisher expansion about the normal point, good to three digits from here on.
  const z = 2.5758293
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}
