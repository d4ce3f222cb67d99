/** npm run bench: the shelves, one after the other, or against another revision. `--help` says how. */
import { messageOf } from '../src/base/index.ts'
import { type BenchArguments, HELP, parseArguments, UsageError } from './arguments.ts'
import { compareWithReport, compareWithRevision, isFile, readReport } from './compare/index.ts'
import { load, machineFacts } from './machine.ts'
import { isWide, printRow, WIDE_SPREAD } from './measure.ts'
import { builtProgram, programName } from './node-program.ts'
import { type BenchReport, checkWritable, type FiledRow, userPath, writeJson } from './result-file.ts'
import { listSteps, runBenches } from './runner.ts'

const stop = new AbortController()
let interrupts = 0
process.on('SIGINT', () => {
  // The second one no longer waits for anything to be put away.
  if (++interrupts > 1) process.exit(130)
  stop.abort(new Error('interrupted'))
})
process.on('SIGTERM', () => stop.abort(new Error('terminated')))

try {
  const code = await main(parseArguments(process.argv.slice(2)))
  process.exit(stop.signal.aborted ? 130 : code)
} catch (error) {
  if (stop.signal.aborted) process.exit(130)
  console.error(error instanceof UsageError ? messageOf(error) : error)
  process.exit(error instanceof UsageError ? 2 : 1)
}

async function main(options: BenchArguments): Promise<number> {
  const { level, filter, rounds, json, compare } = options
  const program = builtProgram(options.program)
  const choice = { ...(filter && { filter }), ...(rounds && { rounds }), ...(program && { program }) }
  const request = { level, signal: stop.signal, ...choice }
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const chosen = await listSteps(request)
  if (chosen.length === 0) throw new UsageError(`no bench has "${filter?.join('" or "')}" in its name; see --list`)
  if (options.list) {
    for (const { file, id } of chosen) console.log(`${file}: ${id}`)
    return 0
  }
  if (json !== undefined) checkWritable(userPath(json))
  if (compare !== undefined && !isFile(userPath(compare)))
    return compareWithRevision(compare, options, program, request.signal)
  // Judged before anything runs: a wrong name is told at once, not after the run.
  const earlier = compare === undefined ? undefined : readReport(userPath(compare))
  const report = await run(request)
  if (json !== undefined) writeJson(userPath(json), report)
  if (earlier) compareWithReport(report, earlier)
  return report.failed.length > 0 ? 1 : 0
}

async function run(request: Parameters<typeof runBenches>[0]): Promise<BenchReport> {
  const machine = machineFacts()
  const { cpu, cores, node, backend, revision, dirty } = machine
  console.log(
    `${cpu}, ${cores} cores, Node ${node}, backend ${backend}, revision ${revision}${dirty ? ' with changes' : ''}, load ${machine.load[0]}`,
  )
  const began = performance.now()
  const rows: FiledRow[] = []
  const failed: { file: string; step?: string; reason: string }[] = []
  for await (const event of runBenches(request)) {
    if (event.kind === 'row') {
      printRow(event.row)
      rows.push({ file: event.file, ...event.row })
    } else if (event.kind === 'skipped') {
      console.log(`${event.file}: not here: ${event.reason}`)
    } else {
      const step = event.kind === 'failed' && event.step !== undefined ? { step: event.step } : {}
      failed.push({ file: event.file, ...step, reason: event.reason })
      console.error(`FAILED ${event.file}${step.step ? `: ${step.step}` : ''}: ${event.reason}`)
    }
  }
  const seconds = Math.round((performance.now() - began) / 1000)
  summary(rows, failed.length, seconds, request.level)
  const taken = { kind: 'myrmex-bench', level: request.level, taken_at: new Date().toISOString(), seconds } as const
  return {
    ...taken,
    machine: { ...machine, load_after: load(), node_program: programName(request.program) },
    rows,
    failed,
  }
}

function summary(rows: readonly FiledRow[], failures: number, seconds: number, level: string): void {
  const wide = rows.filter(({ results }) => results.some(isWide)).length
  console.log(
    `\n${rows.length} rows in ${seconds} s, load ${load()[0]} at the end${failures ? `, ${failures} FAILED` : ''}`,
  )
  if (level === 'smoke') console.log('A smoke run shows that the benches run; its figures mean nothing.')
  else if (wide > 0)
    console.log(
      `WARNING: ${wide} rows have a spread above ±${WIDE_SPREAD * 50} %: close other programs and run them again before quoting them.`,
    )
}
