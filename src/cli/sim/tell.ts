/** What a run came to, in lines for people and as the one object of --json. */
import { hour, minute } from '../../base/index.ts'
import {
  type Cost,
  formatScenario,
  type Outcome,
  type Sample,
  type Scenario,
  shareOf,
  struckText,
  type Tally,
} from '../../scenario/index.ts'
import { formatBytes, formatMs, type Output } from '../output.ts'
import type { RunEnd } from './simulate.ts'

const STRUCK_TOLD = 12

/** The speed is that since the line before. */
export function progressText({ at, copies, live }: Sample, cost: Cost, before: Cost): string {
  const speed = ((at - before.at) / hour / ((cost.realMs - before.realMs) / 1000)).toPrecision(2)
  return `${hours(at)}  ${live} nodes  copies min ${copies.fewest} median ${copies.median}  lost ${copies.lost}  ${speed} h/s  ${formatBytes(cost.rssBytes)}`
}

export function tell(outcome: Outcome, output: Output): void {
  const { verdicts, samples, costs, hash, scenario, notes, struck, interrupted } = outcome
  const last = samples.at(-1) as Sample
  const cost = costs.at(-1) as Cost
  if (interrupted) output.print(`Interrupted after ${hours(last.at)} of ${hours(scenario.runMs)}: nothing is decided.`)
  for (const { met, text, seen } of verdicts)
    output.print(interrupted ? `so far ${text} (${seen})` : `${met ? 'ok    ' : 'FAILED'} ${text} (${seen})`)
  const asked = (['gets', 'puts', 'lookups'] as const)
    .filter((name) => last[name].tried > 0)
    .map((name) => `${name} ${askedText(last[name])}`)
  output.print(
    `       ${[`lost ${last.copies.lost}`, `copies min ${last.copies.fewest} median ${last.copies.median}`, `repair ${formatBytes(last.traffic.repairBytes)}`, ...asked].join(', ')}`,
  )
  if (struck.length > 0) output.print(`       struck: ${struckLine(struck)}`)
  for (const note of notes.slice(0, 5)) output.note(note)
  if (notes.length > 5) output.note(`and ${notes.length - 5} notes more`)
  output.print(`seed ${scenario.seed}, run hash ${hash}`)
  output.note(`${formatMs(cost.realMs)} for ${hours(last.at)}, ${formatBytes(cost.rssBytes)}`)
}

function struckLine(struck: Outcome['struck']): string {
  const told = struck.slice(0, STRUCK_TOLD).map(struckText)
  return told.join('; ') + (struck.length > STRUCK_TOLD ? `; and ${struck.length - STRUCK_TOLD} more` : '')
}

function askedText(tally: Tally): string {
  const unanswered = tally.open === 0 ? '' : ` (${tally.open} unanswered)`
  return `${(shareOf(tally) * 100).toFixed(1)} % of ${tally.tried}${unanswered}`
}

export function tellCrash({ error, unheard }: RunEnd & { kind: 'crashed' }, { seed }: Scenario, output: Output): void {
  const trace = error instanceof Error ? error.stack : String(error)
  const what = unheard ? 'a node threw where nobody listens' : 'the run ended with an error'
  output.print(`FAILED ${what}, seed ${seed}:\n${trace}`)
}

export function resultOf(end: RunEnd, { seed }: Scenario, name: string, leftOut: readonly string[]) {
  const head = { name, seed, left_out: leftOut }
  if (end.kind === 'crashed') return { ...head, met: false, crash: end.what }
  const { verdicts, met, interrupted, hash, samples, notes, struck } = end.outcome
  return {
    ...{ ...head, met, interrupted, hash, notes, struck, end: samples.at(-1) },
    expectations: verdicts.map(({ text, met: reached, seen }) => ({ text, met: reached, seen })),
  }
}

export function figuresText(outcome: Outcome, result: object): string {
  const { samples, costs, events, startMs } = outcome
  const figures = {
    ...{ kind: 'myrmex-sim', ...result, events, start_ms: startMs },
    ...{ scenario: formatScenario(outcome.scenario), samples, costs },
  }
  return `${JSON.stringify(figures)}\n`
}

export function hours(ms: number): string {
  return ms >= hour ? `${Number((ms / hour).toFixed(2))} h` : `${Number((ms / minute).toFixed(1))} min`
}
