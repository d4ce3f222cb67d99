/** What only a whole scenario tells: what never happens, or is too much. For files and for figures of the command line. Pure. */
import { replacedBy } from './amounts.ts'
import { type Expectation, isMoment, type Scenario, type ScenarioEvent } from './scenario.ts'
import { percentText, timeText } from './units.ts'

/** Questions of a kind, samples, machines of one churn: each is a step that waits in memory. */
const MAX_STEPS = 2_000_000

/** Why this cannot happen as it is said; undefined when it can. */
export function objectionToEvent(event: ScenarioEvent, { nodes, runMs, store }: Scenario): string | undefined {
  const takes = `the run, which takes ${timeText(runMs)}`
  if (isMoment(event) && event.at >= runMs)
    return `this must happen before the end of ${takes}, or nothing is seen of it`
  if (!isMoment(event) && event.to > runMs) return `this ends after ${takes}`
  if (store === 'memory' && (event.kind === 'rot' || event.kind === 'disks'))
    return `"${event.kind}" needs disks: leave out "store memory"`
  if (isMoment(event) || event.kind !== 'churn' || event.share === 0) return undefined
  const replaced = replacedBy(event, nodes)
  const rate = `${percentText(event.share)} of ${nodes} nodes per hour`
  if (replaced === 0)
    return `this replaces nobody: ${rate} is less than half a node in ${timeText(event.to - event.from)}`
  return replaced > MAX_STEPS ? `this replaces ${replaced} nodes, and at most ${MAX_STEPS} can be` : undefined
}

export function objectionToExpectation({ when }: Expectation, { runMs }: Scenario): string | undefined {
  if (when.kind === 'end' || when.of + when.withinMs <= runMs) return undefined
  return `this looks at ${timeText(when.of + when.withinMs)}, after the end of the run, which takes ${timeText(runMs)}`
}

export interface RateObjection {
  readonly setting: 'gets' | 'puts' | 'lookups' | 'sample'
  readonly text: string
}

/** The first rate that is too much for the length of the run. */
export function objectionToRates(scenario: Scenario): RateObjection | undefined {
  const { runMs, sampleMs } = scenario
  const many = (setting: RateObjection['setting'], count: number): RateObjection | undefined =>
    count > MAX_STEPS
      ? {
          setting,
          text: `${Math.floor(count)} ${setting === 'sample' ? 'samples' : setting} in ${timeText(runMs)}, and at most ${MAX_STEPS} can be`,
        }
      : undefined
  const asked = (['gets', 'puts', 'lookups'] as const).map((name) => many(name, (scenario[name] * runMs) / 60_000))
  return [...asked, many('sample', runMs / sampleMs)].find((found) => found !== undefined)
}
