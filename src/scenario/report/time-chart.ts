/** Curves over virtual time, with what happened as bands and strokes behind them. */
import { axisFor, axisNumber, type Markup, markup, spaced } from '../../page/index.ts'

export type Point = readonly [ms: number, value: number]

export interface Curve {
  readonly name: string
  /** A value that is no number is a gap. */
  readonly points: readonly Point[]
}

export interface Marking {
  readonly text: string
  readonly from: number
  /** A span; an instant without. */
  readonly to?: number
}

export interface TimeChart {
  readonly title: string
  readonly lead: string
  readonly unit: string
  readonly curves: readonly Curve[]
  /** Values that the axis reaches whatever the curves do. */
  readonly include?: readonly number[]
  /** A part of the run; all of it without. */
  readonly range?: { readonly from: number; readonly to: number }
}

export interface ChartFrame {
  readonly runMs: number
  readonly markings: readonly Marking[]
}

/** A chart is drawn for both widths of a card, so that its texts have one size everywhere; the style sheet picks. */
const WIDTHS = { wide: 560, narrow: 330 } as const
const HEIGHT = 260
const CHARACTER = 6.6
/** Points of a curve; of more, the extremes of each stretch are kept. */
const MOST_POINTS = 600
/** Columns that tell their figures when pointed at. */
const COLUMNS = 80
const TICKS_MS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
)

export function timeCard(chart: TimeChart, frame: ChartFrame): Markup {
  const drawn = chart.curves.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)))
  const body =
    drawn.length === 0
      ? markup`<p>Nothing to draw: no figure was taken.</p>`
      : markup`${drawn.length > 1 && legend(chart)}${Object.entries(WIDTHS).map(([name, width]) => draw(chart, frame, name, width))}`
  return markup`<article class="card"><h3>${chart.title}</h3><p>${chart.lead}</p>${body}</article>`
}

function legend({ curves }: TimeChart): Markup {
  return markup`<ul class="legend">${curves.map(
    ({ name }, i) =>
      markup`<li class="s${i}"><svg viewBox="0 0 26 12" aria-hidden="true"><path class="line" d="M1 6L25 6"/></svg>${name}</li>`,
  )}</ul>`
}

function draw(chart: TimeChart, { runMs, markings: all }: ChartFrame, variant: string, width: number): Markup {
  const values = chart.curves.flatMap(({ points }) => points.map(([, value]) => value)).concat(chart.include ?? [])
  // Always from zero and never logarithmic: a sceptic must not have to look at the axis first.
  const yAxis = axisFor([0, ...values.filter(Number.isFinite)])
  const box = { left: 52, right: width - 18, top: 26, bottom: HEIGHT - 40 }
  const { from, to } = chart.range ?? { from: 0, to: runMs }
  const markings = all.filter((mark) => mark.from <= to && (mark.to ?? mark.from) >= from)
  const within = (ms: number) => Math.min(1, Math.max(0, (ms - from) / (to - from || 1)))
  const x = (ms: number) => n(box.left + within(ms) * (box.right - box.left))
  const y = (value: number) => n(box.bottom - yAxis.at(value) * (box.bottom - box.top))
  const ticks = timeTicks(from, to)
  const label = `${chart.title}: ${chart.unit} over virtual time, ${chart.curves.map(({ name }) => name).join(', ')}`
  return markup`<svg class="chart ${variant}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${label}">
<title>${label}</title>
${markings.map((marking) => stroke(marking, x, box))}
${yAxis.ticks.map((tick) => markup`<line class="grid" x1="${box.left}" x2="${box.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick-text" text-anchor="end" x="${box.left - 7}" y="${y(tick) + 4}">${axisNumber(tick)}</text>`)}
<text class="axis-title" x="${box.left - 44}" y="14">${chart.unit}</text>
${spaced(ticks, x, (tick) => tickText(tick).length * CHARACTER).map((tick) => markup`<line class="tick" x1="${x(tick)}" x2="${x(tick)}" y1="${box.bottom}" y2="${box.bottom + 4}"/><text class="tick-text" text-anchor="middle" x="${x(tick)}" y="${box.bottom + 17}">${tickText(tick)}</text>`)}
${chart.curves.map(({ points }, i) => markup`<g class="s${i}"><path class="line" d="${pathOf(thinned(points, MOST_POINTS), x, y)}"/></g>`)}
${columns(chart, to, markings).map(({ from, to, tip }) => markup`<rect class="hit" x="${x(from)}" y="${box.top}" width="${n(Math.max(0.1, x(to) - x(from)))}" height="${box.bottom - box.top}" data-tip="${tip}"><title>${tip}</title></rect>`)}
</svg>`
}

function stroke(marking: Marking, x: (ms: number) => number, box: { top: number; bottom: number }): Markup {
  const height = box.bottom - box.top
  const from = x(marking.from)
  return marking.to === undefined
    ? markup`<line class="happened" x1="${from}" x2="${from}" y1="${box.top - 6}" y2="${box.bottom}"/>`
    : markup`<rect class="lasted" x="${from}" y="${box.top}" width="${n(Math.max(1, x(marking.to) - from))}" height="${height}"/>`
}

/** What every curve says there, and what was going on. */
function columns(chart: TimeChart, runMs: number, markings: readonly Marking[]) {
  const longest = chart.curves.map(({ points }) => points).reduce((a, b) => (b.length > a.length ? b : a), [])
  const every = Math.max(1, Math.ceil(longest.length / COLUMNS))
  const at = longest.filter((_, i) => i % every === 0).map(([ms]) => ms)
  return at.map((from, i) => {
    const to = at[i + 1] ?? runMs
    const figures = chart.curves.flatMap(({ name, points }) => {
      const point = points.findLast(([ms]) => ms <= from)
      return point && Number.isFinite(point[1]) ? [`${name} ${axisNumber(point[1])}`] : []
    })
    const going = markings.filter((mark) =>
      mark.to === undefined ? mark.from >= from && mark.from < to : mark.from < to && mark.to > from,
    )
    const said = going.length > 3 ? [`${going.length} events`] : going.map(({ text }) => text)
    return { from, to, tip: [`${tickText(from)}: ${figures.join(', ')} ${chart.unit}`, ...said].join('; ') }
  })
}

function pathOf(points: readonly Point[], x: (ms: number) => number, y: (value: number) => number): string {
  let pen = 'M'
  let path = ''
  for (const [ms, value] of points) {
    if (!Number.isFinite(value)) {
      pen = 'M'
      continue
    }
    path += `${pen}${x(ms)} ${y(value)}`
    pen = 'L'
  }
  return path
}

/** At most about `most` points; of each stretch the first, the smallest and the largest stay. */
export function thinned(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points]
  const stretch = Math.ceil((points.length * 3) / most)
  const kept: Point[] = []
  for (let i = 0; i < points.length; i += stretch) {
    const part = points.slice(i, i + stretch)
    const first = part[0] as Point
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a))
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a))
    kept.push(...[...new Set([first, low, high])].sort((a, b) => a[0] - b[0]))
  }
  const last = points.at(-1) as Point
  if (kept.at(-1) !== last) kept.push(last)
  return kept
}

export function timeTicks(from: number, to: number): number[] {
  const step = TICKS_MS.find((ms) => (to - from) / ms <= 8) ?? Math.ceil((to - from) / 8 / 86_400_000) * 86_400_000
  const first = Math.ceil(from / step)
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step)
}

export function tickText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds === 0) return '0'
  if (seconds % 3600 === 0) return `${seconds / 3600} h`
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)}`
  return seconds % 60 === 0
    ? `${seconds / 60} min`
    : seconds > 60
      ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
      : `${seconds} s`
}

/** A tenth of a pixel is enough. */
function n(value: number): number {
  return Number(value.toFixed(1))
}
