/** A curve that was measured on real processes, as `bench/real-kill.ts` writes it. Pure. */
import { ScenarioError } from './errors.ts'
import type { RealCurve } from './report/charts.ts'

export const MAX_REAL_BYTES = 4 * 1024 * 1024
const MAX_POINTS = 100_000

/** `{"kind": "myrmex-real-curve", "points": [{"t": ms, "fewest", "median"}]}`; throws SCENARIO_FILE. */
export function parseRealCurve(text: string): RealCurve {
  const fail = (why: string) => new ScenarioError('SCENARIO_FILE', `this is no measured curve: ${why}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fail('it is no JSON')
  }
  const { kind, points } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (kind !== 'myrmex-real-curve' || !Array.isArray(points)) throw fail('its kind is not myrmex-real-curve')
  if (points.length > MAX_POINTS) throw fail('it has too many points')
  return {
    points: points.map((point: Record<string, unknown>, i) => {
      const { t, fewest, median } = point ?? {}
      if (typeof t !== 'number' || typeof fewest !== 'number' || typeof median !== 'number')
        throw fail(`point ${i} has no t, fewest and median`)
      return { t, fewest, median }
    }),
  }
}
