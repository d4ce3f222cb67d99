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
  const both = Array.from({ length: Math.min(left.length, right.length) }, (_, i) => i)
  const logs = both.map((i) => Math.log((right[i] as number) / (left[i] as number))).filter(Number.isFinite)
  const { count: pairs, mean, variance } = moments(logs)
  if (pairs === 0) return { ratio: Number.NaN, low: 0, high: Number.POSITIVE_INFINITY, pairs }
  if (pairs === 1) return { ratio: Math.exp(mean), low: 0, high: Number.POSITIVE_INFINITY, pairs }
  const half = studentT99(pairs - 1) * Math.sqrt(variance / pairs)
  return { ratio: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), pairs }
}

/**
 * The same for samples that are no pairs (two sessions): Welch's standard error on the logarithms, with the smaller
 * group's degrees of freedom, which errs on the wide side. How the machine itself drifted in between is not in it.
 */
export function unpairedRatio(left: readonly number[], right: readonly number[]): Interval {
  const [a, b] = [left, right].map((values) => moments(values.map(Math.log).filter(Number.isFinite)))
  if (!a || !b || a.count === 0 || b.count === 0)
    return { ratio: Number.NaN, low: 0, high: Number.POSITIVE_INFINITY, pairs: 0 }
  const difference = b.mean - a.mean
  const pairs = Math.min(a.count, b.count)
  if (pairs === 1) return { ratio: Math.exp(difference), low: 0, high: Number.POSITIVE_INFINITY, pairs }
  const half = studentT99(pairs - 1) * Math.sqrt(a.variance / a.count + b.variance / b.count)
  return { ratio: Math.exp(difference), low: Math.exp(difference - half), high: Math.exp(difference + half), pairs }
}

function moments(values: readonly number[]) {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const variance = count < 2 ? 0 : values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
  return { count, mean, variance }
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
