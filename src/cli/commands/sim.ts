/** `myrmex sim SCENARIO`: a whole network on a virtual clock, one seed, one verdict. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { systemClock } from '../../base/index.ts'
import { VERSION } from '../../node/index.ts'
import {
  type Cost,
  findScenario,
  formatScenario,
  MAX_REAL_BYTES,
  type Outcome,
  parseRealCurve,
  type RealCurve,
  reportPage,
  type Sample,
  type Scenario,
  ScenarioError,
  shareOf,
  shrink,
  struckText,
  type Tally,
  withRun,
} from '../../scenario/index.ts'
import { CliError, UsageError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, formatMs, type Output } from '../output.ts'
import { JSON_FLAG } from '../shared-flags.ts'
import { failsAs, failureOf, type RunEnd, simulate } from '../simulate.ts'

/** A line of progress is written at most this often. */
const PROGRESS_MS = 5000
const SHRINK_TRIES = 40
const STRUCK_TOLD = 12
const HOUR = 3_600_000

export const sim = defineCommand({
  name: 'sim',
  summary: 'run a scenario on a simulated network of whole nodes, and say whether it went as expected',
  usage: 'SCENARIO',
  positionals: { min: 1, max: 1 },
  flags: {
    seed: { type: 'integer', min: 0, max: 2 ** 32 - 1, help: 'another seed than that of the scenario' },
    nodes: { type: 'integer', min: 1, max: 100_000, help: 'another number of nodes' },
    hours: { type: 'string', help: 'another duration in virtual hours, for example 0.5', placeholder: 'H' },
    report: { type: 'path', help: 'write one HTML page with curves', placeholder: 'FILE' },
    figures: { type: 'path', help: 'write all figures as JSON', placeholder: 'FILE' },
    real: { type: 'path', help: 'lay a curve of real processes over that of the report', placeholder: 'FILE' },
    'no-shrink': { type: 'boolean', help: 'when it fails, do not look for the smallest scenario that does' },
    'shrink-tries': { type: 'integer', min: 1, max: 10_000, help: `runs of that search (default ${SHRINK_TRIES})` },
    smallest: { type: 'path', help: 'where that scenario is written (default NAME.smallest.sim)', placeholder: 'FILE' },
    json: JSON_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const found = findScenario(positionals[0] as string)
    const scenario = changed(found.scenario, values)
    const own = scenario === found.scenario
    const real = values.real === undefined ? undefined : await readReal(values.real)
    output.note(
      `${found.name}: ${scenario.nodes} nodes, ${scenario.chunks.count} chunks, ${hours(scenario.runMs)} of virtual time, seed ${scenario.seed}`,
    )
    const end = await watched(scenario, signal, output)
    if (end.kind === 'ended') {
      const facts = { name: found.name, version: VERSION, takenAt: new Date(systemClock.now()).toISOString() }
      const more = { machine: machineText(), ...(own ? { text: found.text } : {}), ...(real ? { real } : {}) }
      if (values.report !== undefined) await writeFile(values.report, reportPage(end.outcome, { ...facts, ...more }))
      if (values.figures !== undefined) await writeFile(values.figures, figuresText(end.outcome, found.name))
      tell(end.outcome, output, values.report)
    } else tellCrash(end, scenario, output)
    const result = end.kind === 'ended' ? resultOf(end.outcome, found.name) : crashOf(end, scenario, found.name)
    const failure = failureOf(end)
    if (failure === undefined) {
      output.result(result)
      return EXIT.success
    }
    const search = { failure, maxTries: values['shrink-tries'] ?? SHRINK_TRIES, signal, output }
    const smallest = values['no-shrink'] ? undefined : await smallestOf(scenario, search)
    if (smallest !== undefined) {
      const path = values.smallest ?? `${found.name}.smallest.sim`
      const head = `# The smallest scenario found that fails as ${found.name} does with seed ${scenario.seed}: ${failure}\n`
      await writeFile(path, head + smallest)
      output.print(`\nSmallest scenario that still fails, in ${path}:\n\n${smallest}`)
    }
    output.result({ ...result, smallest: smallest ?? null })
    return EXIT.failure
  },
})

interface Changes {
  readonly seed: number | undefined
  readonly nodes: number | undefined
  readonly hours: string | undefined
}

function changed(scenario: Scenario, { seed, nodes, hours: text }: Changes): Scenario {
  const h = text === undefined ? undefined : Number(text)
  if (h !== undefined && !(h > 0 && h <= 8784))
    throw new UsageError(`--hours takes a number of hours above 0, not "${text}"`)
  if (seed === undefined && nodes === undefined && h === undefined) return scenario
  const cut = h === undefined ? scenario : withRun(scenario, Math.max(1000, Math.round(h * HOUR)))
  return { ...cut, ...(seed === undefined ? {} : { seed }), ...(nodes === undefined ? {} : { nodes }) }
}

async function watched(scenario: Scenario, signal: AbortSignal, output: Output): Promise<RunEnd> {
  let before: Cost = { at: 0, realMs: 0, rssBytes: 0 }
  const onSample = (sample: Sample, cost: Cost) => {
    output.bar('simulating', sample.at, scenario.runMs, 'virtual ms')
    if (cost.realMs - before.realMs < PROGRESS_MS) return
    output.note(progressText(sample, cost, before))
    before = cost
  }
  return simulate(scenario, { signal, onSample })
}

/** The speed is that since the line before. */
function progressText({ at, copies, live }: Sample, cost: Cost, before: Cost): string {
  const speed = ((at - before.at) / HOUR / ((cost.realMs - before.realMs) / 1000)).toPrecision(2)
  return `${hours(at)}  ${live} nodes  copies min ${copies.fewest} median ${copies.median}  lost ${copies.lost}  ${speed} h/s  ${formatBytes(cost.rssBytes)}`
}

function tell(outcome: Outcome, output: Output, report: string | undefined): void {
  const { verdicts, samples, costs, hash, scenario, notes, struck } = outcome
  for (const { met, text, seen } of verdicts) output.print(`${met ? 'ok    ' : 'FAILED'} ${text} (${seen})`)
  const last = samples.at(-1) as Sample
  const cost = costs.at(-1) as Cost
  const asked = (['gets', 'puts', 'lookups'] as const)
    .filter((name) => last[name].tried > 0)
    .map((name) => `${name} ${askedText(last[name])}`)
  output.print(
    `       lost ${last.copies.lost}, copies min ${last.copies.fewest} median ${last.copies.median}, repair ${formatBytes(last.traffic.repairBytes)}, ${asked.join(', ')}`,
  )
  if (struck.length > 0) output.print(`       struck: ${struckLine(struck)}`)
  for (const note of notes.slice(0, 5)) output.note(note)
  if (notes.length > 5) output.note(`and ${notes.length - 5} notes more`)
  output.print(`seed ${scenario.seed}, run hash ${hash}`)
  output.note(`${formatMs(cost.realMs)} for ${hours(last.at)}, ${formatBytes(cost.rssBytes)}`)
  if (report !== undefined) output.note(`Report: ${report}`)
}

function struckLine(struck: Outcome['struck']): string {
  const told = struck.slice(0, STRUCK_TOLD).map(struckText)
  return told.join('; ') + (struck.length > STRUCK_TOLD ? `; and ${struck.length - STRUCK_TOLD} more` : '')
}

function askedText(tally: Tally): string {
  const unanswered = tally.open === 0 ? '' : ` (${tally.open} unanswered)`
  return `${(shareOf(tally) * 100).toFixed(1)} % of ${tally.tried}${unanswered}`
}

function tellCrash({ error }: RunEnd & { kind: 'crashed' }, { seed }: Scenario, output: Output): void {
  const trace = error instanceof Error ? error.stack : String(error)
  output.print(`FAILED a node threw where nobody listens, seed ${seed}:\n${trace}`)
}

interface Search {
  readonly failure: string
  readonly maxTries: number
  readonly signal: AbortSignal
  readonly output: Output
}

async function smallestOf(scenario: Scenario, { failure, maxTries, signal, output }: Search): Promise<string> {
  output.note(`Looking for the smallest scenario that fails "${failure}", at most ${maxTries} runs.`)
  let tries = 0
  const stillFails = async (candidate: Scenario) => {
    output.bar('shrinking', ++tries, maxTries, 'runs')
    return failsAs(await simulate(candidate, { signal }), failure)
  }
  const shrunk = await shrink(scenario, stillFails, maxTries)
  output.note(`${shrunk.tries} runs${shrunk.finished ? '' : '; a longer search may find a smaller one'}.`)
  return formatScenario(shrunk.scenario)
}

function crashOf({ what }: RunEnd & { kind: 'crashed' }, { seed }: Scenario, name: string) {
  return { name, met: false, seed, crash: what }
}

function resultOf({ verdicts, met, hash, scenario, samples, notes, struck }: Outcome, name: string) {
  return {
    ...{ name, met, seed: scenario.seed, hash, notes, struck, end: samples.at(-1) },
    expectations: verdicts.map(({ text, met: reached, seen }) => ({ text, met: reached, seen })),
  }
}

function figuresText(outcome: Outcome, name: string): string {
  const { samples, costs, events, startMs } = outcome
  const figures = {
    ...{ kind: 'myrmex-sim', ...resultOf(outcome, name), events, start_ms: startMs },
    ...{ scenario: formatScenario(outcome.scenario), samples, costs },
  }
  return `${JSON.stringify(figures)}\n`
}

async function readReal(path: string): Promise<RealCurve> {
  const { size } = await stat(path)
  if (size > MAX_REAL_BYTES) throw new CliError(`${path} is too large for a measured curve`)
  try {
    return parseRealCurve(await readFile(path, 'utf8'))
  } catch (error) {
    throw error instanceof ScenarioError ? new CliError(`${path}: ${error.message}`, error) : error
  }
}

function machineText(): string {
  const all = cpus()
  return `${all[0]?.model.trim() ?? 'unknown processor'}, ${all.length} cores, ${formatBytes(totalmem())}, Node ${process.version}`
}

function hours(ms: number): string {
  return ms >= HOUR ? `${Number((ms / HOUR).toFixed(2))} h` : `${Number((ms / 60_000).toFixed(1))} min`
}
