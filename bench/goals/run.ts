/**
 * npm run bench:goals -- [--only ID ...] [--list] [--quick] [--json FILE] [--program FILE]
 * Every row of the table of goals, against its yardstick in the same run: measured, or with the reason why not. Exits 0
 * whatever was reached, 2 for wrong usage. Interrupted, it prints and writes what it has.
 */
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { machineFacts } from '../machine.ts'
import { builtProgram, programName } from '../node-program.ts'
import { userPath } from '../result-file.ts'
import { Context } from './context.ts'
import { type Measurement, measuredRow, type RowResult, unmeasuredRow } from './goal.ts'
import { GROUPS } from './groups/index.ts'
import { goalsReport, printHeader, printRow, printSummary } from './report.ts'
import { ROWS } from './rows.ts'
import { Scope } from './scope.ts'
import { selectRows } from './select.ts'

const EXIT_INTERRUPTED = 130
const UNWIND_LIMIT_MS = 20_000
const USAGE = 'npm run bench:goals -- [--only ID ...] [--list] [--quick] [--json FILE] [--program FILE]'

function usage(text: string): never {
  console.error(`${text}\nusage: ${USAGE}`)
  process.exit(2)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        list: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        // What node processes run: the sources, or a build of them (a process that strips types is 27 MiB larger).
        program: { type: 'string' },
      },
    })
    return { ...values, program: builtProgram(values.program) }
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
}

const options = readOptions()
const selection = selectRows(ROWS, options.only)
if (selection.kind === 'unknown') usage(`no row is called "${selection.name}" or begins so (--list shows them)`)
const rows = selection.rows
if (options.list) {
  for (const { id, title } of rows) console.log(`${id.padEnd(30)} ${title}`)
  process.exit(0)
}

const results = new Map<string, RowResult>()
const machine = machineFacts()
printHeader(machine)

function report(id: string, result: Measurement | string): void {
  const spec = rows.find((row) => row.id === id)
  if (!spec || results.has(id)) return
  const row = typeof result === 'string' ? unmeasuredRow(spec, result) : measuredRow(spec, result)
  results.set(id, row)
  printRow(row)
}

/** Everything that was asked for has a row, in the order of the table. */
function finish(reason: string): void {
  for (const { id } of rows) report(id, reason)
  const ordered = rows.map(({ id }) => results.get(id) as RowResult)
  printSummary(ordered)
  if (options.json === undefined) return
  const path = userPath(options.json)
  const text = goalsReport(
    {
      ...machine,
      load_after: loadavg(),
      node_program: programName(options.program),
    },
    options.quick ? 'quick' : 'full',
    ordered,
  )
  writeFileSync(path, text)
}

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (interrupt.signal.aborted) process.exit(EXIT_INTERRUPTED)
    finish('interrupted')
    // The group that runs stops what it started; what is left then goes at exit.
    interrupt.abort(new Error('interrupted'))
    setTimeout(() => process.exit(EXIT_INTERRUPTED), UNWIND_LIMIT_MS).unref()
  })
}

const context = new Context({
  quick: options.quick,
  program: options.program,
  scope: new Scope(),
  signal: interrupt.signal,
  wanted: new Set(rows.map(({ id }) => id)),
  report,
})
for (const group of GROUPS) {
  if (interrupt.signal.aborted) break
  if (!context.wants(...group.ids)) continue
  try {
    await group.run(context)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    for (const id of group.ids) context.notMeasured(id, reason)
  }
}
if (interrupt.signal.aborted) process.exit(EXIT_INTERRUPTED)
finish('no group measures it')
process.exit(0)
