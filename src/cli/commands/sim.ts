/** `myrmex sim SCENARIO`: a whole network on a virtual clock, one seed, one verdict. */
import { readFile, stat } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { systemClock } from '../../base/index.ts'
import { VERSION } from '../../node/index.ts'
import {
  type Cost,
  findScenario,
  formatScenario,
  MAX_REAL_BYTES,
  parseRealCurve,
  type RealCurve,
  reportPage,
  type Sample,
  type Scenario,
  ScenarioError,
  type Shrunk,
  shrink,
} from '../../scenario/index.ts'
import { CliError } from '../args.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, type Output } from '../output.ts'
import { Outputs } from '../outputs.ts'
import { JSON_FLAG, OVERWRITE_FLAG } from '../shared-flags.ts'
import { changed, commandOf } from '../sim/changes.ts'
import { failsAs, failureOf, type RunEnd, simulate } from '../sim/simulate.ts'
import { figuresText, hours, progressText, resultOf, tell, tellCrash } from '../sim/tell.ts'

/** A line of progress is written at most this often. */
const PROGRESS_MS = 5000
const SHRINK_TRIES = 40

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
    overwrite: OVERWRITE_FLAG,
    json: JSON_FLAG,
  },
  async run({ values, positionals, signal, output }) {
    const given = positionals[0] as string
    const found = findScenario(given)
    const { scenario, leftOut } = changed(found.scenario, values)
    const { report, figures, smallest } = values
    const outputs = new Outputs(values.overwrite, output)
    const read = [found.path, ...(values.real === undefined ? [] : [values.real])]
    await outputs.check({ '--report': report, '--figures': figures, '--smallest': smallest }, read)
    const real = values.real === undefined ? undefined : await readReal(values.real)
    output.note(
      `${found.name}: ${scenario.nodes} nodes, ${scenario.chunks.count} chunks, ${hours(scenario.runMs)} of virtual time, seed ${scenario.seed}`,
    )
    const end = await watched(scenario, signal, output)
    const result = resultOf(end, scenario, found.name, leftOut)
    for (const text of leftOut) output.print(`left out: ${text}`)
    if (end.kind === 'ended') {
      // Told first: what can be known of the run is on the screen whatever the disk says.
      tell(end.outcome, output)
      const facts = {
        ...{ name: found.name, version: VERSION, machine: machineText(), leftOut },
        takenAt: new Date(systemClock.now()).toISOString(),
        command: commandOf(given, values, scenario),
        ...(scenario === found.scenario ? { text: found.text } : {}),
        ...(real ? { real } : {}),
      }
      if (report !== undefined) await outputs.save(report, reportPage(end.outcome, facts))
      if (figures !== undefined) await outputs.save(figures, figuresText(end.outcome, result))
    } else tellCrash(end, scenario, output)
    const failure = failureOf(end)
    if (failure === undefined) {
      output.result(result)
      if (end.kind === 'ended' && end.outcome.interrupted) return EXIT.interrupted
      return outputs.failed ? EXIT.failure : EXIT.success
    }
    const search = { failure, maxTries: values['shrink-tries'] ?? SHRINK_TRIES, signal, output }
    const shrunk = values['no-shrink'] ? undefined : await smallestOf(scenario, search)
    const text = shrunk && formatScenario(shrunk.scenario)
    if (text !== undefined) {
      const path = smallest ?? (await outputs.freeName(`${found.name}.smallest`, 'sim'))
      output.print(`\nSmallest scenario that still fails, for ${path}:\n\n${text}`)
      const head = `# The smallest scenario found that fails as ${found.name} does with seed ${scenario.seed}: ${failure}\n`
      await outputs.save(path, head + text)
    }
    output.result({ ...result, smallest: text ?? null })
    return signal.aborted ? EXIT.interrupted : EXIT.failure
  },
})

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

interface Search {
  readonly failure: string
  readonly maxTries: number
  readonly signal: AbortSignal
  readonly output: Output
}

async function smallestOf(scenario: Scenario, { failure, maxTries, signal, output }: Search): Promise<Shrunk> {
  output.note(`Looking for the smallest scenario that fails "${failure}", at most ${maxTries} runs.`)
  let tries = 0
  const stillFails = async (candidate: Scenario) => {
    output.bar('shrinking', ++tries, maxTries, 'runs')
    try {
      return failsAs(await simulate(candidate, { signal }), failure)
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }
  const shrunk = await shrink(scenario, stillFails, maxTries, signal)
  const more = signal.aborted
    ? '; it was interrupted'
    : shrunk.finished
      ? ''
      : '; a longer search may find a smaller one'
  output.note(`${shrunk.tries} runs${more}.`)
  return shrunk
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
