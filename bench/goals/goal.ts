/** A row of the dashboard: what must be reached, what was measured, and whether that is enough. Pure. */
import { median } from '../stats.ts'

export { median }

export interface Goal {
  readonly kind: 'atLeast' | 'atMost'
  readonly value: number
}

export interface RowSpec {
  readonly id: string
  readonly section: string
  readonly title: string
  readonly unit: string
  readonly goal: Goal
  /** What it is compared with. */
  readonly yardstick: string
}

export interface CurvePoint {
  readonly n: number
  readonly [figure: string]: number
}

export interface Measurement {
  /** One for every round, in the unit of the row. */
  readonly samples: readonly number[]
  readonly note?: string
  readonly curve?: readonly CurvePoint[]
  /** Absolute figures behind a ratio, by name. */
  readonly details?: Readonly<Record<string, number | string>>
}

export interface RowResult extends Omit<RowSpec, 'goal'> {
  readonly goal: string
  readonly goal_value: number
  readonly measured: number | null
  readonly min: number | null
  readonly max: number | null
  /** (max - min) / median of the rounds. */
  readonly spread: number | null
  readonly rounds: number
  readonly reached: boolean | null
  readonly note: string | null
  readonly curve: readonly CurvePoint[] | null
  readonly details: Readonly<Record<string, number | string>> | null
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function isReached({ kind, value }: Goal, measured: number): boolean {
  return kind === 'atLeast' ? measured >= value : measured <= value
}

export function goalText({ kind, value }: Goal, unit: string): string {
  return `${kind === 'atLeast' ? '>=' : '<='} ${value}${unit === '' ? '' : ` ${unit}`}`
}

/** A row that was measured; samples that are no numbers make it one that was not. */
export function measuredRow(spec: RowSpec, { samples, note, curve, details }: Measurement): RowResult {
  const value = median(samples)
  if (!samples.every(Number.isFinite) || samples.length === 0) return unmeasuredRow(spec, 'a round gave no number')
  const [min, max] = [Math.min(...samples), Math.max(...samples)]
  return {
    ...spec,
    goal: goalText(spec.goal, spec.unit),
    goal_value: spec.goal.value,
    measured: value,
    ...{ min, max, rounds: samples.length },
    spread: value === 0 ? 0 : (max - min) / Math.abs(value),
    reached: isReached(spec.goal, value),
    note: note ?? null,
    curve: curve ?? null,
    details: details ?? null,
  }
}

export function unmeasuredRow(spec: RowSpec, reason: string): RowResult {
  return {
    ...spec,
    goal: goalText(spec.goal, spec.unit),
    goal_value: spec.goal.value,
    ...{ measured: null, min: null, max: null, spread: null, rounds: 0, reached: null },
    note: `not measured: ${reason}`,
    ...{ curve: null, details: null },
  }
}

export function number(value: number): string {
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  if (size >= 100) return value.toFixed(0)
  return size >= 1 || size === 0 ? value.toFixed(2) : value.toPrecision(2)
}
