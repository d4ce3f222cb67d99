/** Several runs, oldest first: how each row moved. */

import { type Markup, markup } from '../../src/page/index.ts'
import { differingFacts } from '../machine.ts'
import { formatNumber, WIDE_SPREAD } from '../measure.ts'
import type { BenchReport, FiledRow } from '../result-file.ts'
import { n, path } from './line-chart.ts'

interface Course {
  readonly row: FiledRow
  readonly name: string
  /** One for each report; undefined where the row is not in it. */
  readonly values: readonly (number | undefined)[]
  /** First to last; above 1 is better. */
  readonly change: number
  /** The change is larger than the spread of either end. */
  readonly clear: boolean
}

export function history(reports: readonly BenchReport[]): Markup {
  const last = reports.at(-1) as BenchReport
  const strangers = reports.filter(({ machine }) => differingFacts(machine, last.machine).length > 0).length
  const courses = coursesOf(reports)
  const files = [...new Set(courses.map(({ row }) => row.file))]
  return markup`${strangers > 0 && markup`<p class="warning">${strangers} of ${reports.length} runs come from a machine or a runtime that differs from the last one’s: those points compare machines as much as revisions.</p>`}
<ol class="runs">${reports.map(({ machine, taken_at, level }) => markup`<li><b>${machine.revision ?? '?'}</b>${machine.dirty === true && ' with changes'} <span>${taken_at.slice(0, 10)}, ${level}, ${machine.cpu ?? '?'}, Node ${machine.node ?? '?'}</span></li>`)}</ol>
<div class="scroll"><table class="history"><thead><tr><th scope="col">row</th><th scope="col">course</th><th scope="col" class="number first">first</th><th scope="col" class="number">last, change</th></tr></thead>
${files.map((file) => markup`<tbody><tr class="section"><th colspan="4" scope="rowgroup">${file}</th></tr>${courses.filter(({ row }) => row.file === file).map(courseLine)}</tbody>`)}</table></div>`
}

/** The first contender of every row is ours; the rest are rivals and judges. */
export function coursesOf(reports: readonly BenchReport[]): Course[] {
  const last = reports.at(-1) as BenchReport
  return last.rows.flatMap((row) => {
    const [ours] = row.results
    if (!ours) return []
    const found = reports.map(({ rows }) =>
      rows
        .find(({ file, id, unit }) => file === row.file && id === row.id && unit === row.unit)
        ?.results.find(({ name }) => name === ours.name),
    )
    const known = found.filter((result) => result !== undefined)
    const [first] = known
    if (!first || known.length < 2) return []
    const ratio = row.better === 'higher' ? ours.median / first.median : first.median / ours.median
    const noise = Math.max(first.spread, ours.spread, WIDE_SPREAD / 4)
    const clear = ratio > 1 + noise || ratio < 1 / (1 + noise)
    return [{ row, name: ours.name, values: found.map((result) => result?.median), change: ratio, clear }]
  })
}

function courseLine({ row, name, values, change, clear }: Course): Markup {
  const known = values.filter((value) => value !== undefined)
  const kind = !clear ? 'even' : change > 1 ? 'yes' : 'no'
  const sign = !clear ? '≈' : change > 1 ? '▲' : '▼'
  return markup`<tr><th scope="row">${row.id} <small>${name}</small></th><td>${spark(values, `${row.id}: ${known.map(formatNumber).join(', ')} ${row.unit}`)}</td><td class="number first">${formatNumber(known[0] ?? Number.NaN)}</td><td class="number">${formatNumber(known.at(-1) ?? Number.NaN)} ${row.unit} <span class="pill ${kind}">${sign} ×${change.toFixed(2)}</span></td></tr>`
}

function spark(values: readonly (number | undefined)[], text: string): Markup {
  const known = values.filter((value) => value !== undefined)
  const low = Math.min(...known)
  // A tenth of the value at least: noise must not look like mountains.
  const span = Math.max(Math.max(...known) - low, Math.abs(low) * 0.1) || 1
  const at = values.flatMap((value, i) =>
    value === undefined
      ? []
      : [[4 + (i / Math.max(1, values.length - 1)) * 112, 24 - ((value - low) / span) * 20] as const],
  )
  const [x, y] = at.at(-1) as readonly [number, number]
  return markup`<svg class="spark s0" viewBox="0 0 120 28" role="img" aria-label="${text}" data-tip="${text}"><title>${text}</title><path class="line" d="${path(at)}"/><circle class="mark" cx="${n(x)}" cy="${n(y)}" r="3"/></svg>`
}
