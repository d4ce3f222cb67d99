/** How a cost grows: the exponent of n in cost ~ n^e, by least squares on logarithms. Pure. */

export interface CostPoint {
  readonly n: number
  readonly cost: number
}

/** NaN for fewer than two sizes. A cost of nothing counts as the smallest one that was seen, else as one. */
export function fittedExponent(points: readonly CostPoint[]): number {
  const least = Math.min(...points.flatMap(({ cost }) => (cost > 0 ? [cost] : [])), Number.MAX_VALUE)
  const floor = least === Number.MAX_VALUE ? 1 : least
  const logs = points.map(({ n, cost }) => [Math.log(n), Math.log(Math.max(cost, floor))] as const)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))]
  const spread = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (spread === 0) return Number.NaN
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
}

/** Slope of y over x by least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
}
