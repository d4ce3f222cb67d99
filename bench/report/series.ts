/** What charts are made of: lines of points out of rows. Pure. */
import type { FiledRow } from '../result-file.ts'

export interface Point {
  readonly x: number
  readonly y: number
  /** Smallest and largest round. */
  readonly low: number
  readonly high: number
}

export interface Line {
  readonly name: string
  readonly points: readonly Point[]
}

export interface LineChart {
  readonly title: string
  readonly xTitle: string
  readonly xUnit: 'B' | 'n'
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly lines: readonly Line[]
  /** A speed-up: the line of the ideal is drawn too. */
  readonly ideal: boolean
}

/** One chart for each name and unit, in the order of their first rows. */
export function lineCharts(rows: readonly FiledRow[]): LineChart[] {
  const charts = new Map<string, { rows: FiledRow[] }>()
  for (const row of rows) {
    if (!row.place || row.results.some(({ quantiles }) => quantiles)) continue
    const unit = row.place.y === 'ratio' ? 'times one' : row.unit
    const key = `${row.place.chart}\n${unit}`
    const chart = charts.get(key) ?? { rows: [] }
    chart.rows.push(row)
    charts.set(key, chart)
  }
  return [...charts.values()].map(({ rows: own }) => chartOf(own))
}

function chartOf(rows: readonly FiledRow[]): LineChart {
  const first = rows[0] as FiledRow
  const place = first.place as NonNullable<FiledRow['place']>
  const ratio = place.y === 'ratio'
  const lines = new Map<string, Point[]>()
  for (const row of rows) {
    const base = ratio ? (row.results[0]?.median ?? 1) : 1
    for (const result of row.results) {
      const x = result.x ?? row.place?.x
      if (x === undefined) continue
      const name = row.place?.line ?? result.name
      const points = lines.get(name) ?? []
      points.push({ x, y: result.median / base, low: result.min / base, high: result.max / base })
      lines.set(name, points)
    }
  }
  const { xTitle, xUnit } = place
  return {
    ...{ title: place.chart, xTitle, xUnit, better: first.better, ideal: ratio },
    unit: ratio ? 'times one worker' : first.unit,
    lines: [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a.x - b.x) })),
  }
}

export interface Strip {
  readonly name: string
  readonly quantiles: ReadonlyMap<number, number>
}

export interface StripChart {
  readonly title: string
  readonly unit: string
  readonly strips: readonly Strip[]
}

/** Latencies, grouped as their rows say. */
export function stripCharts(rows: readonly FiledRow[]): StripChart[] {
  const charts = new Map<string, { title: string; unit: string; strips: Strip[] }>()
  for (const row of rows) {
    for (const result of row.results) {
      if (!result.quantiles) continue
      const title = row.place?.chart ?? row.id
      const chart = charts.get(title) ?? { title, unit: row.unit, strips: [] }
      const name = row.place?.line ?? (row.results.length > 1 ? result.name : row.id)
      chart.strips.push({ name, quantiles: new Map(result.quantiles.map(({ share, value }) => [share, value])) })
      charts.set(title, chart)
    }
  }
  return [...charts.values()]
}
