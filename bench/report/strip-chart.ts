/** Latencies as strips on one logarithmic axis: 5th to 95th percentile, the middle half, the median, the 99th. */

import { axisNumber, type Markup, markup, spaced } from '../../src/page/index.ts'
import { formatNumber } from '../measure.ts'
import { n, WIDTHS } from './line-chart.ts'
import type { Strip, StripChart } from './series.ts'

const STRIP = 46

export function drawStrips(chart: StripChart): Markup {
  return markup`${Object.entries(WIDTHS).map(([name, width]) => draw(chart, name, width))}`
}

export function stripText({ name, quantiles }: Strip, unit: string): string {
  const of = (share: number) => formatNumber(quantiles.get(share) ?? Number.NaN)
  return `${name}: p50 ${of(0.5)}, p95 ${of(0.95)}, p99 ${of(0.99)}, longest ${of(1)} ${unit}`
}

function draw({ title, unit, strips }: StripChart, variant: string, width: number): Markup {
  const height = strips.length * STRIP + 50
  const box = { left: 10, right: width - 14, bottom: height - 42 }
  const values = strips.flatMap(({ quantiles }) => [0.05, 0.99].map((share) => quantiles.get(share) ?? Number.NaN))
  const known = values.filter((value) => value > 0)
  const low = Math.log10(Math.min(...known)) - 0.06
  const high = Math.log10(Math.max(...known)) + 0.06
  const x = (value: number) => box.left + ((Math.log10(value) - low) / (high - low)) * (box.right - box.left)
  const ticks = spaced(logTicks(10 ** low, 10 ** high), x, (tick) => axisNumber(tick).length * 7 + 10)
  const label = `${title}, ${unit}`
  return markup`<svg class="chart ${variant}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<title>${label}</title>
${ticks.map((tick) => markup`<line class="grid" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="8" y2="${box.bottom}"/><text class="tick-text" text-anchor="middle" x="${n(x(tick))}" y="${box.bottom + 16}">${axisNumber(tick)}</text>`)}
<text class="axis-title" text-anchor="middle" x="${width / 2}" y="${height - 5}">${unit} (log)</text>
${strips.map((strip, i) => drawStrip(strip, unit, i * STRIP + 12, x, box))}
</svg>`
}

function drawStrip(
  strip: Strip,
  unit: string,
  top: number,
  x: (value: number) => number,
  box: { left: number; right: number },
): Markup {
  const at = (share: number) => n(x(strip.quantiles.get(share) ?? Number.NaN))
  const of = (share: number) => formatNumber(strip.quantiles.get(share) ?? Number.NaN)
  const y = top + 24
  const p99 = at(0.99)
  const tip = stripText(strip, unit)
  return markup`<g class="s0"><text class="strip-name" x="${box.left}" y="${top + 8}">${strip.name}</text>
<text class="strip-value" text-anchor="end" x="${box.right}" y="${top + 8}">p50 ${of(0.5)} · p99 ${of(0.99)}</text>
<line class="strip-line" x1="${at(0.05)}" x2="${at(0.95)}" y1="${y}" y2="${y}"/>
<rect class="strip-box" x="${at(0.25)}" y="${y - 6}" width="${n(Math.max(2, at(0.75) - at(0.25)))}" height="12" rx="3"/>
<line class="strip-middle" x1="${at(0.5)}" x2="${at(0.5)}" y1="${y - 9}" y2="${y + 9}"/>
<path class="strip-tail" d="M${p99} ${y - 5}L${n(p99 + 5)} ${y}L${p99} ${y + 5}L${n(p99 - 5)} ${y}Z"/>
<rect class="hit" x="${box.left}" y="${top - 4}" width="${box.right - box.left}" height="${STRIP - 6}" data-tip="${tip}"><title>${tip}</title></rect></g>`
}

/** 1, 2 and 5 of every decade. */
function logTicks(low: number, high: number): number[] {
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
    for (const factor of [1, 2, 5]) ticks.push(Number((factor * 10 ** power).toPrecision(3)))
  return ticks.filter((tick) => tick >= low && tick <= high)
}
