/**
 * Honest figures: warm-up, rounds interleaved A B A B, median and spread. A row compares contenders on one input in one
 * run; nothing here passes or fails.
 */
import { Bench } from 'tinybench'

export interface Contender {
  readonly name: string
  readonly run: () => unknown
}

export interface Row {
  readonly id: string
  readonly unit: string
  readonly results: readonly Result[]
}

export interface Result {
  readonly name: string
  readonly median: number
  readonly min: number
  readonly max: number
  /** median / median of the first contender. */
  readonly ratio: number
}

export interface Effort {
  readonly rounds: number
  readonly msPerRound: number
}

export const EFFORT: Readonly<Record<'smoke' | 'quick' | 'full', Effort>> = {
  smoke: { rounds: 1, msPerRound: 20 },
  quick: { rounds: 3, msPerRound: 150 },
  full: { rounds: 5, msPerRound: 500 },
}

/** Calls per second of each contender, or MB/s (10^6) when `bytes` is the size of one call's input. */
export async function compare(
  id: string,
  contenders: readonly Contender[],
  effort: Effort,
  bytes?: number,
): Promise<Row> {
  const samples = contenders.map(() => [] as number[])
  for (let round = 0; round < effort.rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const bench = new Bench({
        time: effort.msPerRound,
        iterations: 3,
        warmup: round === 0,
        warmupTime: effort.msPerRound / 4,
        warmupIterations: 2,
        throws: true,
      })
      bench.add(contender.name, contender.run)
      await bench.run()
      const result = bench.tasks[0]?.result
      if (result?.state !== 'completed') throw new Error(`${id} / ${contender.name}: ${JSON.stringify(result)}`)
      const perSecond = 1000 / result.latency.p50
      samples[i]?.push(bytes === undefined ? perSecond : (perSecond * bytes) / 1e6)
    }
  }
  return rowOf(
    id,
    bytes === undefined ? '/s' : 'MB/s',
    contenders.map((contender, i) => [contender.name, samples[i] as number[]]),
  )
}

/** A row of samples taken elsewhere (whole walks, other processes). */
export function rowOf(
  id: string,
  unit: string,
  samples: readonly (readonly [name: string, values: readonly number[]])[],
): Row {
  const median = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b)
    return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2
  }
  const base = median(samples[0]?.[1] ?? [1])
  const results = samples.map(([name, values]) => ({
    name,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    ratio: median(values) / base,
  }))
  return { id, unit, results }
}

export function printRow(row: Row): void {
  const number = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))
  for (const [i, result] of row.results.entries()) {
    const spread = (result.max - result.min) / result.median
    const warning = spread > 0.3 ? '  (wide spread: the machine is busy)' : ''
    console.log(
      `${(i === 0 ? row.id : '').padEnd(34)} ${result.name.padEnd(24)} ${number(result.median).padStart(10)} ${row.unit.padEnd(5)} x${result.ratio.toFixed(2).padEnd(7)} ${number(result.min)}..${number(result.max)}${warning}`,
    )
  }
}
