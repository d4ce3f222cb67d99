/** Beside the figures of an earlier session: honest only on the same machine, and said so. */
import { differingFacts } from '../machine.ts'
import { type BenchReport, parseReport, readJson } from '../result-file.ts'
import { unpairedRatio } from '../stats.ts'
import { comparison, type Side } from './pairs.ts'
import { printComparison } from './print.ts'

export function readReport(path: string): BenchReport {
  return parseReport(readJson(path), path)
}

export function compareWithReport(now: BenchReport, before: BenchReport): void {
  const different = differingFacts(before.machine, now.machine)
  console.log(`\nagainst revision ${before.machine.revision ?? '?'}, taken ${before.taken_at || 'at an unknown time'}`)
  if (different.length > 0) {
    console.log('!!! THE MACHINES DIFFER: the ratios below compare machines as much as revisions.')
    for (const fact of different) console.log(`!!!   ${fact}`)
  }
  if (before.level !== now.level) console.log(`!!! The levels differ: ${before.level} and ${now.level}.`)
  // Files of before this was told ran the sources.
  const [ran, runs] = [before, now].map(({ machine }) => machine.node_program ?? 'sources')
  if (ran !== runs)
    console.log(`!!! Node processes ran ${ran}, now they run ${runs}: rows of the walk shelf differ by that too.`)
  const side = (name: Side, { rows }: BenchReport) => rows.map((row) => ({ side: name, round: 0, row }))
  printComparison(
    comparison([...side('before', before), ...side('now', now)], unpairedRatio, { paired: false }),
    new Map(),
  )
  console.log('Two sessions: what the machine did in between is not in the interval. --compare REV runs both in turn.')
}
