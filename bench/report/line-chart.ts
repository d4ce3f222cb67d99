/** Lines over sizes or counts, with whiskers from the smallest to the largest round. */

import { type Axis, axisFor, axisNumber, type Markup, markup, type Part, spaced } from '../../src/page/index.ts'
import { sizeText } from '../format.ts'
import { formatNumber } from '../measure.ts'
import type { LineChart, Point } from './series.ts'

/** A chart is drawn for both widths of a card, so that its texts have one size everywhere; the style sheet picks. */
export const WIDTHS = { wide: 560, narrow: 330 } as const
const CHARACTER = 6.6

export function xText(value: number, unit: 'B' | 'n'): string {
  if (unit === 'n') return axisNumber(value)
  // Files are counted in millions of bytes, chunks in powers of two.
  if (value >= 1e6 && value % 1e6 === 0) return value >= 1e9 ? `${value / 1e9} GB` : `${value / 1e6} MB`
  return sizeText(value)
}

export function drawLines(chart: LineChart, slots: ReadonlyMap<string, number>): Markup {
  return markup`${Object.entries(WIDTHS).map(([name, width]) => draw(chart, slots, name, width))}`
}

function draw(chart: LineChart, slots: ReadonlyMap<string, number>, variant: string, width: number): Markup {
  const height = variant === 'wide' ? 300 : 260
  const all = chart.lines.flatMap(({ points }) => points)
  const xs = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b)
  const xAxis = axisFor(xs, { ticks: xs })
  const ideal = chart.ideal ? xs : []
  const yAxis = axisFor([...all.flatMap(({ low, high }) => [low, high]), ...ideal])
  const box = { left: 52, right: width - 18, top: 26, bottom: height - 44 }
  const x = (value: number) => box.left + 10 + xAxis.at(value) * (box.right - box.left - 20)
  const y = (value: number) => box.bottom - yAxis.at(value) * (box.bottom - box.top)
  const texts = (tick: number) => xText(tick, chart.xUnit).length * CHARACTER
  const xTicks = spaced(xs, x, texts)
  const label = `${chart.title}: ${chart.unit} by ${chart.xTitle}, ${chart.lines.map(({ name }) => name).join(', ')}`
  return markup`<svg class="chart ${variant}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<title>${label}</title>
${grid(yAxis, y, box)}
<text class="axis-title" x="${box.left - 44}" y="14">${chart.unit}${yAxis.log ? ' (log)' : ''}</text>
${xTicks.map((tick) => markup`<line class="tick" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="${box.bottom}" y2="${box.bottom + 4}"/><text class="tick-text" text-anchor="middle" x="${n(x(tick))}" y="${box.bottom + 17}">${xText(tick, chart.xUnit)}</text>`)}
<text class="axis-title" text-anchor="middle" x="${(box.left + box.right) / 2}" y="${height - 6}">${chart.xTitle}${xAxis.log ? ' (log)' : ''}</text>
${chart.ideal && markup`<path class="ideal" d="${path(xs.map((value) => [x(value), y(value)]))}"/>`}
${chart.lines.map(({ name, points }) => line(chart, name, points, slots.get(name) ?? 0, x, y))}
</svg>`
}

function grid(axis: Axis, y: (value: number) => number, box: { left: number; right: number }): Part {
  return axis.ticks.map((tick) => {
    const at = n(y(tick))
    return markup`<line class="grid" x1="${box.left}" x2="${box.right}" y1="${at}" y2="${at}"/><text class="tick-text" text-anchor="end" x="${box.left - 7}" y="${n(y(tick) + 4)}">${axisNumber(tick)}</text>`
  })
}

function line(
  chart: LineChart,
  name: string,
  points: readonly Point[],
  slot: number,
  x: (value: number) => number,
  y: (value: number) => number,
): Markup {
  const at = points.map((point) => [x(point.x), y(point.y)] as const)
  const tip = ({ x: where, y: value, low, high }: Point) => {
    const range = low === high ? '' : `, rounds ${formatNumber(low)} to ${formatNumber(high)}`
    return `${name}, ${xText(where, chart.xUnit)}: ${formatNumber(value)} ${chart.unit}${range}`
  }
  const whiskers = points.map(({ x: where, low, high }) =>
    low === high
      ? ''
      : markup`<line class="whisker" x1="${n(x(where))}" x2="${n(x(where))}" y1="${n(y(low))}" y2="${n(y(high))}"/>`,
  )
  return markup`<g class="s${slot}">${at.length > 1 && markup`<path class="line" d="${path(at)}"/>`}${whiskers}${points.map(
    (point, i) => {
      const [px, py] = at[i] as readonly [number, number]
      return markup`${mark(slot, px, py)}<circle class="hit" cx="${n(px)}" cy="${n(py)}" r="11" data-tip="${tip(point)}"><title>${tip(point)}</title></circle>`
    },
  )}</g>`
}

/** Shapes differ as well as colours: nobody has to tell them by colour alone. */
export function mark(slot: number, x: number, y: number): Markup {
  const [cx, cy] = [n(x), n(y)]
  switch (slot % 5) {
    case 0:
      return markup`<circle class="mark" cx="${cx}" cy="${cy}" r="4"/>`
    case 1:
      return markup`<rect class="mark" x="${n(x - 3.7)}" y="${n(y - 3.7)}" width="7.4" height="7.4"/>`
    case 2:
      return markup`<path class="mark" d="M${cx} ${n(y - 5)}L${n(x + 4.8)} ${n(y + 3.6)}L${n(x - 4.8)} ${n(y + 3.6)}Z"/>`
    case 3:
      return markup`<path class="mark" d="M${cx} ${n(y - 5.4)}L${n(x + 5.4)} ${cy}L${cx} ${n(y + 5.4)}L${n(x - 5.4)} ${cy}Z"/>`
    default:
      return markup`<path class="mark cross" d="M${n(x - 4)} ${n(y - 4)}L${n(x + 4)} ${n(y + 4)}M${n(x - 4)} ${n(y + 4)}L${n(x + 4)} ${n(y - 4)}"/>`
  }
}

export function path(points: readonly (readonly [number, number])[]): string {
  return points.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${n(px)} ${n(py)}`).join('')
}

/** A tenth of a pixel is enough. */
export function n(value: number): number {
  return Number(value.toFixed(1))
}
