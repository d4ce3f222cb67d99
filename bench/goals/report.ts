/** How results are shown and written. */
import type { MachineFacts } from '../machine.ts'
import { goalText, number, type RowResult } from './goal.ts'

/** Above this the rounds disagree so much that the machine was busy with something else. */
const WIDE = 0.3

export function printHeader(machine: MachineFacts): void {
  const load = machine.load[0] as number
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.node}, backend ${machine.backend}, load ${load}`)
  if (load > 0.5) console.log('warning: the machine is not quiet; ratios suffer less than absolute figures')
  console.log(line('row', 'goal', 'measured', 'spread', 'reached'))
}

export function printRow(row: RowResult): void {
  const { id, unit, measured, spread, reached, note } = row
  const goal = goalText({ kind: row.goal.startsWith('>') ? 'atLeast' : 'atMost', value: row.goal_value }, unit)
  if (measured === null || spread === null) {
    console.log(`${id.padEnd(30)} ${goal.padStart(14)}  ${note}`)
    return
  }
  const wide = spread > WIDE && row.rounds > 1 ? '  (wide spread)' : ''
  const figure = `${number(measured)}${unit === '' ? '' : ` ${unit}`}`
  const range = `${number(row.min as number)}..${number(row.max as number)}`
  console.log(`${line(id, goal, figure, row.rounds > 1 ? range : '-', reached ? 'yes' : 'NO')}${wide}`)
}

function line(id: string, goal: string, measured: string, spread: string, reached: string): string {
  return `${id.padEnd(30)} ${goal.padStart(14)} ${measured.padStart(16)} ${spread.padStart(22)}  ${reached}`
}

export function printSummary(rows: readonly RowResult[]): void {
  const count = (reached: boolean | null) => rows.filter((row) => row.reached === reached).length
  console.log(`${count(true)} reached, ${count(false)} not reached, ${count(null)} not measured`)
}

export function goalsReport(machine: object, level: string, rows: readonly RowResult[]): string {
  return `${JSON.stringify({ machine, level, taken_at: new Date().toISOString(), rows }, undefined, 2)}\n`
}
