/** Two sides, round by round: which rows both have, how they relate, and what may be said of it. Pure. */
import { formatNumber } from '../measure.ts'
import type { FiledRow } from '../result-file.ts'
import { type Interval, median } from '../stats.ts'

export type Side = 'before' | 'now'

/** One figure of one side: the median of a child's round. */
export interface Taken {
  readonly side: Side
  readonly round: number
  readonly row: FiledRow
}

export type Verdict = 'better' | 'worse' | 'same' | 'unsure'

export interface ComparedRow {
  readonly file: string
  readonly id: string
  readonly name: string
  readonly unit: string
  readonly before: readonly number[]
  readonly now: readonly number[]
  /** Above 1: now is better, whichever way the unit points. */
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly verdict: Verdict
}

export interface Comparison {
  readonly rows: readonly ComparedRow[]
  readonly onlyBefore: readonly string[]
  readonly onlyNow: readonly string[]
}

/** Smaller differences are told but not judged: with many rows some are always a little off. */
export const LEAST_EFFECT = 0.05
/** An interval inside of this around 1 says that nothing happened; a wider one says nothing. */
const SAME_WITHIN = 0.1

interface Held {
  readonly row: FiledRow
  readonly name: string
  readonly values: Record<Side, Map<number, readonly number[]>>
}

/**
 * `ratioOf` gets the figures of both sides: one a round that both have when `paired`, all of them otherwise.
 */
export function comparison(
  taken: readonly Taken[],
  ratioOf: (before: readonly number[], now: readonly number[]) => Interval,
  { paired }: { readonly paired: boolean },
): Comparison {
  const all = new Map<string, Held>()
  for (const { side, round, row } of taken) {
    for (const result of row.results) {
      const key = `${row.file}: ${row.id} / ${result.name}`
      const held = all.get(key) ?? { row, name: result.name, values: { before: new Map(), now: new Map() } }
      held.values[side].set(round, paired ? [result.median] : result.samples)
      all.set(key, held)
    }
  }
  const rows: ComparedRow[] = []
  const onlyBefore: string[] = []
  const onlyNow: string[] = []
  for (const [key, held] of all) {
    const { before, now } = held.values
    if (before.size === 0) onlyNow.push(key)
    else if (now.size === 0) onlyBefore.push(key)
    else rows.push(compared(held, ratioOf))
  }
  return { rows, onlyBefore, onlyNow }
}

function compared({ row, name, values }: Held, ratioOf: Parameters<typeof comparison>[1]): ComparedRow {
  const common = [...values.before.keys()].filter((round) => values.now.has(round))
  const figures = (side: Side) => common.flatMap((round) => values[side].get(round) as readonly number[])
  const before = figures('before')
  const now = figures('now')
  const { ratio, low, high } = row.better === 'higher' ? ratioOf(before, now) : ratioOf(now, before)
  const { file, id, unit } = row
  return { file, id, name, unit, before, now, ratio, low, high, verdict: verdictOf({ ratio, low, high }) }
}

export function verdictOf({ ratio, low, high }: Pick<Interval, 'ratio' | 'low' | 'high'>): Verdict {
  if (low > 1 && ratio >= 1 + LEAST_EFFECT) return 'better'
  if (high < 1 && ratio <= 1 / (1 + LEAST_EFFECT)) return 'worse'
  return low >= 1 - SAME_WITHIN && high <= 1 + SAME_WITHIN ? 'same' : 'unsure'
}

/** Surely `bound` times worse: the better end of the interval is still beyond it. */
export function beyond(rows: readonly ComparedRow[], bound: number): ComparedRow[] {
  return rows.filter(({ high, ratio }) => !Number.isNaN(ratio) && high < 1 / bound)
}

const WORDS: Readonly<Record<Verdict, string>> = {
  better: 'better',
  worse: 'WORSE',
  same: 'same',
  unsure: 'unsure: too much noise',
}

export function comparisonTable({ rows }: Comparison): string[] {
  const head = ['', '', 'before', 'now', '', 'ratio', '99 % interval', '']
  const lines = rows.map((row) => [
    row.id,
    row.name,
    formatNumber(median(row.before)),
    formatNumber(median(row.now)),
    row.unit,
    `x${row.ratio.toFixed(2)}`,
    Number.isFinite(row.high) ? `${row.low.toFixed(2)}..${row.high.toFixed(2)}` : 'one round',
    WORDS[row.verdict],
  ])
  const all = [head, ...lines]
  const widths = head.map((_, i) => Math.max(...all.map((line) => (line[i] as string).length)))
  const right = new Set([2, 3, 5])
  const cell = (text: string, i: number) => {
    const width = widths[i] as number
    return right.has(i) ? text.padStart(width) : text.padEnd(width)
  }
  return all.map((line) => line.map(cell).join('  ').trimEnd())
}
