import { beyond, type Comparison, comparisonTable } from './pairs.ts'

/** Table, warnings, and what only one side has; true when some row is surely worse. */
export function printComparison(
  result: Comparison,
  failures: ReadonlyMap<string, string>,
  failAbove?: number,
): boolean {
  console.log('')
  for (const line of comparisonTable(result)) console.log(line)
  console.log('\nratio: now to before, above 1 is better; the interval is where it lies with 99 % confidence.')
  for (const name of result.onlyNow) console.log(`only now: ${name}`)
  for (const name of result.onlyBefore) console.log(`only before: ${name}`)
  for (const [name, reason] of failures) {
    const [side, ...rest] = name.split(' ')
    console.log(`${side === 'now' ? 'FAILED now' : 'not there before'}: ${rest.join(' ')}: ${reason}`)
  }
  const worse = result.rows.filter(({ verdict }) => verdict === 'worse')
  for (const { id, name, ratio, low, high } of worse) {
    const numbers = `x${ratio.toFixed(2)} (${low.toFixed(2)}..${high.toFixed(2)})`
    console.log(`WARNING: ${id} / ${name} is worse than before, beyond noise: ${numbers}`)
  }
  if (failAbove !== undefined) {
    const sure = beyond(result.rows, failAbove)
    for (const { id, name } of sure) console.log(`FAILED: ${id} / ${name} is surely more than ${failAbove} times worse`)
  }
  return worse.length > 0
}
