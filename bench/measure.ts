/**
 * Honest figures: warm-up, rounds interleaved A B A B, median and spread. A row compares contenders on one input in one
 * run; nothing here passes or fails.
 */
import { Bench } from 'tinybench'
import { median, quantile, spread } from './stats.ts'

export interface Contender {
  readonly name: string
  /** Work of one call; may return a promise. */
  readonly run: () => unknown
}

/**
 * Where a row stands in a chart of the report. Rows of one chart and unit are its points, at their own `x` or at that of
 * each result; a line is named by `line`, else by the names of the results.
 */
export interface ChartPlace {
  readonly chart: string
  readonly x?: number
  readonly line?: string
  readonly xTitle: string
  /** `B` is written as KiB and MiB. */
  readonly xUnit: 'B' | 'n'
  /** What is drawn: the median, or how many times the first result. */
  readonly y?: 'ratio'
}

export interface Row {
  readonly id: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly results: readonly Result[]
  readonly place?: ChartPlace
}

export interface Result {
  readonly name: string
  /** Its point on the x axis, where the results of one row are points of one line. */
  readonly x?: number
  readonly median: number
  readonly min: number
  readonly max: number
  /** 10th to 90th percentile of the samples, as a share of the median. */
  readonly spread: number
  /** See `RowOptions`. */
  readonly population?: boolean
  /** median / median of the first contender. */
  readonly ratio: number
  /** One figure a round, in the order taken. */
  readonly samples: readonly number[]
  /** Of single events when the row is a latency: p50, p95, p99 and so on. */
  readonly quantiles?: readonly { readonly share: number; readonly value: number }[]
}

export interface RowOptions {
  /** Default: lower for times and sizes (`ms`, `us`, `MiB`, `KiB`), higher for rates. */
  readonly better?: 'higher' | 'lower'
  readonly place?: ChartPlace
  /** The samples are many things (nodes, lookups) and not rounds of one: that they differ is no noise. */
  readonly population?: boolean
}

export interface Effort {
  readonly rounds: number
  readonly msPerRound: number
}

export type Level = 'smoke' | 'quick' | 'full'

export const EFFORT: Readonly<Record<Level, Effort>> = {
  smoke: { rounds: 1, msPerRound: 20 },
  quick: { rounds: 3, msPerRound: 100 },
  full: { rounds: 5, msPerRound: 400 },
}

/** Beyond this (±10 %) a row is marked: another run may well give another figure. */
export const WIDE_SPREAD = 0.2

/** One timed sample is at least this long: reading the clock costs 50 ns, and some clocks tick in microseconds. */
const SAMPLE_MS = 0.05

/** Calls per second of each contender, or MB/s (10^6) when `bytes` is the size of one call's input. */
export async function compare(
  id: string,
  contenders: readonly Contender[],
  effort: Effort,
  bytes?: number,
  options: Omit<RowOptions, 'better'> = {},
): Promise<Row> {
  const samples = contenders.map(() => [] as number[])
  const batches: number[] = []
  for (let round = 0; round < effort.rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const batch = (batches[i] ??= await batchOf(contender.run, effort.msPerRound / 4))
      const bench = new Bench({
        time: effort.msPerRound,
        iterations: 3,
        warmup: round === 0,
        warmupTime: effort.msPerRound / 4,
        warmupIterations: 2,
        throws: true,
      })
      bench.add(contender.name, batch === 1 ? contender.run : await repeated(contender.run, batch))
      await bench.run()
      const result = bench.tasks[0]?.result
      if (result?.state !== 'completed') throw new Error(`${id} / ${contender.name}: ${JSON.stringify(result)}`)
      const perSecond = (1000 / result.latency.p50) * batch
      samples[i]?.push(bytes === undefined ? perSecond : (perSecond * bytes) / 1e6)
    }
  }
  return rowOf(
    id,
    bytes === undefined ? '/s' : 'MB/s',
    contenders.map((contender, i) => [contender.name, samples[i] as number[]]),
    options,
  )
}

/** How many calls make one sample of SAMPLE_MS; also the first warm-up. */
async function batchOf(run: () => unknown, warmupMs: number): Promise<number> {
  const began = performance.now()
  let calls = 0
  let elapsed = 0
  do {
    await run()
    calls++
    elapsed = performance.now() - began
  } while (elapsed < warmupMs && calls < 100_000)
  return Math.max(1, Math.ceil(SAMPLE_MS / (elapsed / calls)))
}

async function repeated(run: () => unknown, batch: number): Promise<() => unknown> {
  const first = run()
  if (first instanceof Promise) {
    await first
    return async () => {
      for (let i = 0; i < batch; i++) await run()
    }
  }
  return () => {
    let last: unknown
    for (let i = 0; i < batch; i++) last = run()
    return last
  }
}

/** One figure of `measure` a round for every contender, in turn; the first call of each is its warm-up. */
export async function rounds(
  id: string,
  unit: string,
  contenders: readonly { readonly name: string; readonly x?: number; readonly measure: () => Promise<number> }[],
  count: number,
  options: RowOptions & { readonly warmup?: boolean } = {},
): Promise<Row> {
  const samples = contenders.map(({ name }) => [name, [] as number[]] as const)
  if (options.warmup ?? true) for (const { measure } of contenders) await measure()
  for (let round = 0; round < count; round++) {
    for (const [i, { measure }] of contenders.entries()) samples[i]?.[1].push(await measure())
  }
  const row = rowOf(id, unit, samples, options)
  const results = row.results.map((result, i) => {
    const x = contenders[i]?.x
    return x === undefined ? result : { ...result, x }
  })
  return { ...row, results }
}

/** A row of samples taken elsewhere (whole walks, other processes). */
export function rowOf(
  id: string,
  unit: string,
  samples: readonly (readonly [name: string, values: readonly number[]])[],
  options: RowOptions = {},
): Row {
  const taken = samples.filter(([, values]) => values.length > 0)
  const base = median(taken[0]?.[1] ?? [])
  const results = taken.map(([name, values]) => ({
    name,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    spread: spread(values),
    ratio: median(values) / base,
    samples: [...values],
    ...(options.population && { population: true }),
  }))
  const better = options.better ?? (/^(ms|us|s|MiB|KiB)\b/.test(unit) ? 'lower' : 'higher')
  return { id, unit, better, results, ...(options.place && { place: options.place }) }
}

/** The shares that a latency row is told by. */
const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1] as const

/** Latencies of single events: the samples are reduced to quantiles, so that a file does not hold thousands of them. */
export function latencyRow(
  id: string,
  unit: string,
  events: readonly (readonly [name: string, values: readonly number[]])[],
  options: RowOptions = {},
): Row {
  const row = rowOf(id, unit, events, { better: 'lower', ...options })
  const results = row.results.map((result) => ({
    ...result,
    samples: [result.median],
    quantiles: SHARES.map((share) => ({ share, value: quantile(result.samples, share) })),
  }))
  return { ...row, results }
}

/** Half the spread, as people write a tolerance. */
export function spreadText(share: number): string {
  const percent = share * 50
  return `±${percent >= 1 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`
}

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return size === 0 ? '0' : size < 0.01 ? value.toExponential(1) : value.toPrecision(3)
}

/** One line a result; what the columns are is said once, by `printLegend`. */
export function formatRow(row: Row): string[] {
  return row.results.map((result, i) => {
    const of = (share: number) => result.quantiles?.find((at) => at.share === share)?.value ?? Number.NaN
    const range = result.quantiles
      ? `p95 ${formatNumber(of(0.95))}, p99 ${formatNumber(of(0.99))}`
      : result.samples.length === 1
        ? 'one sample'
        : spreadText(result.spread)
    const warning = isWide(result) ? '  WIDE: the machine is busy, or this work varies' : ''
    return [
      (i === 0 ? row.id : '').padEnd(38),
      result.name.padEnd(22),
      formatNumber(result.median).padStart(10),
      row.unit.padEnd(6),
      `x${result.ratio.toFixed(2)}`.padEnd(8),
      `${range}${warning}`,
    ].join(' ')
  })
}

/** Rounds of one thing ought to agree; single latencies and many things need not. */
export function isWide(result: Result): boolean {
  return result.quantiles === undefined && !result.population && result.spread > WIDE_SPREAD
}

export function printRow(row: Row): void {
  for (const line of formatRow(row)) console.log(line)
}
