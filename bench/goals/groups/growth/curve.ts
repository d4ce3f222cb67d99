/** Growth rows: costs at several sizes, repeated, and the exponent that fits each repetition. */
import type { Context } from '../../context.ts'
import { fittedExponent } from '../../fit.ts'
import { type CurvePoint, median } from '../../goal.ts'

export const SIZES = [10, 100, 1000, 10_000]

/** `cost` gives the cost at a size, in `unit`; all sizes in turn, round after round. */
export async function growthRow(
  context: Context,
  id: string,
  unit: string,
  cost: (n: number, round: number) => number | Promise<number>,
  options: { sizes?: readonly number[]; rounds?: number; note?: string } = {},
): Promise<void> {
  if (!context.wants(id)) return
  const { sizes = SIZES, rounds = context.pick(5, 3) } = options
  const costs = sizes.map(() => [] as number[])
  for (let round = 0; round < rounds; round++) {
    for (const [i, n] of sizes.entries()) {
      context.signal.throwIfAborted()
      costs[i]?.push(await cost(n, round))
    }
  }
  const curve: CurvePoint[] = sizes.map((n, i) => ({ n, [unit]: median(costs[i] as number[]) }))
  const samples = Array.from({ length: rounds }, (_, round) =>
    fittedExponent(sizes.map((n, i) => ({ n, cost: costs[i]?.[round] as number }))),
  )
  const figures = curve.map((point) => point[unit] as number)
  context.measured(id, {
    samples,
    curve,
    details: { smallest: figures[0] as number, largest: figures.at(-1) as number, figures_in: unit },
    ...(options.note === undefined ? {} : { note: options.note }),
  })
}

/** A call that takes out the oldest of a table and brings in a new one. `entries` is the ring of what is in it. */
export function replaceOldest<T>(
  entries: T[],
  table: { fresh(): T; remove(oldest: T): unknown; add(fresh: T): unknown },
): () => void {
  let oldest = 0
  return () => {
    const fresh = table.fresh()
    table.remove(entries[oldest] as T)
    table.add(fresh)
    entries[oldest] = fresh
    oldest = (oldest + 1) % entries.length
  }
}
