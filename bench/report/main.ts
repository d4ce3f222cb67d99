/** npm run bench:report -- FILE... --out FILE.html: one page out of results of `bench` and `bench:goals`. */
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/base/index.ts'
import { UsageError } from '../arguments.ts'
import { type BenchReport, isRecord, parseReport, readJson, userPath, writeText } from '../result-file.ts'
import { type GoalReport, isGoalFile, parseGoals } from './goals.ts'
import { page } from './page.ts'

const HELP = `npm run bench:report -- FILE... --out FILE.html

  FILE         results of npm run bench -- --json FILE, and of npm run bench:goals -- --json FILE; of several benches the
               newest is drawn, and all of them make the history
  --out FILE   the page: one file that needs nothing else`

try {
  process.exitCode = main()
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

function main(): number {
  const { values, positionals } = parse()
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (positionals.length === 0) throw new UsageError('bench:report needs at least one JSON file; see --help')
  if (!values.out) throw new UsageError('bench:report needs --out FILE.html')
  const benches: BenchReport[] = []
  const goals: GoalReport[] = []
  for (const name of positionals) {
    const path = userPath(name)
    const value = readJson(path)
    if (isRecord(value) && value['kind'] === 'myrmex-bench-compare')
      throw new UsageError(
        `${path} is a comparison: the report draws runs of npm run bench -- --json without --compare`,
      )
    if (isGoalFile(value)) goals.push(parseGoals(value, path))
    else benches.push(parseReport(value, path))
  }
  const byTime = (a: { taken_at: string }, b: { taken_at: string }) => a.taken_at.localeCompare(b.taken_at)
  const out = userPath(values.out)
  writeText(out, page({ benches: benches.sort(byTime), goals: goals.sort(byTime).at(-1) }))
  console.log(`${out}: ${benches.length} runs, ${goals.length > 0 ? 'with' : 'no'} goals`)
  return 0
}

function parse() {
  try {
    return parseArgs({
      options: { out: { type: 'string' }, help: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(`${messageOf(error).split(/\. |\n/)[0]}. See npm run bench:report -- --help`)
  }
}
