/** The dashboard of goals: `{"machine", "rows": [{"id", "goal", "measured", "spread", "reached"}]}` of bench:goals. */

import { type Markup, markup } from '../../src/page/index.ts'
import { UsageError } from '../arguments.ts'
import type { MachineFacts } from '../machine.ts'
import { formatNumber, spreadText } from '../measure.ts'
import { isRecord } from '../result-file.ts'
import type { LineChart } from './series.ts'

export interface GoalRow {
  readonly id: string
  readonly title: string
  readonly section: string
  readonly goal: string
  readonly measured: string
  readonly spread: string
  readonly reached: boolean | undefined
  readonly note: string
  readonly unit: string
  readonly curve: readonly Readonly<Record<string, number>>[]
}

export interface GoalReport {
  readonly kind: 'goals'
  readonly machine: Partial<MachineFacts>
  readonly taken_at: string
  readonly rows: readonly GoalRow[]
}

/** Rows of a goal file name their goal; those of a bench file do not. */
export function isGoalFile(value: unknown): boolean {
  const rows = isRecord(value) ? value['rows'] : undefined
  return Array.isArray(rows) && rows.length > 0 && rows.every((row) => isRecord(row) && 'goal' in row)
}

export function parseGoals(value: unknown, path: string): GoalReport {
  const { rows, machine, taken_at } = value as Record<string, unknown>
  const parsed = (rows as Record<string, unknown>[]).map((row) => {
    if (typeof row['id'] !== 'string') throw new UsageError(`${path} has a goal without an id`)
    const unit = words(row['unit'])
    const curve = Array.isArray(row['curve']) ? row['curve'].filter(isPoint) : []
    return {
      ...{ id: row['id'], unit, curve },
      title: words(row['title']) || row['id'],
      section: words(row['section']),
      goal: words(row['goal']),
      measured: words(row['measured']),
      spread: typeof row['spread'] === 'number' ? spreadText(row['spread']) : words(row['spread']),
      reached: typeof row['reached'] === 'boolean' ? row['reached'] : undefined,
      note: [row['yardstick'], row['note']].map(words).filter(Boolean).join('; '),
    }
  })
  const facts = isRecord(machine) ? (machine as Partial<MachineFacts>) : {}
  return { kind: 'goals', machine: facts, taken_at: words(taken_at), rows: parsed }
}

function words(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value)
  return typeof value === 'string' ? value : ''
}

/** `n` and figures by name, which may be missing at some points. */
function isPoint(value: unknown): value is Record<string, number> {
  if (!isRecord(value) || !Number.isFinite(value['n'])) return false
  return Object.values(value).every((figure) => typeof figure === 'number')
}

function line(curve: GoalRow['curve'], name: string) {
  const at = curve.flatMap((point) => {
    const [x, y] = [point['n'], point[name]]
    return x === undefined || y === undefined ? [] : [{ x, y, low: y, high: y }]
  })
  return { name: name === 'value' ? 'measured' : name.replaceAll('_', ' '), points: at.sort((a, b) => a.x - b.x) }
}

export function goalCurves(rows: readonly GoalRow[]): LineChart[] {
  return rows
    .filter(({ curve }) => curve.length > 1)
    .map(({ title, unit, curve }) => ({
      ...{ title, unit: unit || 'value', xTitle: 'n', xUnit: 'n', better: 'lower', ideal: false },
      lines: [...new Set(curve.flatMap((point) => Object.keys(point)))]
        .filter((name) => name !== 'n')
        .map((name) => line(curve, name)),
    }))
}

export function goalTable(report: GoalReport): Markup {
  const { rows } = report
  const reached = rows.filter((row) => row.reached === true).length
  const missed = rows.filter((row) => row.reached === false).length
  const open = rows.length - reached - missed
  const share = (count: number) => ((count / rows.length) * 100).toFixed(2)
  const sections = [...new Set(rows.map(({ section }) => section))]
  return markup`<p class="tally"><b>${reached}</b> of ${rows.length} reached, <b>${missed}</b> not reached${open > 0 && markup`, <b>${open}</b> not measured`}</p>
<div class="tally-bar" role="img" aria-label="${reached} reached, ${missed} not reached, ${open} not measured"><span class="yes" style="width:${share(reached)}%"></span><span class="no" style="width:${share(missed)}%"></span></div>
<table class="goals"><thead><tr><th scope="col">goal</th><th scope="col" class="number">to reach</th><th scope="col" class="number">measured</th><th scope="col" class="number">spread</th><th scope="col">reached</th></tr></thead>
${sections.map(
  (section) =>
    markup`<tbody>${section !== '' && markup`<tr class="section"><th colspan="5" scope="rowgroup">${section}</th></tr>`}${rows
      .filter((row) => row.section === section)
      .map(goalLine)}</tbody>`,
)}</table>`
}

function goalLine(row: GoalRow): Markup {
  const [kind, sign, text] =
    row.reached === undefined
      ? ['open', '–', 'not measured']
      : row.reached
        ? ['yes', '✓', 'reached']
        : ['no', '✗', 'not reached']
  const measured = row.measured === '' ? '–' : `${row.measured}${row.unit && ` ${row.unit}`}`
  return markup`<tr><th scope="row">${row.title}${row.title !== row.id && markup` <code>${row.id}</code>`}${row.note !== '' && markup`<small>${row.note}</small>`}</th><td class="number" data-label="to reach">${row.goal}</td><td class="number" data-label="measured">${measured}</td><td class="number" data-label="spread">${row.spread || '–'}</td><td data-label="reached"><span class="pill ${kind}">${sign} ${text}</span></td></tr>`
}
