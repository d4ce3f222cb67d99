/** Contenders of one row as bars. It is a table whose cells are drawn: readable at any width, and by any reader. */

import { type Markup, markup } from '../../src/page/index.ts'
import { formatNumber, isWide, spreadText } from '../measure.ts'
import type { FiledRow } from '../result-file.ts'

export function barTable(row: FiledRow, slots: ReadonlyMap<string, number>): Markup {
  const top = Math.max(...row.results.map(({ median }) => median))
  const arrow = row.better === 'higher' ? 'longer is better' : 'shorter is better'
  return markup`<table class="bars"><caption>${row.id} <span>${row.unit}</span><span class="direction">${arrow}</span></caption>
<tbody>${row.results.map((result) => {
    const width = top > 0 ? Math.max(0.4, (result.median / top) * 100) : 0
    const ratio = row.results.length > 1 && Number.isFinite(result.ratio) ? ratioText(result.ratio) : ''
    const spread = result.samples.length > 1 ? spreadText(result.spread) : ''
    return markup`<tr class="s${slots.get(result.name) ?? 0}"><th scope="row">${result.name}</th><td class="bar"><span style="width:${width.toFixed(1)}%"></span></td><td class="number">${formatNumber(result.median)}</td><td class="note">${ratio}</td><td class="note${isWide(result) ? ' wide-spread' : ''}">${spread}</td></tr>`
  })}</tbody></table>`
}

function ratioText(ratio: number): string {
  return `×${ratio < 0.1 ? ratio.toFixed(3) : ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)}`
}

/**
 * Rows of one unit with one result each become the bars of one table, named by what their ids do not share: a bar alone
 * says nothing.
 */
export function together(rows: readonly FiledRow[]): FiledRow[] {
  const done = new Set<string>()
  return rows.flatMap((row) => {
    const { unit } = row
    const single = rows.filter((other) => other.unit === unit && other.results.length === 1)
    if (row.results.length !== 1 || single.length < 2) return [row]
    if (done.has(unit)) return []
    done.add(unit)
    const shared = sharedWords(single.map(({ id }) => id))
    const results = single.map(({ id, results: [result] }) => ({
      ...(result as FiledRow['results'][number]),
      name: id.slice(shared.length).trim(),
      ratio: Number.NaN,
    }))
    return [{ ...row, id: shared.trim().replace(/,$/, '') || unit, results }]
  })
}

/** What all begin with, up to the end of a word. */
function sharedWords(ids: readonly string[]): string {
  const [first = ''] = ids
  let length = 0
  while (length < first.length && ids.every((id) => id[length] === first[length])) length++
  return first.slice(0, first.lastIndexOf(' ', length - 1) + 1)
}

/** The figures behind a chart, or all of a run. */
export function rowTable(rows: readonly FiledRow[]): Markup {
  return markup`<div class="scroll"><table class="figures"><thead><tr><th scope="col">row</th><th scope="col">contender</th><th scope="col" class="number">median</th><th scope="col">unit</th><th scope="col" class="number">ratio</th><th scope="col" class="number">spread</th></tr></thead>
<tbody>${rows.map((row) =>
    row.results.map((result) => {
      const of = (share: number) => result.quantiles?.find((at) => at.share === share)?.value
      const spread = result.quantiles
        ? `p95 ${formatNumber(of(0.95) ?? Number.NaN)}, p99 ${formatNumber(of(0.99) ?? Number.NaN)}`
        : result.samples.length > 1
          ? spreadText(result.spread)
          : 'one sample'
      return markup`<tr><td>${row.id}</td><td>${result.name}</td><td class="number">${formatNumber(result.median)}</td><td>${row.unit}</td><td class="number">${Number.isFinite(result.ratio) ? result.ratio.toFixed(2) : ''}</td><td class="number${isWide(result) ? ' wide-spread' : ''}">${spread}</td></tr>`
    }),
  )}</tbody></table></div>`
}
