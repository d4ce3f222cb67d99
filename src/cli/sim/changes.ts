/** A scenario with figures of the command line: what of it falls away, and the command that runs it again. Pure. */
import { hour } from '../../base/index.ts'
import {
  beginOf,
  eventText,
  expectationText,
  objectionToEvent,
  objectionToExpectation,
  objectionToRates,
  type Scenario,
  withRun,
} from '../../scenario/index.ts'
import { UsageError } from '../args.ts'

const MOST_HOURS = 8784

export interface Changes {
  readonly seed: number | undefined
  readonly nodes: number | undefined
  readonly hours: string | undefined
}

export interface Changed {
  /** The very one that was given when nothing changes it. */
  readonly scenario: Scenario
  /** Events and expectations without a place in it, each with the reason. */
  readonly leftOut: readonly string[]
}

/** Throws UsageError for figures that no run can have. */
export function changed(scenario: Scenario, { seed, nodes, hours }: Changes): Changed {
  const h = hours === undefined ? undefined : Number(hours)
  if (h !== undefined && !(h > 0 && h <= MOST_HOURS))
    throw new UsageError(`--hours takes a number of hours above 0, not "${hours}"`)
  if (seed === undefined && nodes === undefined && h === undefined) return { scenario, leftOut: [] }
  const more = { ...scenario, ...(seed === undefined ? {} : { seed }), ...(nodes === undefined ? {} : { nodes }) }
  const less = h === undefined ? more : withRun(more, Math.max(1000, Math.round(h * hour)))
  const rate = objectionToRates(less)
  if (rate) throw new UsageError(`${rate.text}: --hours or the scenario asks for too much`)
  const idle = less.events.filter((event) => objectionToEvent(event, less) !== undefined)
  const leftOut = [
    ...more.events.filter((event) => beginOf(event) >= less.runMs).map((event) => `${eventText(event)}: after the end`),
    ...idle.map((event) => `${eventText(event)}: ${objectionToEvent(event, less)}`),
    ...more.expectations
      .filter((one) => objectionToExpectation(one, less) !== undefined)
      .map((one) => `expect ${expectationText(one)}: after the end`),
  ]
  return { scenario: { ...less, events: less.events.filter((event) => !idle.includes(event)) }, leftOut }
}

/** For a shell, in the folder in which it was called. */
export function commandOf(given: string, { nodes, hours }: Changes, { seed }: Scenario): string {
  const words = ['myrmex', 'sim', given, '--seed', String(seed)]
  if (nodes !== undefined) words.push('--nodes', String(nodes))
  if (hours !== undefined) words.push('--hours', hours)
  return words.map(quoted).join(' ')
}

function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
